"""Stores what torchvision's segmentation models and those of networks.py give, for packages/vision/test/segmentation.test.ts: hashes of
keys and shapes of the named ones, and logits and gradients of small ones, from the weights of torchvision_parity.py.

python -m venv VENV; VENV/bin/pip install torch torchvision timm; VENV/bin/python tools/reference/torchvision_segmentation.py
"""
import json
from pathlib import Path

import numpy as np
import torch
import networks
from torch import nn
from torchvision.models import resnet, segmentation, vgg11, vgg16
from torchvision.models._utils import IntermediateLayerGetter
from torchvision.models.segmentation.deeplabv3 import DeepLabHead, DeepLabV3
from torchvision.models.segmentation.fcn import FCN, FCNHead
from torchvision_parity import CLASSES, chosen, fill, key_hash, noise, numbers, samples


def small(cls, head):
    backbone = resnet.ResNet(resnet.BasicBlock, [1, 1, 1, 1])
    return cls(IntermediateLayerGetter(backbone, {"layer4": "out", "layer3": "aux"}), head(512, CLASSES), FCNHead(256, CLASSES))


def fcn(vgg, levels, hidden):
    return networks.FCN(vgg(weights=None), CLASSES, levels, hidden)


def case(model, shape=(4, 3, 48, 48)):
    result = {"keys": key_hash(model)}
    model = model.double()
    for m in model.modules():
        if isinstance(m, nn.Dropout):
            m.p = 0.0
    x = torch.from_numpy(noise(int(np.prod(shape)), 1).astype(np.float32)).double().reshape(shape)
    for mode in ("eval", "train"):
        with torch.no_grad():
            fill(model)
        model.train(mode == "train")
        model.zero_grad()
        out = model(x)
        y = out if isinstance(out, torch.Tensor) else torch.cat([out["out"], out["aux"]], 1)
        (y * torch.from_numpy(noise(y.numel(), 2).astype(np.float32)).double().reshape(y.shape)).sum().backward()
        result[mode] = {"norm": y.norm().item(), "logits": samples(y), "gradients": {
            k: {"norm": p.grad.norm().item(), "samples": samples(p.grad)} for k, p in chosen(model)}}
    return result


target = Path(__file__).parents[2] / "packages/vision/test/fixtures/segmentation.json"
cases = {"small fcn": case(small(FCN, FCNHead)), "small deeplabv3": case(small(DeepLabV3, DeepLabHead)),
         "small unet": case(networks.UNet(CLASSES, 1, [4, 8, 12]), (2, 1, 21, 30))}
LEVELS = {"fcn32s": [4], "fcn16s": [4, 3], "fcn8s": [4, 3, 2]}
for name, levels in LEVELS.items():
    cases[f"small {name}"] = case(fcn(vgg11, levels, 16), (2, 3, 48, 40))
with torch.device("meta"):
    for name in ("fcn_resnet50", "fcn_resnet101", "deeplabv3_resnet50", "deeplabv3_resnet101"):
        make = getattr(segmentation, name)
        cases[name] = {"keys": key_hash(make(weights=None, weights_backbone=None, num_classes=CLASSES, aux_loss=True))}
    for name, levels in LEVELS.items():
        cases[f"{name}_vgg16"] = {"keys": key_hash(fcn(vgg16, levels, 4096))}
    cases["unet"] = {"keys": key_hash(networks.UNet(CLASSES, 3, [64, 128, 256, 512, 1024]))}
body = ",\n".join(f"  {json.dumps(k)}: {json.dumps(v, separators=(',', ':'))}" for k, v in cases.items())
target.write_text(f"{{\n{body}\n}}\n")
