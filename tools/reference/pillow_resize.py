"""Stores what Pillow's resize gives, for packages/vision/test/resize.test.ts: exact bytes from an image made by a formula, and small
versions of the photographs in ../shared/data/images/photos.

python -m venv VENV; VENV/bin/pip install pillow numpy; VENV/bin/python tools/reference/pillow_resize.py
"""
import base64
import json
from pathlib import Path

import numpy as np
from PIL import Image

ROOT = Path(__file__).parents[2]
FILTERS = {"nearest": 0, "lanczos": 1, "bilinear": 2, "bicubic": 3, "box": 4, "hamming": 5}
# source width, height, channels; size; box: smaller, larger, a part at fractions, columns before rows, one axis alone
SHAPES = [((61, 47, 3), (13, 9), None), ((7, 5, 3), (16, 11), None), ((40, 30, 1), (15, 12), (3.25, 2.5, 33.75, 28.0)),
          ((20, 90, 3), (18, 6), None), ((30, 8, 1), (11, 8), None), ((9, 50, 3), (9, 7), None)]


def noise(width, height, channels):
    i = np.arange(width * height * channels, dtype=np.uint64)
    values = ((i * 2654435761 + (i // 7) * 40503) >> 9 & 255).astype(np.uint8)
    return Image.fromarray(values.reshape((height, width, 3) if channels == 3 else (height, width)))


def pack(image):
    return base64.b64encode(image.tobytes()).decode()


cases = [{"source": source, "interpolation": name, "size": size, "box": box, "data": pack(noise(*source).resize(size, number, box))}
         for source, size, box in SHAPES for name, number in FILTERS.items()]
photos = []
for name in ("cat_720p.jpg", "parrot.jpg", "sunflower.bmp"):
    image = Image.open(ROOT.parent / "shared/data/images/photos" / name).convert("RGB")
    photos += [{"file": name, "interpolation": kind, "size": (20, 16), "data": pack(image.resize((20, 16), FILTERS[kind]))}
               for kind in ("bilinear", "bicubic")]
    # what torchvision's Resize(32) and CenterCrop(24) give, of which every third row
    short = min(image.size)
    middle = image.resize(tuple(int(32 * side / short) for side in image.size), 2)
    left, top = round((middle.width - 24) / 2), round((middle.height - 24) / 2)
    photos.append({"file": name, "rows": 3, "data": base64.b64encode(np.asarray(middle.crop((left, top, left + 24, top + 24)))[::3].tobytes()).decode()})
body = ",\n".join("    " + json.dumps(case, separators=(",", ":")) for case in cases)
seen = ",\n".join("    " + json.dumps(photo, separators=(",", ":")) for photo in photos)
target = ROOT / "packages/vision/test/fixtures/pillow-resize.json"
target.write_text(f'{{\n  "cases": [\n{body}\n  ],\n  "photos": [\n{seen}\n  ]\n}}\n')
