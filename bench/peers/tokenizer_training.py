"""Trains one tokenizer on a file and prints the seconds: tokenizer_training.py bpe|wordpiece|unigram FILE SIZE [HELD_OUT]."""

import json
import os
import sys
import tempfile
import time

os.environ["RAYON_NUM_THREADS"] = "1"
kind, file, size = sys.argv[1], sys.argv[2], int(sys.argv[3])
tokens = None
if kind == "unigram":
    import sentencepiece

    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        sentencepiece.SentencePieceTrainer.train(
            input=file,
            model_prefix=f"{folder}/unigram",
            vocab_size=size,
            character_coverage=1.0,
            num_threads=1,
            max_sentence_length=100_000,
            minloglevel=2,
        )
        seconds = time.perf_counter() - start
        processor = sentencepiece.SentencePieceProcessor(model_file=f"{folder}/unigram.model")
    with open(sys.argv[4], encoding="utf8") as text:
        tokens = sum(len(processor.encode(line.rstrip("\n"))) for line in text)
else:
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, trainers

    with open(file, encoding="utf8", newline="\n") as text:
        lines = list(text)
    options = {"vocab_size": size, "show_progress": False}
    if kind == "bpe":
        tokenizer = Tokenizer(models.BPE())
        tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
        trainer = trainers.BpeTrainer(initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), **options)
    else:
        tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
        tokenizer.normalizer = normalizers.BertNormalizer()
        tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
        trainer = trainers.WordPieceTrainer(special_tokens=["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"], **options)
    start = time.perf_counter()
    tokenizer.train_from_iterator(lines, trainer)
    seconds = time.perf_counter() - start
print(json.dumps({"seconds": seconds, "tokens": tokens}))
