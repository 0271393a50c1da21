"""Writes packages/training/test/fixtures/{metrics,chrf}.json: what scikit-learn and sacreBLEU say (pip install scikit-learn sacrebleu).

python tools/reference/metrics.py sklearn; python tools/reference/metrics.py chrf
"""
import json
import random
import sys
from pathlib import Path

FIXTURES = Path(__file__).parents[2] / "packages/training/test/fixtures"


def sklearn_cases():
    import sklearn
    from sklearn import metrics as M

    rng = random.Random(5)
    cases = []
    for classes, size in ((3, 40), (5, 60), (4, 6)):
        truth = [rng.randrange(classes) for _ in range(size)]
        guess = [t if rng.random() < 0.6 else rng.randrange(classes) for t in truth]
        if size == 6:  # a class that is never true, one that does not occur
            truth, guess = [0, 0, 1, 1, 0, 1], [0, 2, 1, 0, 0, 1]
        labels = list(range(classes))
        score = lambda average: M.precision_recall_fscore_support(truth, guess, labels=labels if average is None else None, average=average, zero_division=0)
        jaccard = M.jaccard_score(truth, guess, labels=sorted({*truth, *guess}), average=None)
        scores = [[rng.choice((0.1, 0.2, 0.5, rng.random())) for _ in range(classes)] for _ in range(size)]
        cases.append(dict(
            classes=classes, truth=truth, guess=guess, scores=scores,
            accuracy=M.accuracy_score(truth, guess),
            confusion=M.confusion_matrix(truth, guess, labels=labels).tolist(),
            perClass=[list(map(float, x)) for x in zip(*score(None))],
            **{a: [float(x) for x in score(a)[:3]] for a in ("micro", "macro", "weighted")},
            iou=jaccard.tolist(),
        ))
    auroc = []
    for size in (4, 30, 200):
        labels = [1, 0] + [rng.randrange(2) for _ in range(size - 2)]
        values = [round(rng.random() + 0.3 * label, 1 if size == 30 else 6) for label in labels]
        auroc.append(dict(labels=labels, values=values, area=float(M.roc_auc_score(labels, values))))
    return "metrics.json", dict(sklearn=sklearn.__version__, cases=cases, auroc=auroc)


def chrf_cases():
    import sacrebleu
    from sacrebleu.metrics import CHRF

    corpora = json.loads((FIXTURES / "bleu.json").read_text())["cases"]
    known, cases = set(), []
    for corpus in corpora:
        if corpus["name"] in known:
            continue
        known.add(corpus["name"])
        for options in (dict(), dict(word_order=2), dict(word_order=1, lowercase=True, beta=1), dict(whitespace=True, char_order=4)):
            metric = CHRF(**options)
            got = metric.corpus_score(corpus["hypotheses"], corpus["references"])
            signature = str(metric.get_signature()).split("|version:")[0]
            cases.append(dict(name=corpus["name"], options=options, score=got.score, signature=signature))
    return "chrf.json", dict(sacrebleu=sacrebleu.__version__, cases=cases)


name, content = {"sklearn": sklearn_cases, "chrf": chrf_cases}[sys.argv[1]]()
(FIXTURES / name).write_text(json.dumps(content, separators=(",", ":")) + "\n")
