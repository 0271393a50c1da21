"""Writes packages/training/test/fixtures/bleu.json: what sacreBLEU says of small corpora. From the repository's root:

python3 -m venv ../venv && ../venv/bin/pip install sacrebleu==2.6.0
../venv/bin/python tools/reference/bleu.py
"""

import json
import random
from pathlib import Path

import sacrebleu
from sacrebleu.metrics import BLEU

WORDS = "the a cat dog sat on mat , . ! ? 3.14 1,000 2-3 well-known it's (no) &amp; &quot;x&quot; -- <b> $5 50% e.g. é über 狗 猫".split(" ")
CHINESE = "我你他她的是不了在有猫狗书说,。!?“”—…1234 AB.、《》㐀𠀀豈"
ODD = " ab12.,-'\"&<>;:\t\u00a0\u3000\u0085\u001c\u200b\ufeff\n😀ßİΣé中。()[]{}~`!$%^*_=+|\\/@#"
LINES = [
    "", " ", "Hello, world!", "It's 3.14, not 3,14.", "1,000.50 2-3 a-b 4-", "x -\ny", "tail-\n", "line\nbreak", "<skipped>ok<skipped>",
    "&quot;a&quot; &amp;quot; &lt;b&gt; &amp;lt;", "U.S. e.g., i.e.: 5.", "…“quoted”—dash", "nel\u0085sep\u001cfs\ufeffbom\u200bzw",
    "end\u0085", "end\ufeff", "end-\n\ufeff", "\ufeffstart", ".😀. ,😀,", "ΣΑΣ İI ß", "100%@x #1 a_b ~c^d `e`", "a\\b/c|d", "..,,..", ".", "5.",
    "我爱BLEU, 3.5分!", "你好。&amp; 再见", "\u2000\u2001x\u2a6d\u2a6e\u2f80\u2f81\u2fa1\u2fa2", "𠀀𪛖丽x", "你\u3000好 ",
]


def sentence(rng, low, high):
    return " ".join(rng.choice(WORDS) for _ in range(rng.randint(low, high)))


def altered(rng, text, unit):
    parts = [p for p in (text.split(" ") if unit is WORDS else text) if rng.random() > 0.15]
    parts = [rng.choice(unit) if rng.random() < 0.15 else p for p in parts]
    return (" " if unit is WORDS else "").join(parts)


def noise(rng, alphabet, high=30):
    return "".join(rng.choice(alphabet) for _ in range(rng.randint(0, high)))


def corpora():
    rng = random.Random(20)
    for i in range(6):
        refs = [sentence(rng, 1, 14) for _ in range(5)]
        yield f"words {i}", [altered(rng, r, WORDS) for r in refs], [refs]
    for i in range(4):
        refs = [noise(rng, CHINESE, 20) for _ in range(4)]
        yield f"chinese {i}", [altered(rng, r, CHINESE) for r in refs], [refs]
    for i in range(4):
        refs = [noise(rng, ODD) for _ in range(6)]
        yield f"odd characters {i}", [altered(rng, r, ODD) for r in refs], [refs]
    for i in range(3):
        first = [sentence(rng, 2, 10) for _ in range(4)]
        others = [[altered(rng, r, WORDS) for r in first] for _ in range(1 + i % 2)]
        yield f"several references {i}", [altered(rng, r, WORDS) for r in first], [first, *others]
    yield "identical", ["The cat sat on the mat."], [["The cat sat on the mat."]]
    yield "case", ["the CAT sat on THE mat"], [["The cat sat on the mat"]]
    yield "empty hypothesis", [""], [["The cat sat."]]
    yield "empty reference", ["The cat sat."], [[""]]
    yield "both empty", [""], [[""]]
    yield "an empty one among others", ["", "the cat sat on the mat"], [["a dog", "the cat sat on a mat"]]
    yield "one word", ["cat"], [["cat"]]
    yield "three words", ["the cat sat"], [["the cat sat"]]
    yield "no match", ["x y z w v"], [["a b c d e"]]
    yield "matches of one word only", ["a x b y c z"], [["a b c d e f"]]
    yield "repeated word", ["the the the the the the the"], [["the cat is on the mat"]]
    yield "longer than its reference", ["the cat sat on the mat all day long"], [["the cat sat on the mat"]]
    yield "closest length, a tie", ["a b c d"], [["a b c d e"], ["a b c"]]
    yield "one line per kind", LINES, [LINES[1:] + LINES[:1]]


def case(name, hyps, refs, tokenize, lowercase):
    metric = BLEU(tokenize=tokenize, lowercase=lowercase, force=True)
    got = metric.corpus_score(hyps, refs)
    signature = str(metric.get_signature()).split("|version:")[0]
    expected = dict(score=got.score, precisions=got.precisions, brevityPenalty=got.bp, hypothesisLength=got.sys_len,
                    referenceLength=got.ref_len, signature=signature)
    return dict(name=name, tokenize=tokenize, lowercase=lowercase, hypotheses=hyps, references=refs, expected=expected)


def main():
    cases = []
    for name, hyps, refs in corpora():
        cases.append(case(name, hyps, refs, "13a", False))
        cases.append(case(name, hyps, refs, "zh" if "chinese" in name else "none", True))
        if "words" not in name:
            cases += [case(name, hyps, refs, t, False) for t in ("none", "char", "zh")]
    lengths = {t: [BLEU(tokenize=t, force=True).corpus_score([line], [[line]]).sys_len for line in LINES] for t in ("13a", "none", "char", "zh")}
    out = Path(__file__).parents[2] / "packages/training/test/fixtures/bleu.json"
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps(dict(sacrebleu=sacrebleu.__version__, lines=LINES, lengths=lengths, cases=cases), separators=(",", ":")) + "\n")
    print(f"{out}: {len(cases)} cases, {out.stat().st_size} bytes")


main()
