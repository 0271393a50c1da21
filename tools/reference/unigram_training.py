"""
How many tokens SentencePiece's own Unigram model needs for a text that it was not trained on, for
packages/tokenizer/test/unigram-training.test.ts.

    python tools/reference/unigram_training.py SHARED > packages/tokenizer/test/fixtures/unigram-training.json
"""

import json
import sys
import tempfile

import sentencepiece

text = open(f"{sys.argv[1]}/data/text/tinyshakespeare/input.txt", encoding="utf8").read()
cut = len(text) * 9 // 10
with tempfile.TemporaryDirectory() as folder:
    with open(f"{folder}/train.txt", "w", encoding="utf8") as file:
        file.write(text[:cut])
    sentencepiece.SentencePieceTrainer.train(
        input=f"{folder}/train.txt",
        model_prefix=f"{folder}/unigram",
        vocab_size=2000,
        character_coverage=1.0,
        num_threads=1,
        minloglevel=2,
    )
    processor = sentencepiece.SentencePieceProcessor(model_file=f"{folder}/unigram.model")
    tokens = sum(len(processor.encode(line)) for line in text[cut:].split("\n"))
print(json.dumps({"vocabSize": 2000, "tokens": tokens}))
