"""The workloads of bench/engine/workloads.ts in PyTorch: reads "steps N" lines, answers each with a line of JSON."""
import torch
from torch import nn
from torch.nn import functional as F

from gpt import GPT, Block
from steps import inference, serve


def mlp():
    model = nn.Sequential(nn.Linear(784, 512), nn.ReLU(), nn.Linear(512, 512), nn.ReLU(), nn.Linear(512, 10))
    x, y = torch.rand(128, 784) * 2 - 1, torch.randint(10, (128,))
    return model, lambda: F.cross_entropy(model(x), y), torch.optim.Adam(model.parameters(), lr=1e-3)


VOCAB, WIDTH, TIME, BATCH = 8192, 256, 35, 32


class RecurrentLM(nn.Module):
    def __init__(self, rnn):
        super().__init__()
        self.embedding, self.rnn, self.head = nn.Embedding(VOCAB, WIDTH), rnn, nn.Linear(WIDTH, VOCAB)

    def forward(self, x):
        return self.head(self.rnn(self.embedding(x))[0])


def recurrent(kind, time=TIME, batch=BATCH):
    def make():
        model = RecurrentLM(kind(WIDTH, WIDTH))
        x, y = torch.randint(VOCAB, (time, batch)), torch.randint(VOCAB, (time, batch))
        loss = lambda: F.cross_entropy(model(x).view(-1, VOCAB), y.view(-1))
        return model, loss, torch.optim.Adam(model.parameters(), lr=1e-3)

    return make


def gpt():
    model = GPT()
    x, y = torch.randint(8192, (4, 256)), torch.randint(8192, (4, 256))
    loss = lambda: F.cross_entropy(model(x).view(-1, 8192), y.view(-1))
    return model, loss, torch.optim.AdamW(model.parameters(), lr=3e-4)


def unit(inputs, outputs, kernel, stride=1, groups=1, act=nn.ReLU):
    conv = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False)
    return [conv, nn.BatchNorm2d(outputs)] + ([act(inplace=True)] if act else [])


class Residual(nn.Module):
    def __init__(self, body, shortcut, post):
        super().__init__()
        self.body, self.shortcut, self.post = nn.Sequential(*body), nn.Sequential(*shortcut), nn.Sequential(*post)

    def forward(self, x):
        return self.post(self.shortcut(x) + self.body(x))


def head(width):
    return [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(width, 10)]


def image_step(model, batch, make):
    x, y = torch.rand(batch, 3, 32, 32) * 2 - 1, torch.randint(10, (batch,))
    return model, lambda: F.cross_entropy(model(x), y), make(model.parameters())


def resnet18_model():
    layers, width = unit(3, 64, 3), 64
    for planes, stride in ((64, 1), (128, 2), (256, 2), (512, 2)):
        for s in (stride, 1):
            same = s == 1 and width == planes
            body = unit(width, planes, 3, s) + unit(planes, planes, 3, act=None)
            layers.append(Residual(body, [] if same else unit(width, planes, 1, s, act=None), [nn.ReLU(inplace=True)]))
            width = planes
    return nn.Sequential(*layers, *head(512))


def resnet18():
    return image_step(resnet18_model(), 32, lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9, weight_decay=5e-4))


def mobilenetv2():
    layers, width = unit(3, 32, 3, act=nn.ReLU6), 32
    stages = ((1, 16, 1, 1), (6, 24, 2, 1), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1))
    for expansion, channels, blocks, stride in stages:
        for i in range(blocks):
            s, hidden = stride if i == 0 else 1, width * expansion
            body = unit(width, hidden, 1, act=nn.ReLU6) if expansion > 1 else []
            body += unit(hidden, hidden, 3, s, groups=hidden, act=nn.ReLU6) + unit(hidden, channels, 1, act=None)
            layers += [Residual(body, [], [])] if s == 1 and width == channels else body
            width = channels
    model = nn.Sequential(*layers, *unit(width, 1280, 1, act=nn.ReLU6), *head(1280))
    return image_step(model, 32, lambda p: torch.optim.SGD(p, lr=0.05, momentum=0.9, weight_decay=5e-4))


class ViT(nn.Module):
    def __init__(self, width=192, depth=12, heads=3, patch=4, side=32, classes=10):
        super().__init__()
        self.patch = nn.Conv2d(3, width, patch, patch)
        positions = 1 + (side // patch) ** 2
        self.token, self.position = nn.Parameter(torch.zeros(1, 1, width)), nn.Parameter(torch.zeros(1, positions, width))
        self.blocks, self.norm = nn.ModuleList(Block(width, heads) for _ in range(depth)), nn.LayerNorm(width)
        self.head = nn.Linear(width, classes)

    def forward(self, x):
        x = self.patch(x).flatten(2).transpose(1, 2)
        x = torch.cat([self.token.expand(len(x), -1, -1), x], 1) + self.position
        for block in self.blocks:
            x = block(x)
        return self.head(self.norm(x)[:, 0])


def vit():
    return image_step(ViT(), 64, lambda p: torch.optim.AdamW(p, lr=1e-3))


def resnet50():
    layers, width = unit_of(nn.Conv2d(3, 64, 7, 2, 3, bias=False), 64) + [nn.MaxPool2d(3, 2, 1)], 64
    for planes, blocks, stride in ((64, 3, 1), (128, 4, 2), (256, 6, 2), (512, 3, 2)):
        for s in (stride,) + (1,) * (blocks - 1):
            body = unit(width, planes, 1) + unit(planes, planes, 3, s) + unit(planes, 4 * planes, 1, act=None)
            same = s == 1 and width == 4 * planes
            shortcut = [] if same else unit(width, 4 * planes, 1, s, act=None)
            layers.append(Residual(body, shortcut, [nn.ReLU(inplace=True)]))
            width = 4 * planes
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(2048, 1000))


def unit_of(conv, outputs):
    return [conv, nn.BatchNorm2d(outputs), nn.ReLU(inplace=True)]


inferences = {
    "inference-resnet18": lambda: inference(resnet18_model(), torch.rand(32, 3, 32, 32) * 2 - 1),
    "inference-gpt": lambda: inference(GPT(), torch.randint(8192, (4, 256))),
    "inference-lstm": lambda: inference(RecurrentLM(nn.LSTM(WIDTH, WIDTH)), torch.randint(VOCAB, (TIME, BATCH))),
    "inference-vit-b16": lambda: inference(ViT(768, 12, 12, 16, 224, 1000), torch.rand(1, 3, 224, 224) * 2 - 1),
    "inference-resnet50": lambda: inference(resnet50(), torch.rand(1, 3, 224, 224) * 2 - 1),
}
workloads = {"mlp": mlp, "lstm": recurrent(nn.LSTM), "lstm-256": recurrent(nn.LSTM, 256, 4), "gru": recurrent(nn.GRU), "gpt": gpt, "resnet18": resnet18, "resnet18-exact": resnet18, "mobilenetv2": mobilenetv2, "vit": vit}

serve(inferences, workloads)
