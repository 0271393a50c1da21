"""Outputs and gradients of PyTorch's recurrent layers → packages/recurrent/test/fixtures/torch-recurrent.json (pip install torch).

Weights and inputs are given by a formula that the test computes too, so only results are stored.
"""
import torch
from torch import nn

from torch_parity import fill, fill_module, result, store

T, B, I, H = 6, 3, 5, 4
cases = {}


def states(layer):
    shape = (layer.num_layers * (2 if layer.bidirectional else 1), B, H)
    count = 2 if isinstance(layer, nn.LSTM) else 1
    return [fill(*shape, phase=4.0 + i).requires_grad_() for i in range(count)]


def run(layer, lengths=None):
    fill_module(layer)
    x = fill(T, B, I, phase=3.0).requires_grad_()
    given = states(layer)
    initial = tuple(given) if isinstance(layer, nn.LSTM) else given[0]
    if lengths is None:
        y, final = layer(x, initial)
    else:
        packed = nn.utils.rnn.pack_padded_sequence(x, torch.tensor(lengths), enforce_sorted=False)
        y, final = layer(packed, initial)
        y, _ = nn.utils.rnn.pad_packed_sequence(y, total_length=T)
    finals = list(final) if isinstance(final, tuple) else [final]
    return result([y, *finals], [x, *given], layer)


layers = {
    "rnn": lambda **kw: nn.RNN(I, H, **kw),
    "relu": lambda **kw: nn.RNN(I, H, nonlinearity="relu", **kw),
    "gru": lambda **kw: nn.GRU(I, H, **kw),
    "lstm": lambda **kw: nn.LSTM(I, H, **kw),
}
for name, make in layers.items():
    cases[name] = {
        "plain": run(make()),
        "stacked": run(make(num_layers=2, bidirectional=True), lengths=[6, 2, 4]),
    }


def cell(layer):
    fill_module(layer)
    x = fill(B, I, phase=3.0).requires_grad_()
    h = [fill(B, H, phase=4.0 + i).requires_grad_() for i in range(2 if isinstance(layer, nn.LSTMCell) else 1)]
    y = layer(x, tuple(h) if len(h) == 2 else h[0])
    return result(list(y) if isinstance(y, tuple) else [y], [x, *h], layer)


cases["cells"] = {"rnn": cell(nn.RNNCell(I, H)), "gru": cell(nn.GRUCell(I, H)), "lstm": cell(nn.LSTMCell(I, H))}
store("packages/recurrent/test/fixtures/torch-recurrent.json", cases)
