import { expect } from 'chai';
import fc from 'fast-check';
import {
  type EncodeOptions,
  type Tokenizer,
  tokenizerFromJSON,
  tokenizerFromTiktoken,
  tokenizerToJSON,
} from '../src/index.ts';
import { tiktokenPatterns } from './support/byte-level-references.ts';
import { sharedBytes, sharedText } from './support/reference.ts';
import { anyText, smallTokenizer } from './support/texts.ts';

const words = [
  'Hello the',
  'HELLO THE',
  'the cat',
  ' sat, on',
  ' x',
  'Hello',
  '中文。',
  '你好，',
  'é',
  ' ',
  '  ',
  '\n',
  '\t',
  'a\n',
  '12',
  ' 345',
  '.',
  '!',
];
const odd = [
  '<|endoftext|>',
  '</s>',
  '[MASK]',
  "'s",
  'ﬁ',
  '\u0301',
  '①',
  'Ⅷ ',
  'ｗ ',
  '\u200b',
  '\u00a0',
  '\ud800',
  '\udc00',
  'ﱞ ',
];
/** Text with many places to cut at, and everything that makes them hard. */
const streamText = fc
  .array(fc.oneof({ weight: 5, arbitrary: fc.constantFrom(...words) }, fc.constantFrom(...odd), anyText), {
    maxLength: 30,
  })
  .map((parts) => parts.join(''));
const cutText = fc.tuple(streamText, fc.array(fc.nat({ max: 300 }), { maxLength: 25 })).map(([text, places]) => {
  const sorted = places.filter((at) => at < text.length).sort((a, b) => a - b);
  return [...sorted, text.length].map((at, i) => text.slice(sorted[i - 1] ?? 0, at));
});

function streamed(tokenizer: Tokenizer, parts: readonly string[], options?: EncodeOptions): number[] {
  const stream = tokenizer.encodeStream(options);
  return [...parts.flatMap((part) => [...stream.push(part)]), ...stream.end()];
}

function sameAsWhole(tokenizer: Tokenizer, numRuns = 150): void {
  fc.assert(
    fc.property(cutText, fc.constantFrom<EncodeOptions>({}, { specialTokens: 'text' }), (parts, options) => {
      expect(streamed(tokenizer, parts, options)).to.deep.equal([...tokenizer.encode(parts.join(''), options)]);
    }),
    { numRuns },
  );
}

describe('encodeStream', () => {
  for (const name of ['gpt2', 'bert_base_cased', 'modernbert'])
    it(`gives the ids of the whole text for any cuts: ${name}`, function () {
      sameAsWhole(tokenizerFromJSON(sharedText(this, `tokenizers/hf/${name}.json`)));
    });

  for (const name of ['cl100k', 'o200k'])
    it(`gives the ids of the whole text for any cuts: ${name}`, function () {
      const file = sharedBytes(this, `tokenizers/tiktoken/${name}_base.tiktoken`);
      const tokenizer = tokenizerFromTiktoken(file, { pattern: name, specialTokens: { '<|endoftext|>': 250_000 } });
      sameAsWhole(tokenizer);
      const half = 'Hello the\udc00.Hello theHello the'; // half a pair is no letter, whatever stands before it
      expect(streamed(tokenizer, [half])).to.deep.equal([...tokenizer.encode(half)]);
    });

  it('gives the ids of the whole text for any cuts: a pattern of tiktoken', function () {
    const file = sharedBytes(this, 'tokenizers/tiktoken/p50k_base.tiktoken');
    sameAsWhole(tokenizerFromTiktoken(file, { pattern: tiktokenPatterns.cl100k }));
    expect(() => tokenizerFromTiktoken(file, { pattern: '\\p{L}+|.' }).encodeStream()).to.throw('its split pattern');
  });

  const small = JSON.parse(tokenizerToJSON(smallTokenizer(['<s>', null, '</s>'])));
  const byteLevel = { type: 'ByteLevel', add_prefix_space: false, use_regex: true };
  const whole = { ...byteLevel, use_regex: false };
  const cl100k = String.raw`(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`;
  const split = { type: 'Split', pattern: { Regex: cl100k }, behavior: 'Isolated', invert: false };
  const sequence = (...pretokenizers: object[]): object => ({ type: 'Sequence', pretokenizers });
  const variants: Record<string, object> = {
    'a blank before every text': { pre_tokenizer: { ...byteLevel, add_prefix_space: true } },
    'no split at all': { pre_tokenizer: whole },
    'a split pattern': { pre_tokenizer: sequence(split, whole) },
    'digits first': { pre_tokenizer: sequence({ type: 'Digits', individual_digits: true }, byteLevel) },
    'a split at blanks': {
      pre_tokenizer: sequence({ type: 'Split', pattern: { String: ' ' }, behavior: 'MergedWithNext' }, whole),
    },
    'NFKC and lower case': { normalizer: { type: 'Sequence', normalizers: [{ type: 'NFKC' }, { type: 'Lowercase' }] } },
    'NFKD without accents': {
      normalizer: { type: 'Sequence', normalizers: [{ type: 'NFKD' }, { type: 'StripAccents' }] },
    },
    'white space made one blank': { normalizer: { type: 'Replace', pattern: { Regex: '\\s+' }, content: ' ' } },
    'letters made blanks': { normalizer: { type: 'Replace', pattern: { String: 't' }, content: ' ' } },
    'text put before it': { normalizer: { type: 'Prepend', prepend: '_' } },
    'white space stripped': { normalizer: { type: 'Strip', strip_left: true, strip_right: true } },
    'added tokens that take white space': {
      added_tokens: [
        { id: 0, content: '<s>', special: true },
        { id: 1, content: '</s>', special: true, lstrip: true, rstrip: true },
        { id: 320, content: 'cat', single_word: true },
        { id: 323, content: 'Hello the', normalized: false },
        { id: 321, content: '  ', normalized: true },
        { id: 322, content: 'the', normalized: true },
      ],
    },
    'added tokens in normalized text': {
      normalizer: { type: 'Lowercase' },
      added_tokens: [{ id: 320, content: 'Hello the', normalized: true }],
    },
  };
  for (const [name, change] of Object.entries(variants))
    it(`gives the ids of the whole text for any cuts: ${name}`, () => {
      sameAsWhole(tokenizerFromJSON({ ...small, ...change }), 300);
    });

  it('gives ids as soon as they are settled', () => {
    const tokenizer = smallTokenizer(['<s>', null, '</s>']);
    const stream = tokenizer.encodeStream();
    const sizes = ['the cat sat', ' on the mat', ' and so on'].map((part) => stream.push(part).length > 0);
    expect(sizes).to.deep.equal([true, true, true]);
    expect(stream.end().at(-1)).to.equal(tokenizer.tokenToId('</s>'));
    expect([...tokenizer.encodeStream().end()]).to.deep.equal([0, 1]);
    expect(() => stream.push('x')).to.throw('the stream has ended');
  });

  it('tells where in the whole text a refused special token stands', () => {
    const stream = smallTokenizer().encodeStream({ specialTokens: 'refuse' });
    const text = 'the cat sat on the mat </s> x';
    expect(() => {
      for (const character of text) stream.push(character);
      stream.end();
    }).to.throw(RangeError, '"</s>" at 23');
  });

  it('holds no more than the last stretch without a cut', () => {
    const tokenizer = smallTokenizer();
    const stream = tokenizer.encodeStream();
    let behind = 0;
    let most = 0;
    for (let i = 0; i < 20_000; i++) {
      behind += 8;
      for (const id of stream.push('the cat ')) behind -= tokenizer.decode([id]).length;
      most = Math.max(most, behind);
    }
    expect(most).to.be.below(100);
  });

  it('takes time in proportion to a long stretch without a cut, in however many parts', () => {
    const stream = smallTokenizer().encodeStream();
    for (let i = 0; i < 100_000; i++) stream.push('中中中');
    expect(stream.end().length).to.be.greaterThan(0);
  });

  it('refuses what would need the whole text, and says why', () => {
    const cases: [object, string][] = [
      [{ truncation: { max_length: 4, strategy: 'LongestFirst', stride: 0 } }, 'its truncation cuts a text'],
      [{ normalizer: { type: 'Replace', pattern: { Regex: 'a.*b' }, content: '' } }, 'its normalizer may look'],
      [{ pre_tokenizer: sequence({ type: 'FixedLength', length: 5 }, byteLevel) }, 'its pre_tokenizer may look'],
      [
        { pre_tokenizer: sequence({ type: 'Split', pattern: { Regex: 'x+' }, behavior: 'Isolated' }, whole) },
        'its pre_tokenizer',
      ],
    ];
    for (const [change, message] of cases)
      expect(() => tokenizerFromJSON({ ...small, ...change }).encodeStream()).to.throw(RangeError, message);
  });
});
