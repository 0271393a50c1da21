"""
What the trainers of Hugging Face's tokenizers learn: hashes of vocabularies and merges, for
packages/tokenizer/test/training.test.ts.

    python tools/reference/tokenizer_training.py SHARED > packages/tokenizer/test/fixtures/training.json

SHARED is the folder that holds data/. Symbols with a prefix or a suffix get ids in the order of a hash table that differs from
run to run; where they matter they are listed as special tokens, sorted, which fixes their order.
"""

import hashlib
import json
import sys

from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, trainers

SHARED = sys.argv[1]
LINES = []
for file, size in [("tinyshakespeare/input.txt", 150_000), ("cmn-eng/cmn.txt", 60_000)]:
    text = open(f"{SHARED}/data/text/{file}", encoding="utf8", newline="").read()[:size]
    LINES += [line + "\n" for line in text.split("\n")]
BERT = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
BYTES = pre_tokenizers.ByteLevel.alphabet()


def train(model, trainer, pre_tokenizer, normalizer=None):
    tokenizer = Tokenizer(model)
    tokenizer.pre_tokenizer = pre_tokenizer
    if normalizer:
        tokenizer.normalizer = normalizer
    tokenizer.train_from_iterator(LINES, trainer)
    return json.loads(tokenizer.to_str())["model"]


def digest(model):
    tokens = sorted(model["vocab"], key=model["vocab"].get)
    merges = [" ".join(merge) for merge in model.get("merges", [])]
    text = "\n".join(tokens) + "\0" + "\n".join(merges)
    return {"tokens": len(tokens), "merges": len(merges), "sha256": hashlib.sha256(text.encode()).hexdigest()}


def bpe(**options):
    level = pre_tokenizers.ByteLevel(add_prefix_space=False)
    return train(models.BPE(), trainers.BpeTrainer(initial_alphabet=BYTES, show_progress=False, **options), level)


def word_piece(specials):
    return train(
        models.WordPiece(unk_token="[UNK]"),
        trainers.WordPieceTrainer(vocab_size=4000, special_tokens=specials, show_progress=False),
        pre_tokenizers.BertPreTokenizer(),
        normalizers.BertNormalizer(),
    )


def suffixed(specials):
    return train(
        models.BPE(unk_token="<unk>"),
        trainers.BpeTrainer(
            vocab_size=3000,
            special_tokens=specials,
            end_of_word_suffix="</w>",
            show_progress=False,
        ),
        pre_tokenizers.WhitespaceSplit(),
        normalizers.Sequence([normalizers.NFKC(), normalizers.Lowercase()]),
    )


def variants(model, fits):
    return sorted(token for token in model["vocab"] if fits(token))


pieces = variants(word_piece(BERT), lambda token: token.startswith("##") and len(token) == 3)
ends = variants(suffixed(["<unk>"]), lambda token: token.endswith("</w>") and len(token) == 5)
digits = pre_tokenizers.Sequence(
    [
        pre_tokenizers.Split(Regex(r"\p{N}{1,3}|[^\p{N}]+"), "isolated"),
        pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True),
    ]
)
result = {
    "variants": {"WordPiece": pieces, "suffix": ends},
    "BPE": digest(bpe(vocab_size=8000)),
    "BPE, maxTokenLength": digest(bpe(vocab_size=6000, min_frequency=2, max_token_length=5, special_tokens=["<s>", "the"])),
    "BPE, Sequence": digest(
        train(models.BPE(), trainers.BpeTrainer(vocab_size=3000, initial_alphabet=BYTES, show_progress=False), digits)
    ),
    "BPE, suffix": digest(suffixed(["<unk>"] + ends)),
    "WordPiece": digest(word_piece(BERT + pieces)),
    "WordLevel": digest(
        train(
            models.WordLevel(unk_token="[UNK]"),
            trainers.WordLevelTrainer(vocab_size=9000, min_frequency=1, special_tokens=["[UNK]"], show_progress=False),
            pre_tokenizers.Whitespace(),
        )
    ),
}
print(json.dumps(result, ensure_ascii=False, indent=1))
