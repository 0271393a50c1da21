"""Values and gradients of PyTorch's operations → packages/tensor/test/fixtures/torch-ops.json (pip install torch).

Float inputs are given by a formula that the test computes too, so only results are stored. The gradient is that of
sum(output · fill(9)), of the first output where there are several. Shapes stand here alone: the test reads them.
"""
import json
import math
import struct
from pathlib import Path

import torch
import torch.nn.functional as F

torch.set_num_threads(1)
cases = {}


def fill(shape, phase, low=-1.0, high=1.0):
    n = math.prod(shape)
    values = [low + (high - low) * (0.5 + 0.5 * math.sin(1.7 * i + phase)) for i in range(n)]
    return torch.tensor(values, dtype=torch.float64).float().reshape(shape)


def short(x):
    """The shortest text that is the same float32."""
    if not math.isfinite(x):
        return str(x).replace("inf", "Infinity").replace("nan", "NaN")
    for digits in range(1, 10):
        text = f"{x:.{digits}g}"
        if struct.pack("f", float(text)) == struct.pack("f", x):
            return float(text)
    return x


def stored(t):
    name = str(t.dtype).removeprefix("torch.")
    flat = t.detach().flatten().tolist()
    return {"dtype": name, "dims": list(t.shape), "data": [short(x) if name == "float32" else int(x) for x in flat]}


def case(name, f, *inputs, range=(-1.0, 1.0), gradient=True):
    """inputs: shapes, filled by the formula, or tensors, stored as they are."""
    given = []
    for i, x in enumerate(inputs):
        if isinstance(x, torch.Tensor):
            given.append(x.clone())
        else:
            given.append(fill(x, i, *range))
    for x in given:
        x.requires_grad_(gradient and x.dtype == torch.float32)
    outputs = f(*given)
    outputs = list(outputs) if isinstance(outputs, (tuple, list)) else [outputs]
    floats = [x for x in given if x.requires_grad]
    grads = None
    if floats:
        grads = torch.autograd.grad((outputs[0] * fill(outputs[0].shape, 9)).sum(), floats, allow_unused=True)
        grads = [torch.zeros_like(x) if g is None else g for g, x in zip(grads, floats)]
        grads = [[short(v) for v in g.flatten().tolist()] for g in grads]
    assert name not in cases, name
    cases[name] = {
        "range": list(range),
        "inputs": [
            stored(x) if isinstance(spec, torch.Tensor) else {"dims": list(spec)} for spec, x in zip(inputs, given)
        ],
        "outputs": [stored(y) for y in outputs],
        "gradients": grads,
    }


def ints(*values):
    return torch.tensor(values, dtype=torch.int64)


def int32(*values):
    return torch.tensor(values, dtype=torch.int32)


def floats(*values):
    return torch.tensor(values, dtype=torch.float32)


def bools(*values):
    return torch.tensor(values, dtype=torch.bool)


inf, nan = math.inf, math.nan
special = floats(-inf, -2.5, -1.5, -0.5, 0.0, 0.5, 1.5, 2.5, 1e30, inf, nan)
wide = floats(-100, -20.5, -10, -3, -1, -1e-3, -1e-6, 0, 1e-7, 1e-4, 0.3, 2, 10, 16, 25, 80)
order = floats(3, -1, 2, 2, -5, 0.5, 2, 7).reshape(2, 4)

# elementwise
for name, f in {
    "notEqual": lambda a, b: a.ne(b), "less": lambda a, b: a < b, "lessEqual": lambda a, b: a <= b,
    "greater": lambda a, b: a > b, "greaterEqual": lambda a, b: a >= b, "equal": lambda a, b: a == b,
}.items():
    case(name, f, floats(1, 2, 3, nan), floats(2, 2, 2, nan), gradient=False)
for name, f in {"add": torch.add, "sub": torch.sub, "mul": torch.mul, "maximum": torch.maximum, "minimum": torch.minimum}.items():
    case(name, f, (2, 1, 4), (3, 1))
case("div", torch.div, (2, 1, 4), (3, 1), range=(0.3, 2.0))
for name in ["neg", "exp", "abs", "erf"]:
    case(name, getattr(torch, name), (9,), range=(-3.0, 3.0))
for name in ["log", "sqrt"]:
    case(name, getattr(torch, name), (9,), range=(0.3, 4.0))
case("matmul", torch.matmul, (3, 4), (4, 2))
case("matmulBatched", torch.matmul, (2, 3, 4), (2, 4, 5))
case("matmulBroadcast", torch.matmul, (2, 1, 3, 4), (5, 4, 2))
case("sum", lambda a: a.sum((0, 2)), (2, 3, 4))
case("sumAll", lambda a: a.sum(), (2, 3, 4))
case("mean", lambda a: a.mean(1, keepdim=True), (2, 3, 4))
case("max", lambda a: a.amax(1), (3, 5))
case("softmax", lambda a: a.softmax(1), (2, 5, 3), range=(-4.0, 4.0))
case("logSoftmax", lambda a: a.log_softmax(-1), (3, 5), range=(-4.0, 4.0))
case("layerNorm", lambda x, w, b: F.layer_norm(x, (5,), w, b), (2, 3, 5), (5,), (5,))
case("rmsNorm", lambda x, w: F.rms_norm(x, (5,), w, 1e-5), (2, 3, 5), (5,))
case("batchNorm", lambda x, w, b: F.batch_norm(x, None, None, w, b, training=True), (4, 3, 2, 2), (3,), (3,))
case("attention", lambda q, k, v, b: F.scaled_dot_product_attention(q, k, v, b), (1, 2, 3, 4), (1, 2, 5, 4), (1, 2, 5, 3), (3, 5))
case("attentionCausal", lambda q, k, v: F.scaled_dot_product_attention(q, k, v, is_causal=True), *[(1, 2, 4, 3)] * 3)
for name, f in {
    "reshapeFloat": lambda t: t.reshape(3, 2), "permuteFloat": lambda t: t.permute(1, 0), "expandFloat": lambda t: t.expand(2, 2, 3),
    "concatFloat": lambda t: torch.cat([t, t], 0), "splitFloat": lambda t: t.split([1, 2], 1), "sliceFloat": lambda t: t[:, 1:],
    "gatherFloat": lambda t: t[torch.tensor([1, 0, 1])],
}.items():
    case(name, f, (2, 3))
for name, f in {"and": torch.logical_and, "or": torch.logical_or, "xor": torch.logical_xor}.items():
    case(name, f, bools(0, 0, 1, 1), bools(0, 1, 0, 1))
for name, f in {"bitAnd": torch.bitwise_and, "bitOr": torch.bitwise_or, "bitXor": torch.bitwise_xor}.items():
    case(name, f, int32(0, 5, -7, 12), int32(3, 6, 9, 12))
case("power", lambda a, b: a**b, (3, 4), (4,), range=(0.3, 2.0))
case("powerZeros", lambda a, b: a**b, floats(0, 0, 0, 2, 2, -2), floats(0, 1, 2, 0, -1, 3))
for exponent in [0, 1, 2, 3, 0.5, -1, 2.5, -0.5]:
    case(f"pow {exponent}", lambda a: a**exponent, (5,), range=(0.3, 2.0))
case("powNegative", lambda a: a**3, (5,))
case("powZero", lambda a: a**0, floats(0, 1, -2))
case("powInt", lambda a: a**3, int32(-3, 0, 2))
case("rsqrt", torch.rsqrt, (8,), range=(0.3, 4.0))
case("square", torch.square, (8,))
case("reciprocal", torch.reciprocal, (8,), range=(0.3, 4.0))
case("sin", torch.sin, (8,), range=(-9.0, 9.0))
case("cos", torch.cos, (8,), range=(-9.0, 9.0))
case("tan", torch.tan, (8,), range=(-1.2, 1.2))
case("log1p", torch.log1p, (8,), range=(-0.9, 4.0))
case("log1pSpecial", torch.log1p, floats(1e-8, -1e-8, 1e-4, -1e-4, 0, 1e30, inf, -1, 3e-3), gradient=False)
case("expm1", torch.expm1, (8,), range=(-4.0, 4.0))
case("expm1Special", torch.expm1, floats(1e-8, -1e-8, 1e-4, 0, 80, -80, inf, -inf, 3e-3), gradient=False)
for name in ["floor", "ceil", "round"]:
    case(name, getattr(torch, name), special, gradient=False)
    case(f"{name}Gradient", getattr(torch, name), (8,), range=(-3.0, 3.0))
case("sign", torch.sign, floats(-3, 0, 2, inf))
case("isNaN", torch.isnan, special, gradient=False)
case("isFinite", torch.isfinite, special, gradient=False)
case("clip", lambda a: a.clip(-0.5, 0.25), floats(-1, -0.5, -0.3, 0, 0.25, 0.3, 2))
case("clipMin", lambda a: a.clip(min=0.1), (3, 4))
case("clipMax", lambda a: a.clip(max=0.1), (3, 4))
case("clipInt", lambda a: a.clip(-1, 3), ints(-5, -1, 0, 3, 9))
case("where", torch.where, bools(1, 0, 1), (2, 3), (1, 3))
case("maskedFill", lambda x, m: x.masked_fill(m, -7.5), (2, 3), bools(1, 0, 1))
case("mod", torch.remainder, floats(5, -5, 5, -5, 5.5, -0.5), floats(3, 3, -3, -3, 2, 2))
case("modInt", torch.remainder, ints(5, -5, 5, -5, 6, -6), ints(3, 3, -3, -3, 2, 2))
case("floorDiv", torch.floor_divide, floats(5, -5, 5, -5, 5.5, -0.5), floats(3, 3, -3, -3, 2, 2), gradient=False)
case("floorDivInt", torch.floor_divide, int32(5, -5, 5, -5, 6, -6), int32(3, 3, -3, -3, 2, 2))
case("divInt", lambda a, b: a / b, int32(5, -5, 6), int32(3, 3, 2))
case("arithmeticInt", lambda a, b: (a + b) * a - b, ints(5, -5, 2**40), ints(3, 3, 7))
case("negInt", lambda a: -a.abs(), int32(5, -5, 6))
case("sumBool", lambda a: a.sum(), bools(1, 0, 1, 1))

# activations
ranges = {"relu": (-2.0, 2.0), "hardSwish": (-5.0, 5.0), "hardSigmoid": (-5.0, 5.0), "relu6": (-3.0, 9.0)}
for name, f in {
    "relu": F.relu, "relu6": F.relu6, "leakyRelu": lambda x: F.leaky_relu(x, 0.2), "elu": F.elu,
    "eluAlpha": lambda x: F.elu(x, 0.7), "selu": F.selu, "sigmoid": torch.sigmoid, "tanh": torch.tanh, "silu": F.silu,
    "gelu": F.gelu, "geluTanh": lambda x: F.gelu(x, approximate="tanh"), "mish": F.mish, "softplus": F.softplus,
    "softplusBeta": lambda x: F.softplus(x, beta=2, threshold=3), "hardSwish": F.hardswish, "hardSigmoid": F.hardsigmoid,
}.items():
    case(name, f, (3, 6), range=ranges.get(name, (-4.0, 4.0)))
    case(f"{name} wide", f, wide)
case("hard edges", lambda x: F.relu6(x) + F.hardsigmoid(x), floats(-3, 0, 3, 6))
case("hardSwish edges", F.hardswish, floats(-3.001, -2.999, 0, 2.999, 3.001))

# reductions
case("min", lambda x: x.amin(1), (3, 4, 2))
case("minAll", lambda x: x.min(), floats(3, 1, 1, 2))
case("maxTies", lambda x: x.amax(0), floats(1, 2, 2, 2, 0, 2).reshape(3, 2))
case("minInt", lambda x: x.amin((0, 1), keepdim=True), ints(4, 2, 9, 7).reshape(2, 2))
case("prod", lambda x: x.prod(1), (3, 4))
case("prodAll", lambda x: x.prod(), (2, 3))
case("prodZeros", lambda x: x.prod(1, keepdim=True), floats(1, 2, 3, 0, 2, 3, 0, 0, 3).reshape(3, 3))
case("prodInt", lambda x: x.prod(), ints(4, 2, 9, 7))
case("argmin", lambda x: x.argmin(1), (3, 4), gradient=False)
case("argmax", lambda x: x.argmax(0, keepdim=True), (3, 4), gradient=False)
case("var", lambda x: x.var(1), (3, 5, 2))
case("varPopulation", lambda x: x.var((0, 2), correction=0, keepdim=True), (3, 5, 2))
case("varAll", lambda x: x.var(), (3, 5))
case("varLargeMean", lambda x: x.var(), (3, 5), range=(1e4, 1e4 + 1))
case("std", lambda x: x.std(-1), (3, 5))
case("stdZero", lambda x: x.std(-1), floats(1, 1, 1, 1, 2, 4).reshape(2, 3))
case("logSumExp", lambda x: x.logsumexp(1), (3, 4))
case("logSumExpWide", lambda x: x.logsumexp((0, 1)), floats(1000, -1000, 999, -inf).reshape(2, 2))
case("norm", lambda x: torch.linalg.vector_norm(x, dim=1), (3, 4))
case("normAll", lambda x: torch.linalg.vector_norm(x), (3, 4))
case("norm1", lambda x: torch.linalg.vector_norm(x, 1, dim=0, keepdim=True), (3, 4))
case("norm3", lambda x: torch.linalg.vector_norm(x, 3, dim=1), (3, 4))
case("normInf", lambda x: torch.linalg.vector_norm(x, inf, dim=1), (3, 4))
case("normZero", lambda x: torch.linalg.vector_norm(x, dim=1), floats(0, 0, 3, 4).reshape(2, 2))
case("any", lambda x: x.any(1), bools(0, 0, 0, 1, 1, 1).reshape(3, 2))
case("all", lambda x: x.all(0), bools(0, 1, 0, 1, 1, 1).reshape(3, 2))
case("anyNumbers", lambda x: x.any(), floats(0, 0, nan), gradient=False)
case("allInts", lambda x: x.all(1, keepdim=True), ints(1, 0, 3, 4).reshape(2, 2))
case("cumsum", lambda x: x.cumsum(1), (3, 4, 2))
case("cumsumInt", lambda x: x.cumsum(0), ints(1, 0, 3, 4))
case("cumsumReverse", lambda x: x.flip(0).cumsum(0).flip(0), (4, 2))
case("cumsumExclusive", lambda x: x.cumsum(0) - x, (4, 2))
case("topk", lambda x: x.topk(2, 1), (3, 5, 2))
case("topkSmallest", lambda x: x.topk(2, 0, largest=False), (4, 3))
case("sort", lambda x: x.sort(dim=1, stable=True), order)
case("sortDescending", lambda x: x.sort(dim=0, descending=True, stable=True), (4, 3))
case("argsort", lambda x: x.argsort(dim=-1, descending=True, stable=True), order, gradient=False)
case("sortInt", lambda x: x.sort(stable=True), ints(4, 2, 9, 7, -1))

# layout
case("stack", lambda a, b: torch.stack([a, b, a], 1), (2, 3), (2, 3))
case("splitSize", lambda x: x.split(2, 1), (2, 5))
case("splitSizes", lambda x: x.split([1, 3, 1], 1), (2, 5))
case("chunkUneven", lambda x: x.chunk(3, 0), (5, 2))
case("chunkFewer", lambda x: x.chunk(5, 1), (2, 6))
case("pad", lambda x: F.pad(x, (1, 2, 0, 1), value=0.5), (2, 3, 4))
case("padReflect", lambda x: F.pad(x, (2, 1, 1, 3), mode="reflect"), (2, 4, 5))
case("padEdge", lambda x: F.pad(x, (2, 1, 0, 3), mode="replicate"), (2, 4, 5))
case("padInt", lambda x: F.pad(x, (2, 1), value=7), ints(1, 2, 3))
case("flip", lambda x: x.flip(0, 2), (2, 3, 4))
case("flipAll", lambda x: x.flip(0, 1), (2, 3))
case("roll", lambda x: x.roll(2, 1), (2, 5))
case("rollBack", lambda x: x.roll(-1, 0), (3, 2))
case("rollAll", lambda x: x.roll(4), (3, 2))
case("tril", lambda x: x.tril(), (2, 3, 4))
case("trilUp", lambda x: x.tril(1), (4, 3))
case("triu", lambda x: x.triu(-1), (4, 3))
case("triuInt", lambda x: x.triu(1), torch.arange(9, dtype=torch.int32).reshape(3, 3))
case("repeat", lambda x: x.repeat(2, 1, 3), (2, 3))
case("repeatInterleave", lambda x: x.repeat_interleave(3, 1), (2, 3, 2))
case("moveAxis", lambda x: x.movedim(0, -2), (2, 3, 4))
case("flatten", lambda x: x.flatten(1, 2), (2, 3, 4))
case("unflatten", lambda x: x.unflatten(1, (2, -1)), (3, 6))
case("select", lambda x: x.select(1, -1), (2, 3, 4))
case("outer", torch.outer, (3,), (4,))
case("dot", torch.dot, (5,), (5,))

# indexing
case("indexSelect", lambda x, i: x.index_select(1, i), (3, 4, 2), ints(3, 0, 0, 2))
case("indexSelectRows", lambda x, i: x.index_select(0, i), (3, 4), ints(2, 2, 1))
case("gatherAlong", lambda x, i: x.gather(1, i), (2, 4), ints(0, 3, 3, 1, 1, 0).reshape(2, 3))
case("gatherAlongRows", lambda x, i: x.gather(0, i), (3, 2), ints(0, 2, 2, 1, 0, 0, 1, 1).reshape(4, 2))
case("scatterAdd", lambda x, i, s: x.scatter_add(1, i, s), (2, 4), ints(0, 3, 3, 1, 1, 1).reshape(2, 3), (2, 3))
case("scatterAddRows", lambda x, i, s: x.scatter_add(0, i, s), (3, 2), ints(0, 2, 2, 1, 0, 0, 2, 1).reshape(4, 2), (4, 2))
case("embedding", lambda w, i: F.embedding(i, w), (4, 3), ints(1, 3, 3, 0, 1, 1).reshape(2, 3))
case("embeddingPadding", lambda w, i: F.embedding(i, w, padding_idx=1), (4, 3), ints(1, 3, 3, 0, 1, 1).reshape(2, 3))
case("oneHot", lambda i: F.one_hot(i, 4), ints(0, 3, 1, 1).reshape(2, 2))
case("arange", lambda: torch.arange(2, 9, 3))
case("arangeFloat", lambda: torch.arange(0, 1, 0.25))
case("linspace", lambda: torch.linspace(-1, 2, 7))
case("eye", lambda: torch.eye(2, 3))
case("zeros", lambda: torch.zeros(2, 1))
case("ones", lambda: torch.ones(2, dtype=torch.int32))

# einsum
for equation, *shapes in [
    ("ij,jk->ik", (2, 3), (3, 4)), ("bld,bsd->bls", (2, 3, 4), (2, 5, 4)), ("bhld,bhsd->bhls", (2, 2, 3, 4), (2, 2, 5, 4)),
    ("ij->ji", (2, 3)), ("ij->", (2, 3)), ("ij->i", (2, 3)), ("i,j->ij", (2,), (3,)), ("ii->i", (3, 3)), ("ii", (3, 3)),
    ("bii->b", (2, 3, 3)), ("ij,jk", (2, 3), (3, 4)), ("...ij,...jk->...ik", (2, 1, 2, 3), (3, 3, 4)), ("...i->...", (2, 3)),
    ("ij,j,jk->ik", (2, 3), (3,), (3, 4)), ("b i d, b j d -> b i j", (2, 3, 4), (2, 1, 4)), ("i,i->", (4,), (4,)),
    ("ij,ij->ij", (2, 3), (2, 3)), ("ijk,jil->kl", (2, 3, 4), (3, 2, 5)), ("...a,...b", (2, 3), (2, 4)), ("bc,b->c", (3, 2), (3,)),
]:
    case(f"einsum {equation}", lambda *xs: torch.einsum(equation, *xs), *shapes)

# element types
case("castInt", lambda a: a.to(torch.int32), floats(-2.7, -0.5, 0, 0.5, 2.7), gradient=False)
case("castHalf", lambda a: a.half().float(), floats(0.1, 65504, 70000, 1e-8, -3), gradient=False)
case("castBool", lambda a: a.bool(), floats(0, -0.5, nan, 2), gradient=False)
case("castFromBool", lambda a: a.long(), bools(0, 1))
case("castLong", lambda a: a.to(torch.int32).to(torch.int64).float(), ints(-7, 2**30))
case("whereInt", torch.where, bools(1, 0), ints(1, 2), ints(3, 4))
case("whereBool", torch.where, bools(1, 0, 1), bools(1, 1, 0), bools(0, 0, 1))
case("equalBool", lambda a, b: a == b, bools(1, 0), bools(1, 1))
case("compareInt", lambda a, b: (a < b) | (a >= b + 2), ints(1, 5, 3), ints(2, 3, 2))
case("maximumInt", torch.maximum, int32(1, 5, 3), int32(2, 3, 2))
case("maxInt", lambda a: a.amax(0), ints(1, 2**40, 3))
case("sumInt", lambda a: a.sum(0), ints(1, 2**40, 3, 4).reshape(2, 2))
case("reluInt", torch.relu, int32(-1, 0, 3))
case("signInt", torch.sign, ints(-4, 0, 3))
flags = bools(1, 0, 0, 1, 1, 0).reshape(2, 3)
for name, f in {
    "reshape": lambda t: t.reshape(3, 2), "permute": lambda t: t.permute(1, 0), "expand": lambda t: t.expand(2, 2, 3),
    "concat": lambda t: torch.cat([t, t], 0), "split": lambda t: t.split([1, 2], 1), "slice": lambda t: t[:, 1:],
    "flip": lambda t: t.flip(1), "roll": lambda t: t.roll(1, 1), "repeat": lambda t: t.repeat(2, 1), "tril": torch.tril,
    "gather": lambda t: t[torch.tensor([1, 0, 1])], "gatherAlong": lambda t: t.gather(1, torch.tensor([[2, 0], [1, 1]])),
    "pad": lambda t: F.pad(t, (1, 1)), "cumsum": lambda t: t.cumsum(0), "topk": lambda t: t.topk(2)[0],
    "clip": lambda t: t.clip(1, 4), "prod": lambda t: t.prod(1), "edge": lambda t: torch.cat([t[:, :1], t], 1),
}.items():
    if name not in ["cumsum", "topk", "clip", "prod"]:
        case(f"bool {name}", f, flags)
    values = torch.arange(6).reshape(2, 3) + 1
    case(f"int64 {name}", f, values)
    if name not in ["cumsum", "prod"]:  # PyTorch makes int64 of those
        case(f"int32 {name}", f, values.int())

# what printing shows
def text(t):
    return str(t).replace("torch.", "")


shown = [
    torch.tensor(3.0), torch.tensor(1.25), torch.tensor([]), torch.zeros(2, 0), torch.tensor([1.0, 2.0, -3.0]),
    torch.tensor([[1, 2], [30, -4]]), torch.tensor([[1, 2]], dtype=torch.int32), torch.tensor([True, False]),
    torch.tensor([[0.1, 22.25], [-3.0, 4.0]]), torch.tensor([1e-5, 1.0]), torch.tensor([1e9, 1.0]), torch.tensor([inf, 1.0, nan]),
    torch.tensor([0.5, inf, -inf, 100.0]), torch.zeros(2, 2), torch.arange(24.0).reshape(2, 3, 4), torch.arange(50.0),
    torch.arange(1001.0), torch.arange(3000.0).reshape(10, 10, 30) / 7, torch.arange(40) * 1000, torch.tensor([nan]),
    torch.tensor([1, 2], dtype=torch.uint8), torch.tensor([0.5, 1.5], dtype=torch.float16), torch.arange(2000).reshape(1000, 2),
]
prints = [{"dtype": str(t.dtype).removeprefix("torch."), "dims": list(t.shape), "text": text(t),
           **({"data": stored(t.float() if t.is_floating_point() else t)["data"]} if t.numel() < 30 else {})} for t in shown]

out = Path(__file__).parents[2] / "packages/tensor/test/fixtures/torch-ops.json"
out.parent.mkdir(exist_ok=True)
lines = [f"{json.dumps(name)}: {json.dumps(value, separators=(',', ':'))}" for name, value in cases.items()]
out.write_text(
    '{"cases": {\n' + ",\n".join(lines) + '\n},\n"prints": [\n' + ",\n".join(json.dumps(p) for p in prints) + "\n]}\n"
)
print(len(cases), "cases,", out.stat().st_size, "bytes")
