"""Stores what torchvision's models give, for packages/vision/test/parity.test.ts: hashes of the state dicts' keys and shapes,
logits and the gradients of two parameters. Weights and inputs come from a hash that the test computes too.

python -m venv VENV; VENV/bin/pip install torch torchvision; VENV/bin/python tools/reference/torchvision_parity.py
"""
import hashlib
import json
import zlib
from pathlib import Path

import numpy as np
import torch
import torchvision

torch.set_num_threads(1)
CLASSES = 5
SIZE = {"alexnet": 64, "mobilenet_v2": 64, "resnet18": 64}
KEYS_ONLY = {"alexnet", "vgg11", "vgg13", "vgg16", "vgg19", "vgg11_bn", "vgg13_bn", "vgg16_bn", "vgg19_bn", "resnet101",
             "resnet152", "wide_resnet50_2", "densenet161", "densenet201"}
MODELS = ["alexnet", "vgg11", "vgg13", "vgg16", "vgg19", "vgg11_bn", "vgg13_bn", "vgg16_bn", "vgg19_bn", "resnet18", "resnet34",
          "resnet50", "resnet101", "resnet152", "resnext50_32x4d", "wide_resnet50_2", "mobilenet_v2", "densenet121", "densenet161",
          "densenet169", "densenet201", "squeezenet1_0", "squeezenet1_1"]


def noise(n, seed):
    """Values in [-1, 1): the finalizer of MurmurHash3 over i + seed."""
    h = (np.arange(n, dtype=np.uint64) + np.uint64(seed)).astype(np.uint32)
    h ^= h >> np.uint32(16)
    h *= np.uint32(0x85EBCA6B)
    h ^= h >> np.uint32(13)
    h *= np.uint32(0xC2B2AE35)
    h ^= h >> np.uint32(16)
    return (h.astype(np.float64) / 2**31 - 1)


def fill(model):
    for name, t in model.state_dict().items():
        if t.dtype != torch.float32:
            continue
        u = noise(t.numel(), zlib.crc32(name.encode()))
        if name.endswith("running_var"):
            v = 1 + 0.5 * u
        elif t.ndim > 1:
            v = u * (6 / (t.numel() / t.shape[0])) ** 0.5
        else:
            v = 0.1 * u + (1 if name.endswith("weight") else 0)
        t.copy_(torch.from_numpy(v).float().reshape(t.shape))


def make(name):
    options = {"num_classes": CLASSES}
    if name == "googlenet":
        options |= {"init_weights": False, "aux_logits": True}
    return torchvision.models.get_model(name, weights=None, **options)


def key_hash(model):
    lines = sorted(f"{k} {list(t.shape)}" for k, t in model.state_dict().items())
    return hashlib.sha256("\n".join(lines).replace(" ", "").encode()).hexdigest()[:16]


def numbers(t):
    return [float(f"{v:.7g}") for v in t.detach().flatten().tolist()]


def case(name):
    with torch.device("meta"):
        keys = key_hash(make(name))
    if name in KEYS_ONLY:
        return {"keys": keys}
    model = make(name)
    for m in model.modules():
        if isinstance(m, torch.nn.Dropout):
            m.p = 0.0
    result = {"keys": keys}
    x = torch.from_numpy(noise(2 * 3 * 64 * 64, 1)).float().reshape(2, 3, 64, 64)
    for mode in ("eval", "train"):
        with torch.no_grad():
            fill(model)
        model.train(mode == "train")
        model.zero_grad()
        y = model(x)
        parameters = list(model.named_parameters())
        (y * torch.from_numpy(noise(y.numel(), 2)).float().reshape(y.shape)).sum().backward()
        chosen = [parameters[0], parameters[-2]]
        result[mode] = {"logits": numbers(y),
                        "gradients": {k: {"norm": p.grad.norm().item(), "first": numbers(p.grad.flatten()[:8])} for k, p in chosen}}
    return result


target = Path(__file__).parents[2] / "packages/vision/test/fixtures/torchvision.json"
target.parent.mkdir(parents=True, exist_ok=True)
cases = {name: case(name) for name in MODELS}
body = ",\n".join(f"    {json.dumps(k)}: {json.dumps(v)}" for k, v in cases.items())
target.write_text(f'{{\n  "torchvision": "{torchvision.__version__}",\n  "cases": {{\n{body}\n  }}\n}}\n')
