"""
Writes packages/tokenizer/test/fixtures/sentencepiece.json: offsets in bytes and n-best lists of Python's sentencepiece (with
protobuf).

python tools/reference/sentencepiece_parity.py ../shared/tokenizers/sentencepiece
"""

import json
import sys
from pathlib import Path

import sentencepiece

TEXTS = [
    "Hello world",
    "  two  blanks ",
    "Ｈｅｌｌｏ ﬁne ①\tx\u0085y",
    "e\u0301te\u0301 \ufeffx\u200b y",
    "你好, world 😀!",
    "مرحبا <extra_id_3> b\u0000c",
    "▁a▁▁b",
    "",
    "   ",
    "New York\n\nis big.",
]

models = {}
for path in sorted(Path(sys.argv[1]).glob("*.model")):
    processor = sentencepiece.SentencePieceProcessor(model_file=str(path))
    models[path.name] = [
        [[piece.id, piece.begin, piece.end] for piece in processor.encode(text, return_type="proto").pieces]
        for text in TEXTS
    ]
nbest = {}
NBEST = ["Hello world", "unbelievable", "a😀b"]
for name in ("nai-t5.model", "xlnet_base_cased.model"):
    processor = sentencepiece.SentencePieceProcessor(model_file=str(Path(sys.argv[1]) / name))
    nbest[name] = [
        [[[piece.id for piece in one.pieces], one.score] for one in processor.nbest_encode(text, nbest_size=8, return_type="proto").nbests]
        for text in NBEST
    ]
target = Path(__file__).parents[2] / "packages/tokenizer/test/fixtures/sentencepiece.json"
target.write_text(json.dumps({"texts": TEXTS, "offsets": models, "nbestTexts": NBEST, "nbest": nbest}, separators=(",", ":")) + "\n")
