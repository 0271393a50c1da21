"""The models of bench/vision/models.ts in torchvision and timm."""
import timm
import torch
from torch.nn import functional as F
from torchvision import models

from steps import inference, serve

SIDE, BATCH = 224, 8
MODELS = {
    "resnet50": models.resnet50,
    "mobilenet_v2": models.mobilenet_v2,
    "vgg16": models.vgg16,
    "densenet121": models.densenet121,
    "googlenet": lambda: models.googlenet(init_weights=False),
    "vit-b16": lambda: timm.create_model("vit_base_patch16_224"),
    "fcn_resnet50": lambda: models.segmentation.fcn_resnet50(weights_backbone=None),
}


def run(make, batch):
    return lambda: inference(make(), torch.rand(batch, 3, SIDE, SIDE) * 2 - 1)


def step(make, optimizer):
    def build():
        model = make().train()
        x, y = torch.rand(BATCH, 3, SIDE, SIDE) * 2 - 1, torch.randint(10, (BATCH,))
        return model, lambda: F.cross_entropy(model(x), y), optimizer(model.parameters())

    return build


def momentum(parameters):
    return torch.optim.SGD(parameters, lr=0.05, momentum=0.9, weight_decay=1e-4)


resnet18 = step(lambda: models.resnet18(num_classes=10), momentum)
serve(
    {f"{name}-batch{batch}": run(make, batch) for name, make in MODELS.items() for batch in (1, BATCH)},
    {
        "train-resnet18": resnet18,
        "train-resnet18-exact": resnet18,
        "train-mobilenet_v2": step(lambda: models.mobilenet_v2(num_classes=10, dropout=0), momentum),
        "train-vit-ti": step(
            lambda: timm.create_model("vit_tiny_patch16_224", num_classes=10),
            lambda parameters: torch.optim.AdamW(parameters, lr=1e-3),
        ),
    },
)
