"""Which tokens Hugging Face's logits warpers keep, for packages/generation/test/cuts.test.ts: python sampling_fixtures.py OUT.json"""

import json
import random
import sys

import torch
from transformers import EpsilonLogitsWarper, EtaLogitsWarper, MinPLogitsWarper, TemperatureLogitsWarper
from transformers import TopKLogitsWarper, TopPLogitsWarper, TypicalLogitsWarper

random.seed(5)
MAKE = {
    "temperature": TemperatureLogitsWarper,
    "topK": TopKLogitsWarper,
    "topP": TopPLogitsWarper,
    "minP": MinPLogitsWarper,
    "typicalP": TypicalLogitsWarper,
    "epsilonCutoff": EpsilonLogitsWarper,
    "etaCutoff": lambda epsilon: EtaLogitsWarper(epsilon),
}
SETTINGS = [
    {"topK": 5}, {"topK": 1}, {"topP": 0.9}, {"topP": 0.3}, {"minP": 0.1}, {"minP": 0.5}, {"typicalP": 0.2}, {"typicalP": 0.9},
    {"epsilonCutoff": 0.02}, {"epsilonCutoff": 0.5}, {"etaCutoff": 0.05}, {"etaCutoff": 0.3},
    {"temperature": 0.7, "topK": 12, "topP": 0.8}, {"temperature": 2.0, "topP": 0.95, "minP": 0.05},
    {"temperature": 1.3, "topK": 20, "topP": 0.97, "minP": 0.02, "typicalP": 0.95, "epsilonCutoff": 0.01, "etaCutoff": 0.02},
]
cases = []
for settings in SETTINGS:
    for spread in (0.5, 2.0, 5.0):
        logits = [round(random.gauss(0, spread), 3) for _ in range(40)]
        logits[7] = logits[3]
        scores = torch.tensor([logits])
        for name, value in settings.items():
            scores = MAKE[name](value)(None, scores)
        kept = [i for i, x in enumerate(scores[0].tolist()) if x != float("-inf")]
        probabilities = [round(x, 6) for x in torch.softmax(scores[0].double(), -1)[kept].tolist()]
        cases.append({"options": settings, "logits": logits, "kept": kept, "probabilities": probabilities})
with open(sys.argv[1], "w") as file:
    file.write("[\n" + ",\n".join(json.dumps(case, separators=(",", ":")) for case in cases) + "\n]\n")
