"""Stores what torchvision's and timm's models give, for packages/vision/test/parity.test.ts: hashes of the state dicts' keys and
shapes, logits and the gradients of two parameters in float64, and how weights are drawn. Weights and inputs come from a hash that
the test computes too.

python -m venv VENV; VENV/bin/pip install torch torchvision timm; VENV/bin/python tools/reference/torchvision_parity.py [NAME …]
"""
import hashlib
import json
import re
import sys
import zlib
from pathlib import Path

import numpy as np
import timm
import torch
import torchvision
from networks import CifarDenseNet, CifarResNet, MobileNetV1
from timm.layers import resample_abs_pos_embed
from timm.models.deit import VisionTransformerDistilled
from timm.models.vision_transformer import VisionTransformer
from torch import nn
from torchvision.models import convnext, densenet, mobilenetv3, resnet, swin_transformer

torch.set_num_threads(1)
CLASSES = 5

VGG = [f"vgg{n}{bn}" for n in (11, 13, 16, 19) for bn in ("", "_bn")]
RESNET = ["resnet18", "resnet34", "resnet50", "resnet101", "resnet152", "resnext50_32x4d", "wide_resnet50_2"]
TORCHVISION = ["alexnet", *VGG, *RESNET, "mobilenet_v2", "mobilenet_v3_small", "mobilenet_v3_large", "googlenet", "densenet121",
               "densenet161", "densenet169", "densenet201", "squeezenet1_0", "squeezenet1_1", "efficientnet_b0", "shufflenet_v2_x0_5",
               "shufflenet_v2_x1_0", "shufflenet_v2_x1_5", "shufflenet_v2_x2_0", "convnext_tiny", "convnext_small", "swin_t", "swin_s"]
VITS = {"tiny": (192, 12, 3), "small": (384, 12, 6), "base": (768, 12, 12), "large": (1024, 24, 16)}
TIMM = [f"vit_{size}_patch{patch}_224" for size in VITS for patch in (16, 32)] + [
    f"deit_{size}{kind}_patch16_224" for size in ("tiny", "small", "base") for kind in ("", "_distilled")]
CIFAR = {f"cifar_resnet{6 * n + 2}": n for n in (3, 5, 7, 9, 18)}
OWN = [*CIFAR, "cifar_densenet100", "mobilenet_v1"]


def lenet():
    layers = {"conv1": nn.Conv2d(1, 6, 5, padding=2), "a1": nn.Tanh(), "p1": nn.AvgPool2d(2), "conv2": nn.Conv2d(6, 16, 5),
              "a2": nn.Tanh(), "p2": nn.AvgPool2d(2), "flat": nn.Flatten(), "fc1": nn.Linear(400, 120), "a3": nn.Tanh(),
              "fc2": nn.Linear(120, 84), "a4": nn.Tanh(), "fc3": nn.Linear(84, CLASSES)}
    model = nn.Sequential()
    for name, layer in layers.items():
        model.add_module(name, layer)
    return model


def alexnet_2012():
    lrn = lambda: nn.LocalResponseNorm(5, alpha=5e-4, beta=0.75, k=2)
    layers = {"conv1": nn.Conv2d(3, 96, 11, 4, 2), "a1": nn.ReLU(), "n1": lrn(), "p1": nn.MaxPool2d(3, 2),
              "conv2": nn.Conv2d(96, 256, 5, padding=2, groups=2), "a2": nn.ReLU(), "n2": lrn(), "p2": nn.MaxPool2d(3, 2),
              "conv3": nn.Conv2d(256, 384, 3, padding=1), "a3": nn.ReLU(),
              "conv4": nn.Conv2d(384, 384, 3, padding=1, groups=2), "a4": nn.ReLU(),
              "conv5": nn.Conv2d(384, 256, 3, padding=1, groups=2), "a5": nn.ReLU(), "p5": nn.MaxPool2d(3, 2), "flat": nn.Flatten(),
              "fc6": nn.Linear(9216, 4096), "a6": nn.ReLU(), "fc7": nn.Linear(4096, 4096), "a7": nn.ReLU(),
              "fc8": nn.Linear(4096, CLASSES)}
    model = nn.Sequential()
    for name, layer in layers.items():
        model.add_module(name, layer)
    return model


def mlp():
    model = nn.Sequential(nn.Flatten())
    model.add_module("features", nn.Sequential(nn.Linear(784, 256), nn.ReLU(), nn.Dropout(0)))
    model.add_module("classifier", nn.Linear(256, CLASSES))
    return model


def small_convnext():
    stages = [(16, 24, 1), (24, 32, 2), (32, 40, 1), (40, None, 1)]
    return convnext.ConvNeXt([convnext.CNBlockConfig(*stage) for stage in stages], num_classes=CLASSES)


def small_mobilenet():
    setting, last = mobilenetv3._mobilenet_v3_conf("mobilenet_v3_large", width_mult=0.5)
    return mobilenetv3.MobileNetV3(setting, last, num_classes=CLASSES)


SMALL_VIT = {"img_size": 64, "patch_size": 16, "embed_dim": 24, "depth": 2, "num_heads": 3, "num_classes": CLASSES}
# Small shapes of the large families and what neither library has; the test builds the same.
SMALL = {
    "lenet5": lenet,
    "alexnet_2012": alexnet_2012,
    "mlp": mlp,
    "small resnet": lambda: resnet.ResNet(resnet.BasicBlock, [2, 1, 1, 1], num_classes=CLASSES),
    "small dilated resnext": lambda: resnet.ResNet(resnet.Bottleneck, [1, 1, 2, 1], num_classes=CLASSES, groups=32, width_per_group=4,
                                                   replace_stride_with_dilation=[False, True, True]),
    "small densenet": lambda: densenet.DenseNet(8, (2, 3, 2, 2), 16, num_classes=CLASSES),
    "small mobilenet_v3": small_mobilenet,
    **{f"mobilenet_v1 of width {width}": lambda width=width: MobileNetV1(CLASSES, width) for width in (0.25, 0.5, 0.75)},
    "small cifar densenet": lambda: CifarDenseNet(8, (2, 2, 2), CLASSES),
    "small convnext": small_convnext,
    "small swin": lambda: swin_transformer.SwinTransformer([4, 4], 12, [2, 2, 2], [1, 2, 3], [4, 4], num_classes=CLASSES),
    "small vit": lambda: VisionTransformer(**SMALL_VIT),
    "small vit, mean": lambda: VisionTransformer(**SMALL_VIT, global_pool="avg"),
    "small deit, distilled": lambda: VisionTransformerDistilled(**SMALL_VIT),
}
# With the input of the others, two values that GoogLeNet pools differ by 6e-7: rounding decides where the gradient goes. The
# other five fail and pass in the same way; so does PyTorch in float32.
SEEDS = {"googlenet": 7, "vgg11": 7, "vgg11_bn": 7, "vgg19_bn": 7, "resnet101": 7, "densenet161": 7}
SHAPES = {"alexnet_2012": (2, 3, 224, 224), "lenet5": (2, 1, 28, 28), "mlp": (2, 1, 28, 28), "small swin": (2, 3, 60, 60)}


def noise(n, seed):
    """Values in [-1, 1): the finalizer of MurmurHash3 over i + seed."""
    h = (np.arange(n, dtype=np.uint64) + np.uint64(seed)).astype(np.uint32)
    h ^= h >> np.uint32(16)
    h *= np.uint32(0x85EBCA6B)
    h ^= h >> np.uint32(13)
    h *= np.uint32(0xC2B2AE35)
    h ^= h >> np.uint32(16)
    return (h.astype(np.float64) / 2**31 - 1)


def filled(name, t, norms):
    """Batch norms keep activations mostly positive: signs that flip by rounding make gradients incomparable in any float32."""
    prefix, _, leaf = name.rpartition(".")
    u = noise(t.numel(), zlib.crc32(name.encode()))
    if prefix in norms:
        return {"running_var": 0.1 + 0.05 * u, "weight": 0.25 + 0.05 * u, "bias": 0.7 + 0.3 * u, "running_mean": 0.1 * u}[leaf]
    if t.ndim > 1:
        return u * (6 / (t.numel() / t.shape[0])) ** 0.5
    return 0.1 * u + (1 if leaf == "weight" else 0)


def fill(model):
    norms = {name.rpartition(".")[0] for name in model.state_dict() if name.endswith("running_var")}
    for name, t in model.state_dict().items():
        if t.is_floating_point():
            t.copy_(torch.from_numpy(filled(name, t, norms).astype(np.float32)).reshape(t.shape))


def make(name, image=224):
    if name in SMALL:
        return SMALL[name]()
    if name in TIMM:
        family, size, *_ = name.split("_")
        dim, depth, heads = VITS[size]
        cls = VisionTransformerDistilled if "distilled" in name else VisionTransformer
        patch = 32 if "patch32" in name else 16
        return cls(img_size=image, patch_size=patch, embed_dim=dim, depth=depth, num_heads=heads, num_classes=CLASSES)
    if name in CIFAR:
        return CifarResNet(CIFAR[name], CLASSES)
    if name in OWN:
        return MobileNetV1(CLASSES) if name == "mobilenet_v1" else CifarDenseNet(12, (16, 16, 16), CLASSES)
    options = {"init_weights": True, "aux_logits": True} if name == "googlenet" else {}
    return torchvision.models.get_model(name, weights=None, num_classes=CLASSES, **options)


def key_hash(model):
    lines = sorted(f"{k} {list(t.shape)}" for k, t in model.state_dict().items())
    return hashlib.sha256("\n".join(lines).replace(" ", "").encode()).hexdigest()[:16]


def numbers(t):
    return [float(f"{v:.8g}") for v in t.detach().flatten().tolist()]


def forward(model, x):
    """Logits, of GoogLeNet with those of the auxiliary classifiers in both modes: only the model itself looks at this flag."""
    training = model.training
    model.training = True
    y = model(x)
    model.training = training
    return y if isinstance(y, torch.Tensor) else torch.cat([y.logits, y.aux_logits1, y.aux_logits2], 1)


def case(name, dtype=torch.float64):
    with torch.device("meta"):
        keys = key_hash(make(name)) if name != "googlenet" else None
    torch.manual_seed(0)
    model = make(name, 64)
    result = {"keys": keys or key_hash(model)}
    known = name not in OWN and "mobilenet_v1" not in name and "cifar" not in name  # how those start, no library says
    initial = drawn(model) if known and parameter_count(model) < 3e7 else None
    model = model.to(dtype)
    for m in model.modules():
        if isinstance(m, (nn.Dropout, torchvision.ops.StochasticDepth)):
            m.p = 0.0
    shape = SHAPES.get(name, (2, 3, 64, 64))
    x = torch.from_numpy(noise(int(np.prod(shape)), SEEDS.get(name, 1)).astype(np.float32)).to(dtype).reshape(shape)
    for mode in ("eval", "train"):
        with torch.no_grad():
            fill(model)
        model.train(mode == "train")
        model.zero_grad()
        y = forward(model, x)
        (y * torch.from_numpy(noise(y.numel(), 2).astype(np.float32)).to(dtype).reshape(y.shape)).sum().backward()
        result[mode] = {"logits": numbers(y), "gradients": {k: {"norm": float(f"{p.grad.norm().item():.8g}"), "samples": samples(p.grad)}
                                                            for k, p in chosen(model)}}
    return result | ({"initial": initial} if initial else {})


def chosen(model):
    """The first weight, one half way, and a table of relative positions where there is one."""
    weights = [(k, p) for k, p in model.named_parameters() if p.ndim > 1 and k.endswith("weight")]
    tables = [(k, p) for k, p in model.named_parameters() if k.endswith("table")]
    return [weights[0], weights[len(weights) // 2], *tables[:1]]


def samples(t):
    """Eight values, evenly spread."""
    return numbers(t.flatten()[::max(1, t.numel() // 8)][:8])


def parameter_count(model):
    return sum(p.numel() for p in model.parameters())


def drawn(model):
    """How parameters start, one entry for all that are named and shaped alike: a constant, or deviation and form."""
    result, seen = {}, set()
    for name, p in model.named_parameters():
        key = re.sub(r"\d+", "#", name) + str(list(p.shape)).replace(" ", "")
        if p.numel() < 2 or key in seen:
            continue
        seen.add(key)
        deviation = p.std().item()
        if deviation == 0:
            result[key] = p.flatten()[0].item()
        elif p.numel() >= 2000:
            result[key] = [float(f"{deviation:.3g}"), "uniform" if p.abs().max() < 1.8 * deviation else "normal"]
    return result


def positions():
    """timm's interpolation of learned positions, for three sizes."""
    cases = []
    for prefix, side, size in ((1, 3, (5, 4)), (2, 7, (3, 4)), (1, 4, (8, 8))):
        pos = torch.from_numpy(noise((prefix + side * side) * 3, 5).astype(np.float32)).reshape(1, -1, 3)
        cases.append({"prefix": prefix, "side": side, "rows": size[0], "columns": size[1],
                      "values": numbers(resample_abs_pos_embed(pos, list(size), [side, side], prefix))})
    return cases


def main():
    target = Path(__file__).parents[2] / "packages/vision/test/fixtures/torchvision.json"
    names = sys.argv[1:]
    cases = json.loads(target.read_text())["cases"] if names else {}
    for name in names or [*SMALL, *TORCHVISION, *TIMM, *OWN]:
        cases[name] = case(name)
        print(name, flush=True)
    body = ",\n".join(f"    {json.dumps(k)}: {json.dumps(cases[k], separators=(',', ':'))}" for k in [*SMALL, *TORCHVISION, *TIMM, *OWN])
    head = {"torchvision": torchvision.__version__.split("+")[0], "timm": timm.__version__, "positions": positions()}
    lines = ",\n".join(f"  {json.dumps(k)}: {json.dumps(v, separators=(',', ':'))}" for k, v in head.items())
    target.write_text(f'{{\n{lines},\n  "cases": {{\n{body}\n  }}\n}}\n')


if __name__ == "__main__":
    main()
