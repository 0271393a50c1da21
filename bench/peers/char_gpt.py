"""bench/tasks/char-gpt.ts in PyTorch: answers "steps N" and "validate" lines with a line of JSON each."""
import json
import math
import sys
import time

import torch
from torch import nn
from torch.nn import functional as F

from gpt import GPT

LAYERS, TIME, BATCH, STEPS, WARMUP, RATE, ESTIMATES = 4, 64, 12, 2000, 100, 1e-3, 20

torch.set_num_threads(2)
torch.manual_seed(1337)
text = open(sys.argv[1], encoding="utf-8").read()
characters = sorted(set(text))
number = {c: i for i, c in enumerate(characters)}
ids = torch.tensor([number[c] for c in text])
cut = int(0.9 * len(ids))
train, validation = ids[:cut], ids[cut:]

model = GPT(LAYERS, 128, 4, TIME, len(characters), bias=False)
for block in model.blocks:
    for linear in (block.qkv, block.proj, block.fc1, block.fc2):
        last = linear is block.proj or linear is block.fc2
        nn.init.normal_(linear.weight, std=0.02 / math.sqrt(2 * LAYERS) if last else 0.02)
matrices = [p for p in model.parameters() if p.dim() >= 2]
vectors = [p for p in model.parameters() if p.dim() < 2]
groups = [{"params": matrices, "weight_decay": 0.1}, {"params": vectors, "weight_decay": 0.0}]
optimizer = torch.optim.AdamW(groups, lr=RATE, betas=(0.9, 0.99))


def rate(step):
    if step < WARMUP:
        return RATE * step / WARMUP
    return RATE * (0.1 + 0.45 * (1 + math.cos(math.pi * (step - WARMUP) / (STEPS - WARMUP))))


def loss_of(x, y, reduction="mean"):
    return F.cross_entropy(model(x).view(-1, len(characters)), y.reshape(-1), reduction=reduction)


def batch(ids):
    starts = torch.randint(len(ids) - TIME, (BATCH,))
    return torch.stack([ids[i : i + TIME] for i in starts]), torch.stack([ids[i + 1 : i + 1 + TIME] for i in starts])


def steps(count, first):
    times = []
    for step in range(first, first + count):
        begin = time.perf_counter()
        x, y = batch(train)
        for group in optimizer.param_groups:
            group["lr"] = rate(step)
        optimizer.zero_grad()
        loss = loss_of(x, y)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        value = loss.item()
        times.append(1000 * (time.perf_counter() - begin))
    return {"times": times, "loss": value}


@torch.no_grad()
def validate():
    count = (len(validation) - 1) // TIME
    x, y = validation[: count * TIME].view(-1, TIME), validation[1 : count * TIME + 1].view(-1, TIME)
    total = sum(loss_of(a, b, "sum").item() for a, b in zip(x.split(64), y.split(64)))
    estimate = sum(loss_of(*batch(validation)).item() for _ in range(ESTIMATES)) / ESTIMATES
    return {"loss": total / count / TIME, "estimate": estimate}


done = 0
for line in sys.stdin:
    command, *rest = line.split()
    if command == "steps":
        answer = steps(int(rest[0]), done + 1)
        done += int(rest[0])
    else:
        answer = validate()
    print(json.dumps(answer), flush=True)
