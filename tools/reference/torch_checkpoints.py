"""Small checkpoints by PyTorch and safetensors, whole and hostile → packages/tensor/test/fixtures/checkpoints/.

pip install torch safetensors. `expected.json` there says what each of them holds; `hostile/` must be refused.
"""
import argparse
import collections
import io
import json
import os
import pickle
import shutil
import struct
import zipfile
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file

target = Path(__file__).parents[2] / "packages/tensor/test/fixtures/checkpoints"
shutil.rmtree(target, ignore_errors=True)
(target / "hostile").mkdir(parents=True)
torch.manual_seed(0)
expected = {}


def describe(tensor):
    value = tensor.detach().to(torch.float64 if tensor.is_floating_point() else tensor.dtype)
    if tensor.is_floating_point():
        value = value.to(torch.float32)
        values = [x if np.isfinite(x) else str(x) for x in value.flatten().tolist()]
    elif tensor.dtype == torch.bool:
        values = [int(x) for x in value.flatten().tolist()]
    else:
        values = [str(x) for x in value.flatten().tolist()]
    return {"dims": list(tensor.shape), "values": values}


def expect(name, tensors, **more):
    expected[name] = {"tensors": {key: describe(t) for key, t in tensors.items()}, **more}


def save(name, value, tensors, options=None, metadata=None, **how):
    torch.save(value, target / name, **how)
    expect(name, tensors, options=options or {}, metadata=metadata or {})


float8 = ["float8_e4m3fn", "float8_e5m2", "float8_e4m3fnuz", "float8_e5m2fnuz", "float8_e8m0fnu"]
types = {
    "float64": torch.tensor([1 / 3, -1e300, 5e-324], dtype=torch.float64),
    "float32": torch.tensor([[1 / 3, -0.0], [float("inf"), float("nan")]]),
    "float16": torch.tensor([1 / 3, 65504, -6e-8]).half(),
    "bfloat16": torch.tensor([1 / 3, 3e38, -1e-40]).bfloat16(),
    "int64": torch.tensor([2**63 - 1, -(2**63)]),
    "int32": torch.tensor([2**31 - 1, -(2**31)], dtype=torch.int32),
    "int16": torch.tensor([32767, -32768], dtype=torch.int16),
    "int8": torch.tensor([127, -128], dtype=torch.int8),
    "uint8": torch.tensor([0, 255], dtype=torch.uint8),
    "uint16": torch.tensor([0, 65535], dtype=torch.uint16),
    "uint32": torch.tensor([0, 2**32 - 1], dtype=torch.uint32),
    "uint64": torch.tensor([0, 2**63 - 1], dtype=torch.uint64),
    "bool": torch.tensor([[True], [False]]),
    "scalar": torch.tensor(7.5),
    "empty": torch.zeros(0, 3),
    **{name: torch.arange(256, dtype=torch.uint8).view(getattr(torch, name)) for name in float8},
}
save("types.pt", types, types)
save_file(types, target / "types.safetensors", metadata={"format": "pt", "made by": "tools/reference"})
expect("types.safetensors", types, options={}, metadata={"format": "pt", "made by": "tools/reference"})

base = torch.arange(24.0).reshape(4, 6)
views = {
    "base": base,
    "transposed": base.t(),
    "slice": base[1:3, 1::2],
    "row": base[2],
    "expanded": torch.tensor([[1.0], [2.0]]).expand(2, 3),
    "permuted": torch.arange(24, dtype=torch.int16).reshape(2, 3, 4).permute(2, 0, 1),
    "permuted8": torch.arange(24, dtype=torch.int64).reshape(2, 3, 4).permute(1, 2, 0),
    "bytes": torch.arange(6, dtype=torch.uint8).reshape(2, 3).t(),
    "channels": torch.arange(48.0).reshape(2, 2, 3, 4).contiguous(memory_format=torch.channels_last),
}
save("views.pt", views, views)

net = torch.nn.Sequential(collections.OrderedDict(conv=torch.nn.Conv2d(1, 2, 3), norm=torch.nn.BatchNorm2d(2)))
net.tied = net.conv
state = net.state_dict()
for protocol in (2, 3, 4, 5):
    save(f"state-protocol{protocol}.pth", state, state, pickle_protocol=protocol)
legacy_types = {k: v for k, v in types.items() if k not in float8 and not k.startswith("uint1") and k not in ("uint32", "uint64")}
save("legacy.pth", {**state, **legacy_types, **views}, {**state, **legacy_types, **views}, _use_new_zipfile_serialization=False)
save("parameters.pt", dict(net.named_parameters()), dict(net.named_parameters()))

adam = torch.optim.Adam(net.parameters(), lr=0.1)
net.norm(net.conv(torch.ones(2, 1, 4, 4))).sum().backward()
adam.step()
training = {
    "epoch": 3,
    "best": np.float64(0.75),
    "count": np.int64(12),
    "huge": 2**70,
    "note": "größe",
    "args": argparse.Namespace(lr=0.1, name="x"),
    "history": collections.defaultdict(list, loss=[1.5, 0.5]),
    "size": torch.Size([1, 2]),
    "device": torch.device("cpu"),
    "dtype": torch.float16,
    "bytes": b"\x00\xff",
    "kinds": {"a"},
    "model": net.state_dict(),
    "optimizer": adam.state_dict(),
}
flat = {f"model.{k}": v for k, v in net.state_dict().items()}
for i, entry in adam.state_dict()["state"].items():
    flat.update({f"optimizer.state.{i}.{k}": v for k, v in entry.items()})
figures = {"epoch": 3, "best": 0.75, "count": 12, "huge": str(2**70), "note": "größe", "args.lr": 0.1, "args.name": "x",
           "history.loss.0": 1.5, "device": "cpu", "optimizer.param_groups.0.lr": 0.1, "size.1": 2}
save("training.pt", training, flat, options={"flatten": True}, metadata=figures)
torch.save(base[1], target / "single.pt")
expect("single.pt", {"tensor": base[1]}, options={}, metadata={})

# A big-endian file, made of a little-endian one by turning its storages around.
words = {"a": torch.tensor([1.5, -2.0]), "b": torch.tensor([1, -2]), "c": torch.tensor([3], dtype=torch.int16), "d": torch.tensor([True])}
torch.save(words, target / "little.pt")
with zipfile.ZipFile(target / "little.pt") as little, zipfile.ZipFile(target / "big-endian.pt", "w") as big:
    for item in little.infolist():
        data = little.read(item)
        if item.filename.endswith("/byteorder"):
            data = b"big"
        for i, size in enumerate((4, 8, 2, 1)):
            if item.filename.endswith(f"/data/{i}"):
                data = b"".join(data[j : j + size][::-1] for j in range(0, len(data), size))
        big.writestr(item.filename, data)
(target / "little.pt").unlink()
expect("big-endian.pt", words, options={}, metadata={})

# ZIP64: what a writer that does not know the size before writes.
torch.save(words, target / "plain.pt")
with zipfile.ZipFile(target / "plain.pt") as plain:
    parts = [(item.filename, plain.read(item)) for item in plain.infolist()]
(target / "plain.pt").unlink()


def zip64(parts):
    """An archive whose directory has all sizes and offsets in ZIP64 fields."""
    body, directory = b"", b""
    for name, data in parts:
        name, crc = name.encode(), zipfile.crc32(data)
        offset = len(body)
        body += struct.pack("<IHHHHHIIIHH", 0x04034B50, 45, 0, 0, 0, 0, crc, len(data), len(data), len(name), 0) + name + data
        extra = struct.pack("<HHQQQ", 1, 24, len(data), len(data), offset)
        ones = 0xFFFFFFFF
        directory += struct.pack("<IHHHHHHIIIHHHHHII", 0x02014B50, 45, 45, 0, 0, 0, 0, crc, ones, ones, len(name), len(extra), 0, 0, 0, 0, ones)
        directory += name + extra
    end = struct.pack("<IQHHIIQQQQ", 0x06064B50, 44, 45, 45, 0, 0, len(parts), len(parts), len(directory), len(body))
    locator = struct.pack("<IIQI", 0x07064B50, 0, len(body) + len(directory), 1)
    return body + directory + end + locator + struct.pack("<IHHHHIIH", 0x06054B50, 0, 0, 0xFFFF, 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0)


(target / "zip64.pt").write_bytes(zip64(parts))
expect("zip64.pt", words, options={}, metadata={})
torch.load(target / "zip64.pt")  # PyTorch reads it too
(target / "expected.json").write_text(json.dumps(expected) + "\n")


# Hostile files: the name says what must be refused.
def archive(name, data, method=zipfile.ZIP_STORED, storages=None, folder="x"):
    with zipfile.ZipFile(target / "hostile" / f"{name}.pt", "w", method) as z:
        z.writestr(f"{folder}/data.pkl", data)
        z.writestr(f"{folder}/byteorder", "little")
        for key, content in (storages or {}).items():
            z.writestr(f"{folder}/data/{key}", content)


class Call:
    def __init__(self, *reduced):
        self.reduced = reduced

    def __reduce__(self):
        return self.reduced


def text(s):
    return b"X" + struct.pack("<I", len(s)) + s.encode()


def number(n):
    return b"\x8a\x08" + struct.pack("<q", n)


def tensor(size, stride, offset=0, length=1, key="0"):
    numbers = lambda items: b"(" + b"".join(number(n) for n in items) + b"t"
    storage = b"(" + text("storage") + b"ctorch\nFloatStorage\n" + text(key) + text("cpu") + number(length) + b"tQ"
    return b"ctorch._utils\n_rebuild_tensor_v2\n(" + storage + number(offset) + numbers(size) + numbers(stride) + b"\x89}tR"


def one(value):
    return b"\x80\x02}" + text("w") + value + b"s."


archive("system", pickle.dumps({"w": Call(os.system, ("echo hacked",))}, 2))
archive("eval", pickle.dumps({"w": Call(eval, ("1+1",))}, 4))
archive("getattr", b"\x80\x02c__builtin__\ngetattr\n(c__builtin__\nset\n" + text("__class__") + b"tR.")
archive("inst", b"\x80\x02(" + text("echo hacked") + b"ios\nsystem\n.")
archive("protocol0", pickle.dumps({"w": 1}, 0))
archive("truncated", pickle.dumps({"w": list(range(100))}, 2)[:-20])
archive("huge-string", b"\x80\x02X" + struct.pack("<I", 2**31) + b"abc.")
archive("huge-bytes", b"\x80\x04\x8e" + struct.pack("<Q", 2**63) + b"abc.")
archive("huge-integer", b"\x80\x02\x8b" + struct.pack("<i", 2**30) + b"abc.")
archive("negative-integer", b"\x80\x02\x8b" + struct.pack("<i", -1) + b"abc.")
# Every tuple holds the one before ten times.
laughs = b"".join(b"0(" + (b"h" + bytes([i])) * 10 + b"tq" + bytes([i + 1]) for i in range(40))
archive("laughs", b"\x80\x02Nq\x00" + laughs + b".")
archive("cycle", b"\x80\x02]q\x00h\x00a.")
archive("marks", b"\x80\x02" + b"(" * 20000 + b".")
archive("deep", b"\x80\x02" + b"]" * 1000 + b"a" * 999 + b".")
archive("no-memo", b"\x80\x02h\x07.")
archive("empty-stack", b"\x80\x02s.")
archive("left-over", b"\x80\x02NN.")
archive("no-storage", one(tensor([1], [1])))
archive("short-storage", one(tensor([4], [1], length=4)), storages={"0": b"\0" * 8})
archive("beyond-storage", one(tensor([4], [1], offset=1, length=4)), storages={"0": b"\0" * 16})
archive("stride-beyond", one(tensor([2, 2], [100, 1], length=4)), storages={"0": b"\0" * 16})
archive("negative-stride", one(tensor([2], [-1], offset=1, length=4)), storages={"0": b"\0" * 16})
archive("negative-offset", one(tensor([2], [1], offset=-1, length=4)), storages={"0": b"\0" * 16})
archive("expanded", one(tensor([2**40], [0])), storages={"0": b"\0" * 4})
archive("overflow", one(tensor([2**40, 2**40, 2**40], [0, 0, 0])), storages={"0": b"\0" * 4})
archive("key-path", one(tensor([1], [1], key="../../../etc/passwd")), storages={"0": b"\0" * 4})
archive("compressed", one(tensor([1], [1])) + b"\0" * 100, zipfile.ZIP_DEFLATED, storages={"0": b"\0" * 400})
torch.save(net, target / "hostile" / "whole-model.pt")
torch.save({"w": torch.eye(3).to_sparse()}, target / "hostile" / "sparse.pt")
torch.jit.script(torch.nn.Linear(1, 1)).save(str(target / "hostile" / "torchscript.pt"))
buffer = io.BytesIO()
torch.save({"w": torch.ones(64)}, buffer)
(target / "hostile" / "cut.pt").write_bytes(buffer.getvalue()[:-200])
buffer = io.BytesIO()
torch.save({"w": torch.ones(64)}, buffer, _use_new_zipfile_serialization=False)
(target / "hostile" / "legacy-cut.pt").write_bytes(buffer.getvalue()[:-20])
(target / "hostile" / "plain-pickle.pt").write_bytes(pickle.dumps({"w": [1, 2]}, 2))
(target / "hostile" / "not-torch.zip").write_bytes(zip64([("readme.txt", b"hello")]))
for path in sorted(target.rglob("*.*")):
    if path.stat().st_size > 20000:
        print("large:", path, path.stat().st_size)
