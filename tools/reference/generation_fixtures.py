"""Stored answers of Hugging Face's generate on stories260K, for packages/generation/test/hugging-face.test.ts.

    python generation_fixtures.py ../shared/data/checkpoints/stories260K OUT.json

Needs torch and transformers; run with transformers 5 for everything but the diverse beams, and with 4.49 (the flag --groups)
for those, as later versions have no group beam search. The flag --stops stores texts with stop strings.
"""

import json
import sys

import torch
import transformers
from transformers import AutoModelForCausalLM, AutoTokenizer

folder, out = sys.argv[1], sys.argv[2]
groups_only = "--groups" in sys.argv
torch.manual_seed(0)
tokenizer = AutoTokenizer.from_pretrained(folder)
model = AutoModelForCausalLM.from_pretrained(folder, torch_dtype=torch.float32).eval()
model.generation_config.eos_token_id = [1, 2]
model.generation_config.pad_token_id = None  # then the first end token
LILY = [1, 403, 407, 261, 378, 432, 383, 286, 261, 376, 298, 315, 421, 395, 317, 426]
ONCE = [1, 403, 407, 261, 378]

SINGLE = {
    "greedy": {"max_new_tokens": 100},
    "repetition": {"repetition_penalty": 1.3},
    "repetition below one": {"repetition_penalty": 0.9},
    "no repeated bigram": {"no_repeat_ngram_size": 2},
    "no repeated trigram": {"no_repeat_ngram_size": 3},
    "no repeated token": {"no_repeat_ngram_size": 1, "max_new_tokens": 20},
    "sequence bias": {"sequence_bias": [[[338], -10.0], [[401, 396], -8.0], [[266, 267, 337], 6.0]]},
    "bad words": {"bad_words_ids": [[338], [401, 396], [426]]},
    "bad words with end": {"bad_words_ids": [[1], [338]]},
    "min length": {"min_length": 30, "sequence_bias": [[[2], 12.0]]},
    "min new tokens": {"min_new_tokens": 9, "sequence_bias": [[[2], 12.0]]},
    "biased end": {"sequence_bias": [[[2], 9.0]]},
    "max length": {"max_length": 25, "max_new_tokens": None},
    "forced end": {"forced_eos_token_id": 2, "max_new_tokens": 12},
    "forced ends": {"forced_eos_token_id": [2, 1], "max_new_tokens": 12},
    "suppressed": {"suppress_tokens": [338, 426, 432]},
    "suppressed first": {"begin_suppress_tokens": [338, 13]},
    "other end": {"eos_token_id": 426},
    "several ends": {"eos_token_id": [2, 432, 426]},
    "all together": {
        "repetition_penalty": 1.2, "no_repeat_ngram_size": 3, "bad_words_ids": [[401]], "suppress_tokens": [432],
        "begin_suppress_tokens": [338], "min_new_tokens": 15, "sequence_bias": [[[2], 4.0]], "forced_eos_token_id": 2,
    },
}
BOS = {"forced first": {"forced_bos_token_id": 410}, "forced first, others not": {"forced_bos_token_id": 410, "begin_suppress_tokens": [286, 338]}}
BEAMS = {
    f"beams penalty {penalty} stopping {stopping} {name}": {
        "num_beams": 4, "length_penalty": penalty, "early_stopping": stopping, "num_return_sequences": 3, **more,
    }
    for penalty in (0.5, 1.0, 2.0, -1.0)
    for stopping in (True, False, "never")
    for name, more in {"": {}, "biased": {"sequence_bias": [[[2], 5.0]]}}.items()
}
BEAMS |= {
    "beams processed": {"num_beams": 4, "repetition_penalty": 1.3, "no_repeat_ngram_size": 3, "bad_words_ids": [[401, 396]], "num_return_sequences": 4},
    "beams min": {"num_beams": 3, "min_new_tokens": 10, "sequence_bias": [[[2], 6.0]], "num_return_sequences": 3},
    "beams forced end": {"num_beams": 3, "forced_eos_token_id": 2, "max_new_tokens": 10, "num_return_sequences": 2},
    "beams sentence end": {"num_beams": 5, "eos_token_id": 426, "num_return_sequences": 5},
    "beams three ends": {"num_beams": 5, "eos_token_id": [426, 432, 2], "num_return_sequences": 5},
    "beams two": {"num_beams": 2},
}
GROUPS = {
    f"groups {beams}/{groups} penalty {penalty} {name}": {
        "num_beams": beams, "num_beam_groups": groups, "diversity_penalty": penalty, "num_return_sequences": beams, **more,
    }
    for beams, groups, penalty in ((4, 2, 0.5), (4, 4, 1.0), (6, 3, 2.0), (6, 2, 0.2))
    for name, more in {
        "": {}, "biased": {"sequence_bias": [[[2], 5.0]]}, "stopping": {"early_stopping": True, "eos_token_id": [426]},
        "short": {"length_penalty": 0.5, "early_stopping": "never", "eos_token_id": [426]},
    }.items()
}


def run(name, prompt, given):
    options = {"max_new_tokens": 20, "do_sample": False, **given}
    if options["max_new_tokens"] is None:
        del options["max_new_tokens"]
    with torch.no_grad():
        inputs = torch.tensor([prompt])
        output = model.generate(inputs, attention_mask=torch.ones_like(inputs), return_dict_in_generate=True, output_scores=True, **options)
    beams = options.get("num_beams", 1) > 1
    transitions = None  # those of groups cannot be told: transformers fails at it where all texts are short
    if not groups_only:
        transitions = model.compute_transition_scores(
            output.sequences, output.scores, *((output.beam_indices,) if beams else ()), normalize_logits=not beams
        )
    ends = options.get("eos_token_id", [1, 2])
    ends = ends if isinstance(ends, list) else [ends]
    sequences = []
    for row, ids in enumerate(output.sequences.tolist()):
        made = ids[len(prompt):]
        cut = next((i for i, token in enumerate(made) if token in ends), len(made))
        length = min(cut + 1, len(made))
        entry = {"tokens": made[:cut], "reason": "eos" if cut < len(made) else "length"}
        if transitions is not None:
            entry["logProbs"] = [round(x, 5) for x in transitions[row][:length].tolist()]
        if beams:
            entry["score"] = round(output.sequences_scores[row].item(), 6)
        sequences.append(entry)
    return {"name": name, "prompt": prompt, "options": options, "sequences": sequences}


def stopped(strings):
    """The made text up to the stop string, which transformers leaves in."""
    inputs = torch.tensor([LILY])
    with torch.no_grad():
        ids = model.generate(
            inputs, attention_mask=torch.ones_like(inputs), max_new_tokens=60, do_sample=False, stop_strings=strings, tokenizer=tokenizer
        )[0].tolist()
    prompt = tokenizer.decode(LILY, skip_special_tokens=True)
    text = tokenizer.decode(ids, skip_special_tokens=True)[len(prompt):]
    at, stop = min((text.find(string), string) for string in strings if string in text)
    return {"prompt": LILY, "stopStrings": strings, "text": text[:at], "stopString": stop}


if "--stops" in sys.argv:
    cases = [stopped(strings) for strings in (["park"], ["a big, r"], ["ed ba", "nothing"], ["."], ["with it, b"], [" She wan"], ["the"])]
elif groups_only:
    cases = [run(name, prompt, given) for prompt in (LILY, ONCE) for name, given in GROUPS.items()]
else:
    cases = [run(name, LILY, given) for name, given in SINGLE.items()]
    cases += [run(name, [1], given) for name, given in BOS.items()]
    cases += [run(name, LILY, given) for name, given in BEAMS.items()]
    cases += [run(f"{name} once", ONCE, given) for name, given in BEAMS.items() if "penalty" not in name]

with open(out, "w") as file:
    lines = ",\n".join(json.dumps(case, separators=(",", ":")) for case in cases)
    file.write(f'{{"transformers":"{transformers.__version__}","cases":[\n{lines}\n]}}\n')
