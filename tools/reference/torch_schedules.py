"""Learning rates of torch.optim.lr_scheduler and of transformers for 50 steps → packages/training/test/fixtures/torch-schedules.json.

pip install torch transformers
"""
import json
import warnings
from pathlib import Path

import torch
from torch.optim import lr_scheduler as L
from transformers import optimization as H

warnings.simplefilter("ignore")


def rates(make, lr=0.1, metric=None, skipped=0):
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=lr)
    scheduler = make(optimizer)
    found = []
    for step in range(50 + skipped):
        found.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step(*([] if metric is None else [metric(step)]))
    return found[skipped:]


def wave(step):
    return [3.0, 2.0, 2.5, 1.99995, 1.5, 1.5, 1.6, 1.4999, 1.2, 1.3][step % 10] + 0.2 * (step // 10)


def one_cycle(**options):
    return lambda o: L.OneCycleLR(o, max_lr=0.1, total_steps=51, **options)


cases = {
    "constantRate": rates(lambda o: L.LambdaLR(o, lambda _: 1.0)),
    "stepDecay": rates(lambda o: L.StepLR(o, 7, 0.5)),
    "multiStepDecay": rates(lambda o: L.MultiStepLR(o, [3, 20, 21], 0.3)),
    "exponentialDecay": rates(lambda o: L.ExponentialLR(o, 0.93)),
    "cosineRestarts": rates(lambda o: L.CosineAnnealingWarmRestarts(o, 8, 1, 0.01)),
    "cosineRestarts longer": rates(lambda o: L.CosineAnnealingWarmRestarts(o, 4, 2, 0.0)),
    "linearRate": rates(lambda o: L.LinearLR(o, 0.25, 1.0, 11)),
    "oneCycle": rates(one_cycle()),
    "oneCycle linear": rates(one_cycle(anneal_strategy="linear", pct_start=0.4, div_factor=10)),
    "oneCycle three phases": rates(one_cycle(three_phase=True, final_div_factor=100)),
    # the first rate of these is 0, ours is their second
    "cosine": rates(lambda o: H.get_cosine_schedule_with_warmup(o, 10, 60), skipped=1),
    "cosine floor": rates(lambda o: L.CosineAnnealingLR(o, 50, 0.02), skipped=1),
    "inverseSquareRoot": rates(lambda o: H.get_inverse_sqrt_schedule(o, 10, 10), skipped=1),
    "polynomialDecay": rates(lambda o: L.PolynomialLR(o, 40, 2.0)),
    "inTurn": rates(lambda o: L.SequentialLR(o, [L.LinearLR(o, 0.1, 1.0, 10), L.ExponentialLR(o, 0.9), L.StepLR(o, 3)], [10, 30])),
    "combined": rates(lambda o: L.ChainedScheduler([L.LinearLR(o, 0.1, 1.0, 10), L.ExponentialLR(o, 0.9)])),
    "plateau": rates(lambda o: L.ReduceLROnPlateau(o, factor=0.5, patience=2, cooldown=2, min_lr=0.004), metric=wave),
    "plateau max": rates(lambda o: L.ReduceLROnPlateau(o, mode="max", patience=1, factor=0.7, threshold=0.3, threshold_mode="abs"), metric=wave),
}
target = Path(__file__).parents[2] / "packages/training/test/fixtures/torch-schedules.json"
target.write_text(json.dumps({"torch": torch.__version__, "cases": cases}) + "\n")
