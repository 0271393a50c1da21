"""Writes packages/tokenizer/test/fixtures/sentencepiece-units.json: small word and character models of SentencePiece, and BPE
models with unused pieces, with the ids that the C++ library gives. Needs sentencepiece."""

import base64
import io
import json
import pathlib

import sentencepiece as sp

TRAINING = [
    "the cat sat on the mat and the dog sat on the log",
    "a cat and a dog and a mat, and 123 logs",
    "día y noche, 猫 と 犬",
    "the the the cat cat low lower lowest newer newest wide wider widest",
] * 5
TEXTS = [
    "",
    " ",
    "the cat",
    "the zebra quagga sat",
    "zebra quagga",
    "  the   cat  ",
    "the<sep>cat <sep> dog",
    "<s> the </s>",
    "<unk> cat",
    "cat<unk>cat",
    "猫 と 犬 鳥",
    "día\tnoche\n",
    "lowest newest widest lowlow",
    "😀 the 😀😀 cat",
    "▁the▁cat",
    "a\u0000b",
    "the lowest of the newest and the widest lowest newest",
]


def train(kind, **more):
    model = io.BytesIO()
    sp.SentencePieceTrainer.train(
        sentence_iterator=iter(TRAINING),
        model_writer=model,
        model_type=kind,
        vocab_size=more.pop("vocab_size", 40),
        normalization_rule_name="identity",
        hard_vocab_limit=False,
        minloglevel=2,
        **more,
    )
    return model.getvalue()


def varint(data, at):
    value = shift = 0
    while True:
        value |= (data[at] & 127) << shift
        shift += 7
        at += 1
        if data[at - 1] < 128:
            return value, at


def unused(model, every):
    """Every so manieth normal piece of several characters made an unused one, in the file's own bytes."""
    out, at, count = bytearray(), 0, 0
    while at < len(model):
        tag = model[at]
        size, start = varint(model, at + 1)
        body = model[start : start + size]
        at = start + size
        if tag == 0x0A:
            length, text = varint(body, 1)
            piece = body[text : text + length].decode()
            if len(piece) > 1 and b"\x18" not in body[text + length + 5 :]:  # no type: a normal piece
                if count % every == 0:
                    body += b"\x18\x05"
                count += 1
        out.append(tag)
        size = len(body)
        while size > 127:
            out.append(size & 127 | 128)
            size >>= 7
        out.append(size)
        out += body
    return bytes(out)


bpe = train("bpe", vocab_size=90)
models = {
    "word": train("word"),
    "word, byte fallback": train("word", byte_fallback=True, vocab_size=300),
    "word, own pieces, no blank before": train("word", user_defined_symbols=["<sep>"], add_dummy_prefix=False),
    "char": train("char"),
    "char, own pieces": train("char", user_defined_symbols=["<sep>", "the"]),
    "char, byte fallback": train("char", byte_fallback=True, vocab_size=300),
    "bpe, one of two unused": unused(bpe, 2),
    "bpe, one of three unused": unused(bpe, 3),
    "bpe, all unused": unused(bpe, 1),
    "bpe, own pieces, some unused": unused(train("bpe", vocab_size=90, user_defined_symbols=["<sep>", "at"]), 2),
}
found = {}
for name, model in models.items():
    processor = sp.SentencePieceProcessor(model_proto=model)
    cases = [{"text": text, "ids": processor.encode(text)} for text in TEXTS]
    found[name] = {"model": base64.b64encode(model).decode(), "cases": cases}
path = pathlib.Path(__file__).parents[2] / "packages/tokenizer/test/fixtures/sentencepiece-units.json"
path.write_text(json.dumps(found, ensure_ascii=False, separators=(",", ":")) + "\n")
