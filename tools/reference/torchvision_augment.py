"""Stores what torchvision's functions give of a small image, for packages/vision/test/augment.test.ts.

python -m venv VENV; VENV/bin/pip install torch torchvision; VENV/bin/python tools/reference/torchvision_augment.py
"""
import base64
import json
from pathlib import Path

import numpy as np
import torch
from torchvision.transforms import InterpolationMode
from torchvision.transforms.v2 import functional as F

WIDTH, HEIGHT = 14, 11
i = np.arange(WIDTH * HEIGHT * 3, dtype=np.int64)
x, y, c = i // 3 % WIDTH, i // 3 // WIDTH, i % 3
# slopes with a hard edge, and some grey, black and white
values = np.where(x > 9, np.where(y > 5, 255, y * 40), (x * 17 + y * (5 + 9 * c) + c * 60) % 256)
values = np.where((x < 2) & (y < 4), 0, values)
image = torch.from_numpy(values.astype(np.uint8).reshape(HEIGHT, WIDTH, 3)).permute(2, 0, 1)
NEAREST, BILINEAR = InterpolationMode.NEAREST, InterpolationMode.BILINEAR

results = {
    "brightness 1.7": F.adjust_brightness(image, 1.7), "brightness 0.3": F.adjust_brightness(image, 0.3),
    "contrast 1.6": F.adjust_contrast(image, 1.6), "contrast 0.4": F.adjust_contrast(image, 0.4),
    "saturation 1.9": F.adjust_saturation(image, 1.9), "saturation 0.25": F.adjust_saturation(image, 0.25),
    "hue 0.2": F.adjust_hue(image, 0.2), "hue -0.37": F.adjust_hue(image, -0.37),
    "sharpness 2.5": F.adjust_sharpness(image, 2.5), "sharpness 0": F.adjust_sharpness(image, 0.0),
    "grayscale": F.rgb_to_grayscale(image, 3), "posterize 3": F.posterize(image, 3), "solarize 100": F.solarize(image, 100),
    "invert": F.invert(image), "autocontrast": F.autocontrast(image // 2 + 20), "equalize": F.equalize(image),
    "blur 5": F.gaussian_blur(image, [5, 5], [1.3, 1.3]), "flip x": F.horizontal_flip(image), "flip y": F.vertical_flip(image),
    "rotate 33 nearest": F.rotate(image, 33, NEAREST), "rotate -20 bilinear": F.rotate(image, -20, BILINEAR),
    "affine nearest": F.affine(image, 25, [2, -1], 1.2, [10, -5], NEAREST),
    "affine bilinear": F.affine(image, -40, [-1, 2], 0.8, [-8, 12], BILINEAR),
    "affine fill": F.affine(image, 45, [0, 0], 1.0, [0, 0], NEAREST, fill=[77, 77, 77]),
    "crop": F.crop(image, -2, 3, 8, 15), "center crop": F.center_crop(image, [6, 9]),
}
cases = {name: base64.b64encode(t.permute(1, 2, 0).contiguous().numpy().tobytes()).decode() for name, t in results.items()}
body = ",\n".join(f"  {json.dumps(name)}: {json.dumps(data)}" for name, data in cases.items())
target = Path(__file__).parents[2] / "packages/vision/test/fixtures/torchvision-augment.json"
target.write_text(f"{{\n{body}\n}}\n")
