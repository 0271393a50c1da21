"""Moving averages of a network with batch norm, as PyTorch keeps them → packages/training/test/fixtures/torch-averages.json (pip install torch)."""
import torch
from torch import nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from torch_parity import fill, fill_module, store


def train(accumulate):
    """10 steps of one or several batches; the average begins with the weights before the first."""
    net = nn.Sequential(nn.Linear(4, 6), nn.BatchNorm1d(6), nn.Tanh(), nn.Linear(6, 3))
    fill_module(net)
    average = AveragedModel(net, multi_avg_fn=get_ema_multi_avg_fn(0.8), use_buffers=True)
    average.update_parameters(net)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
    target = torch.arange(8) % 3
    for step in range(10):
        optimizer.zero_grad()
        for i in range(accumulate):
            x = fill(8, 4, phase=2.0 + step + 0.3 * i, scale=1.5)
            (nn.functional.cross_entropy(net(x), target) / accumulate).backward()
        optimizer.step()
        average.update_parameters(net)
    state = average.module.state_dict()
    return {k: v.flatten().tolist() for k, v in state.items() if v.is_floating_point()}


store("packages/training/test/fixtures/torch-averages.json", {"one": train(1), "three": train(3)})
