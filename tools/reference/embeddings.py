# Vectors of texts from Hugging Face transformers on stories260K: the mean of the last hidden states, after the last norm, of length 1.
# python tools/reference/embeddings.py ../shared/data/checkpoints/stories260K packages/generation/test/fixtures/embeddings.json
import json
import sys

import torch
from transformers import AutoModelForCausalLM

folder, output = sys.argv[1:]
model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
texts = [[1], [1, 403, 407, 261, 378], [1, 302, 17, 80], [1] + [(7 * i) % 500 + 3 for i in range(60)], [1, 403, 407, 261, 378, 9]]
cases = []
with torch.no_grad():
    for ids in texts:
        states = model.model(torch.tensor([ids])).last_hidden_state[0]
        vector = states.mean(0)
        cases.append({"ids": ids, "vector": [round(x, 7) for x in (vector / vector.norm()).tolist()]})
with open(output, "w") as file:
    file.write(json.dumps(cases) + "\n")
