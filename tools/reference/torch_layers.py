"""Outputs and gradients of PyTorch's layers → test/parity/fixtures/torch-layers.json (pip install torch).

Weights and inputs are given by a formula that the test computes too, so only results are stored.
"""
import torch
from torch import nn

from torch_parity import fill, fill_module, result, store

cases = {}

mha = nn.MultiheadAttention(8, 2, batch_first=True)
fill_module(mha)
q = fill(2, 3, 8, phase=3.0).requires_grad_()
kv = fill(2, 5, 8, phase=4.0).requires_grad_()
ignore = torch.tensor([[False] * 5, [False, False, True, False, True]])
y, _ = mha(q, kv, kv, key_padding_mask=ignore, need_weights=False)
cases["multiheadAttention"] = result([y], [q, kv], mha)

q = fill(1, 2, 4, 8, phase=3.0).requires_grad_()
kv = fill(1, 2, 6, 8, phase=4.0).requires_grad_()
mask = torch.ones(4, 6, dtype=torch.bool).tril(2)
y = nn.functional.scaled_dot_product_attention(q, kv, kv, attn_mask=mask)
cases["causalAttention"] = result([y], [q, kv], nn.Identity())

sizes = {"dim_feedforward": 12, "dropout": 0.0, "batch_first": True}
for name, options in {"encoderLayer": {}, "encoderLayerNormFirst": {"norm_first": True, "activation": "gelu", "bias": False}}.items():
    layer = nn.TransformerEncoderLayer(8, 2, **sizes, **options)
    fill_module(layer)
    x = fill(2, 5, 8, phase=3.0).requires_grad_()
    cases[name] = result([layer(x, src_key_padding_mask=ignore)], [x], layer)

later = torch.ones(3, 3, dtype=torch.bool).triu(1)
for name, options in {"decoderLayer": {}, "decoderLayerNormFirst": {"norm_first": True}}.items():
    layer = nn.TransformerDecoderLayer(8, 2, **sizes, **options)
    fill_module(layer)
    x, memory = fill(2, 3, 8, phase=3.0).requires_grad_(), fill(2, 5, 8, phase=4.0).requires_grad_()
    y = layer(x, memory, tgt_mask=later, memory_key_padding_mask=ignore)
    cases[name] = result([y], [x, memory], layer)

model = nn.Transformer(8, 2, 2, 1, **sizes)
fill_module(model)
source, x = fill(2, 5, 8, phase=3.0).requires_grad_(), fill(2, 3, 8, phase=4.0).requires_grad_()
y = model(source, x, tgt_mask=later, src_key_padding_mask=ignore, memory_key_padding_mask=ignore)
cases["transformer"] = result([y], [source, x], model)

linear, norm, embedding = nn.Linear(6, 4), nn.LayerNorm(4), nn.Embedding(5, 6)
stack = nn.ModuleDict({"embedding": embedding, "linear": linear, "norm": norm})
fill_module(stack)
y = norm(nn.functional.gelu(linear(embedding(torch.tensor([[0, 3, 3], [4, 0, 3]])))))
cases["embeddingLinearNorm"] = result([y], [], stack)

losses = {}
logits = fill(5, 7, phase=1.0, scale=3.0)
for smoothing in (0.0, 0.1):
    x = logits.clone().requires_grad_()
    loss = nn.functional.cross_entropy(x, torch.tensor([0, 6, -100, 3, 3]), label_smoothing=smoothing)
    loss.backward()
    losses[str(smoothing)] = {"loss": loss.item(), "gradient": x.grad.flatten().tolist()}
cases["crossEntropy"] = losses
store("test/parity/fixtures/torch-layers.json", cases)
