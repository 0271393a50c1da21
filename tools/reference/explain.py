"""Stores what Grad-CAM and attention roll-out give on PyTorch, by hooks, for packages/vision/test/explain.test.ts: small models of
torchvision and timm with the weights of torchvision_parity.py, an image of bytes from the same hash.

python -m venv VENV; VENV/bin/pip install torch torchvision timm; VENV/bin/python tools/reference/explain.py
"""
import json
from pathlib import Path

import numpy as np
import torch
from torchvision_parity import SMALL, fill, noise, numbers

SIDE = 64
MEAN, STD = torch.tensor([0.5, 0.4, 0.3]), torch.tensor([0.2, 0.3, 0.4])


def image():
    pixels = np.floor((noise(SIDE * SIDE * 3, 4) + 1) * 128).astype(np.float64).reshape(SIDE, SIDE, 3)
    x = (torch.from_numpy(pixels) / 255 - MEAN) / STD
    return x.permute(2, 0, 1)[None].double()


def model_of(name):
    model = SMALL[name]().double().eval()
    with torch.no_grad():
        fill(model)
    return model


def scaled(t):
    return (t - t.min()) / (t.max() - t.min())


def grad_cam(name, layer, label, tokens=0):
    """tokens: how many stand before those of the patches, of a ViT."""
    model, kept = model_of(name), {}

    def keep(_module, _inputs, output):
        output.retain_grad()
        kept["map"] = output

    handle = model.get_submodule(layer).register_forward_hook(keep)
    logits = model(image())
    handle.remove()
    chosen = logits.argmax().item() if label is None else label
    logits[0, chosen].backward()
    maps, slopes = kept["map"], kept["map"].grad
    if tokens:
        side = int((maps.shape[1] - tokens) ** 0.5)
        maps, slopes = (t[:, tokens:].transpose(1, 2).unflatten(2, (side, side)) for t in (maps, slopes))
    weights = slopes.mean((2, 3), keepdim=True)
    return result(logits, chosen, (weights * maps).sum(1).relu()[0])


def rollout(name, prefix, pooled=False):
    model, maps = model_of(name), []
    for block in model.blocks:
        block.attn.fused_attn = False
        block.attn.attn_drop.register_forward_hook(lambda _m, inputs, _o: maps.append(inputs[0].mean(1)[0]))
    with torch.no_grad():
        logits = model(image())
    reached = torch.eye(maps[0].shape[0]).double()
    for attention in maps:
        reached = (attention + torch.eye(len(attention))) / 2 @ reached
    row = reached[prefix:].sum(0) if pooled else reached[0]
    side = int((len(row) - prefix) ** 0.5)
    return result(logits, logits.argmax().item(), row[prefix:].reshape(side, side))


def result(logits, label, heat):
    return {"label": label, "scores": numbers(logits.softmax(-1)), "size": list(heat.shape), "map": numbers(scaled(heat))}


def main():
    cases = {
        "Grad-CAM": [
            {"model": "small resnet", **grad_cam("small resnet", "layer4", None)},
            {"model": "small resnet", "asked": 3, **grad_cam("small resnet", "layer4", 3)},
            {"model": "small resnet", "level": 3, "asked": 1, **grad_cam("small resnet", "layer3", 1)},
            {"model": "small vit", "asked": 2, **grad_cam("small vit", "blocks.0", 2, tokens=1)},
            {"model": "small deit, distilled", "asked": 0, **grad_cam("small deit, distilled", "blocks.0", 0, tokens=2)},
        ],
        "attention roll-out": [
            {"model": "small vit", **rollout("small vit", 1)},
            {"model": "small vit, mean", **rollout("small vit, mean", 1, pooled=True)},
            {"model": "small deit, distilled", **rollout("small deit, distilled", 2)},
        ],
    }
    target = Path(__file__).parents[2] / "packages/vision/test/fixtures/explain.json"
    body = ",\n".join(
        f'  {json.dumps(k)}: [\n' + ",\n".join(f"    {json.dumps(c, separators=(',', ':'))}" for c in v) + "\n  ]" for k, v in cases.items())
    target.write_text(f"{{\n{body}\n}}\n")


if __name__ == "__main__":
    main()
