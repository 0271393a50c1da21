"""What PyTorch's flop counter says of single layers → packages/nn/test/fixtures/torch-flops.json (pip install torch)."""
import json
from pathlib import Path

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

torch.set_num_threads(1)


def flops(module, *inputs):
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        module(*inputs)
    return counter.get_total_flops()


x = torch.zeros(2, 4, 9, 7)
q = torch.zeros(2, 5, 8)
cases = {
    "linear": flops(nn.Linear(6, 3), torch.zeros(4, 5, 6)),
    "conv": flops(nn.Conv2d(4, 6, 3, stride=2, padding=1, groups=2), x),
    "convTranspose": flops(nn.ConvTranspose2d(4, 6, 3, stride=2), x),
    "attention": flops(lambda a: nn.functional.multi_head_attention_forward(
        a, a, a, 8, 2, torch.zeros(24, 8), torch.zeros(24), None, None, False, 0.0, torch.zeros(8, 8), torch.zeros(8), need_weights=False)[0],
        q.transpose(0, 1)),
}
target = Path(__file__).parents[2] / "packages/nn/test/fixtures/torch-flops.json"
target.write_text(json.dumps({"torch": torch.__version__, "cases": cases}) + "\n")
