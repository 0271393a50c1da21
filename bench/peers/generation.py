"""A GPT-2 of Hugging Face's with random weights: reads "generate PROMPT NEW" lines, answers each with the seconds it took."""
import json
import sys
import time

import torch
from transformers import GPT2Config, GPT2LMHeadModel

torch.set_num_threads(2)
torch.manual_seed(1)
model = GPT2LMHeadModel(GPT2Config()).eval()
model.generation_config.pad_token_id = 0
model.generation_config.eos_token_id = None
model.generation_config.bos_token_id = None

for line in sys.stdin:
    _, prompt, new = line.split()
    ids = torch.randint(50257, (1, int(prompt)))
    begin = time.perf_counter()
    with torch.inference_mode():
        out = model.generate(ids, attention_mask=torch.ones_like(ids), do_sample=False, max_new_tokens=int(new), use_cache=True)
    seconds = time.perf_counter() - begin
    assert out.shape[1] == int(prompt) + int(new)
    print(json.dumps({"seconds": seconds}), flush=True)
