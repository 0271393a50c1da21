import { expect } from 'chai';
import fc from 'fast-check';
import { Tiktoken } from 'tiktoken';
import { type JsEncoding, Tokenizer as Reference } from 'tokenizers';
import { type Encoding, tokenizerFromJSON, tokenizerFromTiktoken } from '../src/index.ts';
import { tiktokenPatterns } from './support/byte-level-references.ts';
import { expectSame, template, vocab, words } from './support/encodings.ts';

const file = (parts: object): object => ({
  version: '1.0',
  truncation: null,
  padding: null,
  added_tokens: [],
  normalizer: null,
  pre_tokenizer: { type: 'WhitespaceSplit' },
  post_processor: template,
  decoder: null,
  model: { type: 'WordLevel', vocab, unk_token: '[UNK]' },
  ...parts,
});

function same(ours: Encoding, theirs: JsEncoding): void {
  expectSame(ours, theirs);
  expect(ours.wordIds).to.deep.equal(theirs.getWordIds().map((word) => word ?? null));
  expect(ours.sequenceIds).to.deep.equal(theirs.getSequenceIds().map((id) => id ?? null));
}

describe('encodeBatch', () => {
  const inputs = fc.array(words(9), { minLength: 1, maxLength: 4 });
  const paddings = fc.record({
    direction: fc.constantFrom('Left', 'Right'),
    pad_to_multiple_of: fc.option(fc.integer({ min: 1, max: 8 })),
    strategy: fc.constantFrom('BatchLongest', { Fixed: 12 }),
    pad_id: fc.constant(3),
    pad_type_id: fc.constantFrom(0, 1),
    pad_token: fc.constant('[PAD]'),
  });

  it('pads as the reference does: to the longest, to a length, to a multiple, on either side', async () => {
    await fc.assert(
      fc.asyncProperty(inputs, paddings, async (batch, padding) => {
        const json = file({ padding });
        const expected = await Reference.fromString(JSON.stringify(json)).encodeBatch(batch);
        const got = tokenizerFromJSON(json).encodeBatch(batch);
        expect(got).to.have.length(batch.length);
        got.forEach((encoding, i) => {
          same(encoding, expected[i]!);
        });
      }),
      { numRuns: 150, seed: 9 },
    );
  });

  for (const strategy of ['OnlyFirst', 'OnlySecond', 'LongestFirst'])
    it(`cuts pairs as the reference does, with what overflows: ${strategy}`, async () => {
      // So that the text that is cut has something left, and the other one fits
      const [first, second] = strategy === 'OnlyFirst' ? [9, 3] : strategy === 'OnlySecond' ? [3, 9] : [6, 6];
      const cases = fc.record({
        a: words(first),
        b: words(second),
        stride: fc.integer({ min: 0, max: 1 }),
        direction: fc.constantFrom('Left', 'Right'),
        max: fc.integer({ min: 9, max: 14 }),
      });
      await fc.assert(
        fc.asyncProperty(cases, async ({ a, b, stride, direction, max }) => {
          const json = file({ truncation: { direction, max_length: max, strategy, stride } });
          const expected = await Reference.fromString(JSON.stringify(json)).encode(a, b);
          const got = tokenizerFromJSON(json).encoding({ text: a, pair: b });
          same(got, expected);
          expect(got.overflowing).to.have.length(expected.getOverflowing().length);
          got.overflowing.forEach((part, i) => {
            same(part, expected.getOverflowing()[i]!);
          });
        }),
        { numRuns: 150, seed: 9 },
      );
    });

  it('takes options in place of what the file says', () => {
    const tokenizer = tokenizerFromJSON(file({ padding: { strategy: { Fixed: 12 } } }));
    const [short, long] = tokenizer.encodeBatch(['a', 'a b c'], { padding: { id: 3, token: '[PAD]' } });
    expect(short!.ids).to.deep.equal([1, 4, 2, 3, 3]);
    expect(long!.ids).to.deep.equal([1, 4, 5, 6, 2]);
    expect(tokenizer.encodeBatch(['a'], { padding: null })[0]!.ids).to.deep.equal([1, 4, 2]);
    expect(
      tokenizer.encoding('a b c', { padding: null, truncation: { maxLength: 4, direction: 'left' } }).ids,
    ).to.deep.equal([1, 5, 6, 2]);
    expect(tokenizer.encodeBatch([])).to.deep.equal([]);
  });
});

describe('countTokens', () => {
  it('is the number of ids, with and without special tokens, of pairs too', () => {
    const tokenizer = tokenizerFromJSON(file({}));
    expect(tokenizer.countTokens('a b x')).to.equal(5);
    expect(tokenizer.countTokens('a b x', { addSpecialTokens: false })).to.equal(3);
    expect(tokenizer.countTokens({ text: 'a', pair: 'b c' })).to.equal(6);
    expect(tokenizer.countTokens('')).to.equal(2);
  });
});

describe('special tokens in a text', () => {
  const bytes = Array.from({ length: 256 }, (_, byte) => byte);
  const line = (token: readonly number[], rank: number): string => `${btoa(String.fromCharCode(...token))} ${rank}`;
  const ranks = [...bytes.map((byte) => line([byte], byte)), line([0x3c, 0x7c], 256), line([0x61, 0x62], 257)].join(
    '\n',
  );
  const specials = { '<|end|>': 258, '<|endless|>': 259 };
  const ours = tokenizerFromTiktoken(new TextEncoder().encode(ranks), { pattern: 'cl100k', specialTokens: specials });
  const reference = new Tiktoken(ranks, specials, tiktokenPatterns.cl100k);
  const text = fc
    .array(fc.constantFrom('<|end|>', '<|endless|>', '<|', 'ab', ' ', 'end|>', '\n', '好'), { maxLength: 6 })
    .map((parts) => parts.join(''));

  it('are taken, are plain text, or are refused, as in tiktoken', () => {
    fc.assert(
      fc.property(text, (sample) => {
        expect([...ours.encode(sample)]).to.deep.equal([...reference.encode(sample, 'all')]);
        expect([...ours.encode(sample, { specialTokens: 'text' })]).to.deep.equal([
          ...reference.encode(sample, [], []),
        ]);
        const refused = Object.keys(specials).some((token) => sample.includes(token));
        const strict = (): Int32Array => ours.encode(sample, { specialTokens: 'refuse' });
        if (refused) {
          expect(strict).to.throw(RangeError, /^the text contains the special token "<\|end(less)?\|>" at \d+$/);
          expect(() => reference.encode(sample)).to.throw();
        } else expect([...strict()]).to.deep.equal([...reference.encode(sample)]);
      }),
      { numRuns: 300, seed: 2 },
    );
  });
});
