"""Training curves with PyTorch's optimizers, and timm's Lion → packages/training/test/fixtures/torch-optimizers.json (pip install torch timm)."""
import torch
from timm.optim import Lion
from torch import nn

from torch_parity import fill, fill_module, store


def train(make, clip=None, clip_value=None):
    """20 steps of a small network."""
    net = nn.Sequential(nn.Linear(4, 6), nn.Tanh(), nn.Linear(6, 3))
    fill_module(net)
    optimizer = make(net)
    x, target = fill(8, 4, phase=2.0), torch.arange(8) % 3
    losses = []
    for _ in range(20):
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(net(x), target)
        loss.backward()
        if clip:
            nn.utils.clip_grad_norm_(net.parameters(), clip)
        if clip_value:
            nn.utils.clip_grad_value_(net.parameters(), clip_value)
        optimizer.step()
        losses.append(loss.item())
    return {"losses": losses, "parameters": {k: v.flatten().tolist() for k, v in net.state_dict().items()}}


def groups(net):
    """The second layer learns ten times slower and does not decay."""
    return torch.optim.AdamW(
        [{"params": net[0].parameters()}, {"params": net[2].parameters(), "lr": 0.005, "weight_decay": 0}],
        lr=0.05,
        weight_decay=0.1,
    )


O = torch.optim
cases = {
    "adam": train(lambda n: O.Adam(n.parameters(), lr=0.05)),
    "adamDecay": train(lambda n: O.Adam(n.parameters(), lr=0.05, weight_decay=0.1)),
    "adamW": train(lambda n: O.AdamW(n.parameters(), lr=0.05, weight_decay=0.1, betas=(0.8, 0.95))),
    "clipped": train(lambda n: O.Adam(n.parameters(), lr=0.05), clip=0.1),
    "clippedByValue": train(lambda n: O.SGD(n.parameters(), lr=0.5), clip_value=0.02),
    "sgd": train(lambda n: O.SGD(n.parameters(), lr=0.5)),
    "momentum": train(lambda n: O.SGD(n.parameters(), lr=0.1, momentum=0.9, weight_decay=0.01)),
    "dampened": train(lambda n: O.SGD(n.parameters(), lr=0.1, momentum=0.9, dampening=0.5)),
    "nesterov": train(lambda n: O.SGD(n.parameters(), lr=0.1, momentum=0.9, nesterov=True)),
    "rmsprop": train(lambda n: O.RMSprop(n.parameters(), lr=0.01)),
    "rmspropCentered": train(lambda n: O.RMSprop(n.parameters(), lr=0.01, momentum=0.5, centered=True, weight_decay=0.01)),
    "adagrad": train(lambda n: O.Adagrad(n.parameters(), lr=0.1, lr_decay=0.1, initial_accumulator_value=0.2)),
    "adadelta": train(lambda n: O.Adadelta(n.parameters(), lr=2.0, weight_decay=0.01)),
    "lion": train(lambda n: Lion(n.parameters(), lr=0.01, betas=(0.8, 0.9), weight_decay=0.1)),
    "groups": train(groups),
}
store("packages/training/test/fixtures/torch-optimizers.json", cases)
