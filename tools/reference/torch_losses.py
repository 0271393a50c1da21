"""Losses of PyTorch and their gradients → packages/nn/test/fixtures/torch-losses.json (pip install torch).

Inputs follow the formula of torch_parity.py, so only results are stored.
"""
import torch
import torch.nn.functional as F

from torch_parity import fill, store

cases = {}


def case(name, loss, *inputs):
    """`loss` of leaves; the gradient is that of sum(loss · fill(9)), by the first input."""
    leaves = [x.clone().requires_grad_() for x in inputs]
    value = loss(*leaves)
    (value * fill(*value.shape, phase=9.0)).sum().backward()
    cases[name] = {"loss": value.detach().flatten().tolist(), "gradients": [x.grad.flatten().tolist() for x in leaves]}


x, y = fill(4, 5, phase=1.0, scale=2.0), fill(4, 5, phase=2.0, scale=2.0)
for reduction in ("mean", "sum", "none"):
    kind = {"reduction": reduction}
    case(f"mseLoss {reduction}", lambda a, b: F.mse_loss(a, b, **kind), x, y)
    case(f"l1Loss {reduction}", lambda a, b: F.l1_loss(a, b, **kind), x, y)
    case(f"smoothL1Loss {reduction}", lambda a, b: F.smooth_l1_loss(a, b, beta=0.7, **kind), x, y)
    case(f"huberLoss {reduction}", lambda a, b: F.huber_loss(a, b, delta=1.3, **kind), x, y)
    labels, weight, pos = (y > 0).float(), fill(5, phase=3.0) + 1, fill(5, phase=4.0) + 2
    case(f"binaryCrossEntropy {reduction}", lambda a: F.binary_cross_entropy(a.sigmoid(), labels, weight, **kind), x)
    case(
        f"binaryCrossEntropyWithLogits {reduction}",
        lambda a: F.binary_cross_entropy_with_logits(a * 20, labels * 0.9, weight, pos_weight=pos, **kind),
        x,
    )
    case(f"klDiv {reduction}", lambda a, b: F.kl_div(a.log_softmax(-1), b.softmax(-1), **kind), x, y)
    logs = {**kind, "log_target": True}
    case(f"klDiv log {reduction}", lambda a, b: F.kl_div(a.log_softmax(-1), b.log_softmax(-1), **logs), x, y)
    target, factors = torch.tensor([4, -100, 0, 3]), fill(5, phase=5.0) + 1
    case(f"nllLoss {reduction}", lambda a: F.nll_loss(a.log_softmax(-1), target, factors, **kind), x)
    for smoothing in (0.0, 0.2):
        more = {**kind, "label_smoothing": smoothing}
        case(f"crossEntropy {smoothing} {reduction}", lambda a: F.cross_entropy(a, target, **more), x)
        case(f"crossEntropy weights {smoothing} {reduction}", lambda a: F.cross_entropy(a, target, factors, **more), x)
        case(f"crossEntropy soft {smoothing} {reduction}", lambda a: F.cross_entropy(a, y.softmax(-1), **more), x)
        case(f"crossEntropy soft weights {smoothing} {reduction}", lambda a: F.cross_entropy(a, y.softmax(-1), factors, **more), x)
    signs = torch.tensor([1.0, -1.0, -1.0, 1.0])
    case(f"cosineEmbeddingLoss {reduction}", lambda a, b: F.cosine_embedding_loss(a, b, signs, margin=0.1, **kind), x, y)
    case(f"tripletMarginLoss {reduction}", lambda a, b: F.triplet_margin_loss(a, b, fill(4, 5, phase=6.0), margin=2.0, **kind), x, y)
    frames, labels2 = torch.tensor([7, 5, 4, 7]), torch.tensor([[1, 2, 2], [3, 0, 0], [1, 1, 1], [0, 0, 0]])
    labels2[1, 0], lengths = 3, torch.tensor([3, 1, 3, 0])
    case(
        f"ctcLoss {reduction}",
        lambda a: F.ctc_loss(a.log_softmax(-1), labels2, frames, lengths, blank=0, zero_infinity=True, **kind),
        fill(7, 4, 5, phase=7.0, scale=2.0),
    )
    case(
        f"ctcLoss blank {reduction}",
        lambda a: F.ctc_loss(a.log_softmax(-1), torch.tensor([[0, 1], [2, 2], [3, 1], [0, 0]]), torch.tensor([7, 7, 6, 3]), torch.tensor([2, 2, 1, 2]), blank=4, **kind),
        fill(7, 4, 5, phase=7.0, scale=2.0),
    )
case("klDiv batchmean", lambda a, b: F.kl_div(a.log_softmax(-1), b.softmax(-1), reduction="batchmean"), x, y)
case("smoothL1Loss beta 0", lambda a, b: F.smooth_l1_loss(a, b, beta=0.0), x, y)
store("packages/nn/test/fixtures/torch-losses.json", cases)
