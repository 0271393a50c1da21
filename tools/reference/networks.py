"""Networks that neither torchvision nor timm has, written down in PyTorch from their papers, with the names of packages/vision."""
import math

import torch
import torch.nn.functional as F
from torch import nn
from torchvision.models.densenet import _DenseBlock, _Transition


class CifarBlock(nn.Module):
    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.stride, self.extra = stride, (outputs - inputs) // 2

    def forward(self, x):
        y = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
        # option A of https://arxiv.org/abs/1512.03385: every second place, zeros for the new channels
        short = F.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, self.extra, self.extra)) if self.stride == 2 else x
        return F.relu(y + short)


class CifarResNet(nn.Module):
    def __init__(self, blocks, classes):
        super().__init__()
        stage = lambda a, b: nn.Sequential(*[CifarBlock(a if i == 0 else b, b, b // a if i == 0 else 1) for i in range(blocks)])
        self.conv1 = nn.Conv2d(3, 16, 3, 1, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(16)
        self.layer1, self.layer2, self.layer3 = stage(16, 16), stage(16, 32), stage(32, 64)
        self.linear = nn.Linear(64, classes)

    def forward(self, x):
        y = F.relu(self.bn1(self.conv1(x)))
        return self.linear(self.layer3(self.layer2(self.layer1(y))).mean((2, 3)))


class SameConv2d(nn.Conv2d):
    """TensorFlow's SAME: what is odd goes to the end."""

    def forward(self, x):
        sides = []
        for n in (x.shape[3], x.shape[2]):
            k, s = self.kernel_size[0], self.stride[0]
            total = max((math.ceil(n / s) - 1) * s + k - n, 0)
            sides += [total // 2, total - total // 2]
        return super().forward(F.pad(x, sides))


def unit(inputs, outputs, kernel, stride, groups=1):
    layer = nn.Sequential()
    layer.add_module("conv", SameConv2d(inputs, outputs, kernel, stride, groups=groups, bias=False))
    layer.add_module("bn", nn.BatchNorm2d(outputs))
    layer.add_module("act", nn.ReLU6())
    return layer


class MobileNetV1(nn.Module):
    """https://arxiv.org/abs/1704.04861, table 1."""

    def __init__(self, classes, width=1.0):
        super().__init__()
        rows = [(32, 2), (64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2), *[(512, 1)] * 5, (1024, 2), (1024, 1)]
        widths = [max(8, int(c * width)) for c, _ in rows]
        self.features = nn.Sequential(unit(3, widths[0], 3, 2))
        for i, (_, stride) in enumerate(rows[1:], 1):
            block = nn.Sequential()
            block.add_module("dw", unit(widths[i - 1], widths[i - 1], 3, stride, widths[i - 1]))
            block.add_module("pw", unit(widths[i - 1], widths[i], 1, 1))
            self.features.append(block)
        self.classifier = nn.Linear(widths[-1], classes)

    def forward(self, x):
        return self.classifier(self.features(x).mean((2, 3)))


class CifarDenseNet(nn.Module):
    """DenseNet-BC for 32x32 images: https://arxiv.org/abs/1608.06993, section 4.2."""

    def __init__(self, growth, blocks, classes):
        super().__init__()
        width = 2 * growth
        self.features = nn.Sequential()
        self.features.add_module("conv0", nn.Conv2d(3, width, 3, padding=1, bias=False))
        self.features.add_module("norm0", nn.BatchNorm2d(width))
        self.features.add_module("relu0", nn.ReLU())
        for i, layers in enumerate(blocks, 1):
            self.features.add_module(f"denseblock{i}", _DenseBlock(layers, width, 4, growth, 0.0))
            width += layers * growth
            if i < len(blocks):
                self.features.add_module(f"transition{i}", _Transition(width, width // 2))
                width //= 2
        self.features.add_module("norm5", nn.BatchNorm2d(width))
        self.classifier = nn.Linear(width, classes)

    def forward(self, x):
        return self.classifier(F.relu(self.features(x)).mean((2, 3)))


class DoubleConv(nn.Module):
    def __init__(self, inputs, outputs):
        super().__init__()
        conv = lambda a: [nn.Conv2d(a, outputs, 3, padding=1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU()]
        self.double_conv = nn.Sequential(*conv(inputs), *conv(outputs))

    def forward(self, x):
        return self.double_conv(x)


class Up(nn.Module):
    def __init__(self, inputs, outputs):
        super().__init__()
        self.up = nn.ConvTranspose2d(inputs, outputs, 2, 2)
        self.conv = DoubleConv(2 * outputs, outputs)

    def forward(self, x, skip):
        y = self.up(x)
        rows, columns = skip.shape[2] - y.shape[2], skip.shape[3] - y.shape[3]
        y = F.pad(y, (columns // 2, columns - columns // 2, rows // 2, rows - rows // 2))
        return self.conv(torch.cat([skip, y], 1))


class UNet(nn.Module):
    """https://arxiv.org/abs/1505.04597 with batch norm and padding."""

    def __init__(self, classes, channels, widths):
        super().__init__()
        self.down = nn.ModuleList(DoubleConv(a, b) for a, b in zip([channels, *widths], widths))
        self.up = nn.ModuleList(Up(b, a) for a, b in zip(widths, widths[1:]))
        self.outc = nn.Conv2d(widths[0], classes, 1)

    def forward(self, x):
        maps = []
        for i, layer in enumerate(self.down):
            x = layer(x if i == 0 else F.max_pool2d(x, 2))
            maps.append(x)
        y = maps.pop()
        for layer, skip in zip(reversed(self.up), reversed(maps)):
            y = layer(y, skip)
        return self.outc(y)


class FCN(nn.Module):
    """https://arxiv.org/abs/1411.4038 on the poolings of a VGG, the coarsest first; maps are cut at the right and the bottom."""

    def __init__(self, vgg, classes, levels, hidden):
        super().__init__()
        self.backbone = nn.Sequential()
        self.backbone.add_module("features", vgg.features)
        self.levels = levels
        pools = [m for m in vgg.features.children() if isinstance(m, nn.MaxPool2d)]
        self.taps = [list(vgg.features.children()).index(pools[level]) for level in levels]
        widths = [64, 128, 256, 512, 512]
        self.hidden = nn.Sequential(nn.Conv2d(512, hidden, 7, padding=3), nn.ReLU(), nn.Identity(), nn.Conv2d(hidden, hidden, 1), nn.ReLU())
        self.score = nn.ModuleList(nn.Conv2d(hidden if i == 0 else widths[level], classes, 1) for i, level in enumerate(levels))
        last = 2 ** (levels[-1] + 1)
        factors = [2] * (len(levels) - 1) + [last]
        self.up = nn.ModuleList(nn.ConvTranspose2d(classes, classes, 2 * f, f, f // 2, bias=False) for f in factors)

    def forward(self, x):
        rows, columns = (-n % 32 for n in x.shape[2:])
        y, maps = F.pad(x, (0, columns, 0, rows)), {}
        for i, layer in enumerate(self.backbone.features):
            y = layer(y)
            maps[i] = y
        y = self.score[0](self.hidden(maps[self.taps[0]]))
        for i, tap in enumerate(self.taps[1:]):
            y = self.up[i](y) + self.score[i + 1](maps[tap])
        return self.up[-1](y)[:, :, : x.shape[2], : x.shape[3]]
