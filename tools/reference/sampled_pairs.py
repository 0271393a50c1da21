"""What sampling from stories260K must give: the exact probability of every pair of next tokens, by transformers' logits and warpers, in
float64 → packages/generation/test/fixtures/sampled-pairs.json (pip install torch transformers). Takes the model's folder."""
import json
import sys
from pathlib import Path

import torch
from transformers import AutoModelForCausalLM, LogitsProcessorList, TemperatureLogitsWarper, TopKLogitsWarper, TopPLogitsWarper

PROMPT = [1]
OPTIONS = {"temperature": 2.0, "top_k": 12, "top_p": 0.95}

model = AutoModelForCausalLM.from_pretrained(sys.argv[1], dtype=torch.float64).eval()
warp = LogitsProcessorList(
    [TemperatureLogitsWarper(OPTIONS["temperature"]), TopKLogitsWarper(OPTIONS["top_k"]), TopPLogitsWarper(OPTIONS["top_p"])]
)


def following(ids):
    """Token → probability of those that are kept."""
    given = torch.tensor([ids])
    with torch.no_grad():
        scores = warp(given, model(given).logits[:, -1])
    probabilities = scores.softmax(-1)[0]
    return {token: probabilities[token].item() for token in probabilities.nonzero().flatten().tolist()}


pairs = [
    [first, second, round(p * q, 9)]
    for first, p in following(PROMPT).items()
    for second, q in following([*PROMPT, first]).items()
]
target = Path(__file__).parents[2] / "packages/generation/test/fixtures/sampled-pairs.json"
target.write_text(json.dumps({"prompt": PROMPT, "options": OPTIONS, "pairs": pairs}) + "\n")
