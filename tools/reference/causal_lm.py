"""Stored logits of small random Llamas and GPT-2s of Hugging Face's, for packages/transformer/test/causal-lm.test.ts.

    python causal_lm.py > ../../packages/transformer/test/fixtures/causal-lm.json

Needs torch and transformers 5. Weights and tokens follow formulas that the test computes, too.
"""

import json

import torch
import transformers
from transformers import GPT2Config, GPT2LMHeadModel, LlamaConfig, LlamaForCausalLM

VOCAB, LENGTH = 37, 23
BASE = dict(
    vocab_size=VOCAB, hidden_size=32, intermediate_size=48, num_hidden_layers=2, num_attention_heads=4,
    max_position_embeddings=64, rms_norm_eps=1e-5, attn_implementation="eager",
)
LLAMA3 = {
    "rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
    "original_max_position_embeddings": 16,
}
CASES = {
    "llama": BASE,
    "llama with grouped heads, tied": BASE | dict(num_key_value_heads=2, tie_word_embeddings=True),
    "llama with one head of keys and biases": BASE | dict(num_key_value_heads=1, attention_bias=True, mlp_bias=True),
    "llama with wide heads": BASE | dict(head_dim=16, num_key_value_heads=2, rope_theta=500.0),
    "llama with linear scaling": BASE | dict(rope_scaling={"rope_type": "linear", "factor": 4.0}),
    "llama 3 scaling": BASE | dict(head_dim=32, rope_scaling=LLAMA3),
    "gpt2": dict(vocab_size=VOCAB, n_embd=32, n_layer=2, n_head=4, n_positions=64, attn_implementation="eager"),
    "gpt2 with wide heads": dict(vocab_size=VOCAB, n_embd=48, n_layer=2, n_head=3, n_positions=64, n_inner=40, attn_implementation="eager"),
}


def sizes(config):
    out = {k: v for k, v in config.items() if k != "attn_implementation"}
    return out


cases = {}
for name, config in CASES.items():
    gpt2 = name.startswith("gpt2")
    model = (GPT2LMHeadModel(GPT2Config(**config)) if gpt2 else LlamaForCausalLM(LlamaConfig(**config))).double().eval()
    with torch.no_grad():
        state = model.state_dict()
        shown = [key for key in state if not (key == "lm_head.weight" and (gpt2 or config.get("tie_word_embeddings")))]
        for i, key in enumerate(shown):
            t = state[key]
            wave = 0.3 * torch.sin(1.7 * torch.arange(t.numel(), dtype=torch.float64) + i)
            norm = "norm" in key or ".ln_" in key
            t.copy_((wave.float().double() + (1 if norm and key.endswith("weight") else 0)).float().double().reshape(t.shape))
        ids = torch.tensor([[(7 * i * i + 3 * i + 1) % VOCAB for i in range(LENGTH)]])
        logits = model(ids).logits[0]
    cases[name] = {
        "config": sizes(config) | {"model_type": "gpt2" if gpt2 else "llama"},
        "keys": shown,
        "logits": [[round(x, 6) for x in row] for row in logits[[0, 1, 9, LENGTH - 1]].tolist()],
    }
print(json.dumps({"transformers": transformers.__version__, "cases": cases}))
