import { expect } from 'chai';
import { Tokenizer, tokenizerFromJSON, tokenizerFromTiktoken, tokenizerToJSON } from '../src/index.ts';
import { generatedText, randomOf } from './support/generated.ts';
import { sharedBytes, sharedText } from './support/reference.ts';
import { smallTokenizer } from './support/texts.ts';

const source = 'the hello world, 中文 你好 <s> and  again\n\n';

/** The same tokenizer with a normalizer that does nothing, for which it goes the long way: pieces are encoded one by one. */
function pieceByPiece(tokenizer: Tokenizer): Tokenizer {
  const { model, normalizer, preTokenizer, postProcessor, addedTokens, truncation, splitter } = tokenizer;
  const own = normalizer ?? { type: 'Sequence', normalizers: [] };
  const parts = { model, normalizer: own, preTokenizer, postProcessor, addedTokens, truncation };
  return new Tokenizer(splitter ? { ...parts, splitter } : parts);
}

/** Texts of seed 4, in every unit. */
function compare(tokenizer: Tokenizer, texts = 60): void {
  const slow = pieceByPiece(tokenizer);
  const random = randomOf(4);
  for (let i = 0; i < texts; i++) {
    const text = generatedText(random, source);
    for (const offsets of ['utf16', 'codePoints', 'bytes'] as const)
      for (const addSpecialTokens of [true, false]) {
        const expected = slow.encoding(text, { offsets, addSpecialTokens, padding: null });
        expect(tokenizer.encoding(text, { offsets, addSpecialTokens, padding: null })).to.deep.equal(expected);
        const found = tokenizer.encodeWithOffsets(text, { offsets, addSpecialTokens });
        expect([...found.ids], JSON.stringify(text)).to.deep.equal(expected.ids);
        expect([...found.offsets], JSON.stringify(text)).to.deep.equal(expected.offsets.flat());
      }
  }
}

describe('encodeWithOffsets and encoding', () => {
  const written = tokenizerToJSON(smallTokenizer(['<s>', null, '</s>']));
  const byteLevel = { type: 'ByteLevel', add_prefix_space: true, trim_offsets: true, use_regex: true };
  const variants: Record<string, object> = {
    'as trained': {},
    'white space left out': { post_processor: byteLevel },
    'white space left out, but for one blank': { post_processor: { ...byteLevel, add_prefix_space: false } },
    'a blank before the text': { pre_tokenizer: byteLevel, post_processor: byteLevel },
    'a normalizer': { normalizer: { type: 'NFD' } },
    truncation: { truncation: { direction: 'Right', max_length: 9, strategy: 'LongestFirst', stride: 0 } },
  };
  for (const [name, change] of Object.entries(variants))
    it(`gives what encoding piece by piece gives: ${name}`, () => {
      compare(tokenizerFromJSON({ ...JSON.parse(written), ...change }));
    });

  it('gives what encoding piece by piece gives: a vocabulary that lacks bytes', () => {
    const json = JSON.parse(written);
    delete json.model.vocab['7'];
    compare(tokenizerFromJSON(json));
  });

  it('gives what encoding piece by piece gives: GPT-2', function () {
    compare(tokenizerFromJSON(sharedText(this, 'tokenizers/hf/gpt2.json')), 30);
  });

  it('gives what encoding piece by piece gives: cl100k, in parts of a long text too', function () {
    const ranks = sharedBytes(this, 'tokenizers/tiktoken/cl100k_base.tiktoken');
    const tokenizer = tokenizerFromTiktoken(ranks, { pattern: 'cl100k', specialTokens: { '<s>': 100_256 } });
    compare(tokenizer, 30);
    const text = 'One word and 中文 👍🏽 more <s> '.repeat(2000);
    const expected = pieceByPiece(tokenizer).encoding(text);
    expect([...tokenizer.encodeWithOffsets(text).offsets]).to.deep.equal(expected.offsets.flat());
    expect(tokenizer.encoding(text)).to.deep.equal(expected);
  });
});
