import { expect } from 'chai';
import fc from 'fast-check';
import { Tokenizer as Reference } from 'tokenizers';
import { tokenizerFromJSON } from '../src/index.ts';
import { expectSame, sequence, special, template, vocab, words } from './support/encodings.ts';
import { anyText } from './support/texts.ts';

const samples = fc.oneof(
  anyText,
  fc.constantFrom(
    ' a  b ',
    "l'été Élan İΣΣ",
    'ﬁ①Å가ᄀ',
    'a-b--c',
    'x１2٣Ⅷ',
    '日本ー語カナ abc',
    '  ',
    '\u0001\u200b\ufeffx',
    'e\u0323\u0302q\u0307\u0323',
  ),
);
const normalizers: Record<string, object> = {
  NFC: { type: 'NFC' },
  NFD: { type: 'NFD' },
  NFKC: { type: 'NFKC' },
  NFKD: { type: 'NFKD' },
  Lowercase: { type: 'Lowercase' },
  Strip: { type: 'Strip', strip_left: true, strip_right: true },
  StripAccents: { type: 'Sequence', normalizers: [{ type: 'NFKD' }, { type: 'StripAccents' }] },
  'Replace a string': { type: 'Replace', pattern: { String: 'a' }, content: 'xyz' },
  'Replace a pattern': { type: 'Replace', pattern: { Regex: '\\s+' }, content: ' ' },
  Prepend: { type: 'Prepend', prepend: '▁' },
  Nmt: { type: 'Nmt' },
  ByteLevel: { type: 'ByteLevel' },
  BertNormalizer: {
    type: 'BertNormalizer',
    clean_text: true,
    handle_chinese_chars: true,
    strip_accents: null,
    lowercase: true,
  },
  'BertNormalizer, accents alone': {
    type: 'BertNormalizer',
    clean_text: false,
    handle_chinese_chars: false,
    strip_accents: true,
    lowercase: false,
  },
  'Strip on the left': { type: 'Strip', strip_left: true, strip_right: false },
  'Strip on the right': { type: 'Strip', strip_left: false, strip_right: true },
};
const split = (pattern: object, behavior: string, invert = false): object => ({
  type: 'Split',
  pattern,
  behavior,
  invert,
});
const llama3 =
  "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";
const preTokenizers: Record<string, object> = {
  ByteLevel: { type: 'ByteLevel', add_prefix_space: true, trim_offsets: true, use_regex: true },
  BertPreTokenizer: { type: 'BertPreTokenizer' },
  Whitespace: { type: 'Whitespace' },
  WhitespaceSplit: { type: 'WhitespaceSplit' },
  'ByteLevel, no expression': { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: false },
  Digits: { type: 'Digits', individual_digits: false },
  'Digits one by one': { type: 'Digits', individual_digits: true },
  CharDelimiterSplit: { type: 'CharDelimiterSplit', delimiter: 'a' },
  UnicodeScripts: { type: 'UnicodeScripts' },
  FixedLength: { type: 'FixedLength', length: 3 },
  Metaspace: { type: 'Metaspace', replacement: '▁', prepend_scheme: 'always', split: true },
  'Metaspace first': {
    type: 'Sequence',
    pretokenizers: [
      { type: 'WhitespaceSplit' },
      { type: 'Metaspace', replacement: '▁', prepend_scheme: 'first', split: true },
    ],
  },
  'Metaspace whole': { type: 'Metaspace', replacement: '▁', prepend_scheme: 'never', split: false },
  'Split as Llama 3': split({ Regex: llama3 }, 'Isolated'),
  'Split possessively': split({ Regex: '[^\\r\\n\\p{L}]?+\\p{L}++|\\p{N}{1,3}+' }, 'Isolated'),
  'Split inverted': split({ Regex: '\\w+' }, 'Removed', true),
};
for (const behavior of ['Removed', 'Isolated', 'MergedWithPrevious', 'MergedWithNext', 'Contiguous']) {
  preTokenizers[`Punctuation ${behavior}`] = { type: 'Punctuation', behavior };
  preTokenizers[`Split ${behavior}`] = split({ String: ' ' }, behavior);
}
const model = { type: 'WordLevel', vocab: { '[UNK]': 0 }, unk_token: '[UNK]' };
const file = (parts: object): object => ({
  version: '1.0',
  truncation: null,
  padding: null,
  added_tokens: [],
  normalizer: null,
  pre_tokenizer: null,
  post_processor: null,
  decoder: null,
  model,
  ...parts,
});

async function agree(parts: object): Promise<void> {
  const ours = tokenizerFromJSON(file(parts));
  const reference = Reference.fromString(JSON.stringify(file(parts)));
  await fc.assert(
    fc.asyncProperty(samples, async (sample) => {
      const expected = await reference.encode(sample);
      const got = ours.encoding(sample, { offsets: 'codePoints' });
      expect(got.offsets).to.deep.equal(expected.getOffsets());
      expect([...ours.encode(sample)]).to.deep.equal(expected.getIds());
    }),
    { numRuns: 80, seed: 7 },
  );
}

describe('normalizers', () => {
  for (const [name, normalizer] of Object.entries(normalizers))
    it(`give the reference's offsets: ${name}`, async () => {
      await agree({ normalizer, pre_tokenizer: split({ Regex: '(?:.|\\n)' }, 'Isolated') });
    });
});

describe('pre-tokenizers', () => {
  for (const [name, preTokenizer] of Object.entries(preTokenizers))
    it(`cut where the reference does: ${name}`, async () => {
      await agree({ pre_tokenizer: preTokenizer });
      await agree({ normalizer: { type: 'NFKC' }, pre_tokenizer: preTokenizer });
    });
});

describe('decoders', () => {
  const tokens = [
    '▁a',
    '▁',
    'b',
    '##c',
    ' do',
    ' not',
    '<0xE4>',
    '<0xB8>',
    '<0xAD>',
    '<0xff>',
    'd</w>',
    '</w>',
    ' .',
    '|',
    '<pad>',
    'Ġé',
    ' ',
    '  x  ',
  ];
  const vocab = Object.fromEntries(tokens.map((token, i) => [token, i]));
  const decoders: Record<string, object | null> = {
    none: null,
    ByteLevel: { type: 'ByteLevel', add_prefix_space: true, trim_offsets: true, use_regex: true },
    WordPiece: { type: 'WordPiece', prefix: '##', cleanup: true },
    Metaspace: { type: 'Metaspace', replacement: '▁', prepend_scheme: 'always', split: true },
    'WordPiece as it is': { type: 'WordPiece', prefix: '##', cleanup: false },
    'Metaspace first': { type: 'Metaspace', replacement: '▁', prepend_scheme: 'first', split: true },
    'Metaspace never': { type: 'Metaspace', replacement: '▁', prepend_scheme: 'never', split: false },
    Fuse: { type: 'Fuse' },
    ByteFallback: { type: 'ByteFallback' },
    'Replace a pattern': { type: 'Replace', pattern: { Regex: '[ab]' }, content: 'xy' },
    BPEDecoder: { type: 'BPEDecoder', suffix: '</w>' },
    CTC: { type: 'CTC', pad_token: '<pad>', word_delimiter_token: '|', cleanup: true },
    Strip: { type: 'Strip', content: ' ', start: 0, stop: 1 },
    Llama: {
      type: 'Sequence',
      decoders: [
        { type: 'Replace', pattern: { String: '▁' }, content: ' ' },
        { type: 'ByteFallback' },
        { type: 'Fuse' },
        { type: 'Strip', content: ' ', start: 1, stop: 0 },
      ],
    },
  };
  for (const [name, decoder] of Object.entries(decoders))
    it(`give the reference's text, at once and as a stream: ${name}`, async () => {
      const json = file({ decoder, model: { type: 'WordLevel', vocab, unk_token: 'b' } });
      const ours = tokenizerFromJSON(json);
      const reference = Reference.fromString(JSON.stringify(json));
      await fc.assert(
        fc.asyncProperty(fc.array(fc.nat(tokens.length - 1), { minLength: 1, maxLength: 12 }), async (ids) => {
          const stream = ours.decodeStream();
          const joined = ids.map((id) => stream.push(id)).join('') + stream.end();
          expect(joined).to.equal(await reference.decode(ids, true));
          expect(ours.decode(ids)).to.equal(joined);
        }),
        { numRuns: 150, seed: 3 },
      );
    });
});

describe('post-processors and truncation', () => {
  const processors: Record<string, object | null> = {
    none: null,
    BertProcessing: { type: 'BertProcessing', sep: ['[SEP]', 2], cls: ['[CLS]', 1] },
    RobertaProcessing: {
      type: 'RobertaProcessing',
      sep: ['[SEP]', 2],
      cls: ['[CLS]', 1],
      trim_offsets: true,
      add_prefix_space: true,
    },
    TemplateProcessing: template,
    'ByteLevel, trimmed': { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: true },
    'ByteLevel, not trimmed': { type: 'ByteLevel', add_prefix_space: true, trim_offsets: false, use_regex: true },
    Sequence: {
      type: 'Sequence',
      processors: [
        { type: 'ByteLevel', add_prefix_space: true, trim_offsets: true, use_regex: true },
        {
          type: 'TemplateProcessing',
          single: [special('[CLS]', 0), sequence('A', 0)],
          pair: [special('[CLS]', 0), sequence('A', 0), sequence('B', 1)],
          special_tokens: { '[CLS]': { id: '[CLS]', ids: [1], tokens: ['[CLS]'] } },
        },
      ],
    },
  };
  for (const [name, processor] of Object.entries(processors))
    it(`give the reference's encodings: ${name}`, async () => {
      const cases = fc.record({
        a: words(14),
        b: fc.option(words(14)),
        max: fc.integer({ min: 8, max: 16 }),
        stride: fc.integer({ min: 0, max: 1 }),
        direction: fc.constantFrom('Left', 'Right'),
        multiple: fc.option(fc.integer({ min: 1, max: 8 })),
        special: fc.boolean(),
      });
      await fc.assert(
        fc.asyncProperty(cases, async ({ a, b, max, stride, direction, multiple, special: add }) => {
          const json = file({
            pre_tokenizer: { type: 'WhitespaceSplit' },
            post_processor: processor,
            truncation: { direction, max_length: max, strategy: 'LongestFirst', stride },
            padding: {
              strategy: { Fixed: 9 },
              direction,
              pad_to_multiple_of: multiple,
              pad_id: 3,
              pad_type_id: 1,
              pad_token: '[PAD]',
            },
            model: { type: 'WordLevel', vocab, unk_token: '[UNK]' },
          });
          // BertProcessing and RobertaProcessing repeat overflowing parts of pairs in the reference
          const repeats = add && b !== null && /^(Bert|Roberta)/.test(name);
          const fits = !repeats && [a, b ?? ''].every((text) => text.split(' ').length <= max - (add ? 4 : 0));
          const expected = await Reference.fromString(JSON.stringify(json)).encode(a, b, { addSpecialTokens: add });
          const got = tokenizerFromJSON(json).encoding(b === null ? a : { text: a, pair: b }, {
            addSpecialTokens: add,
          });
          for (const [ours, theirs] of [
            [got, expected] as const,
            ...(fits ? got.overflowing : []).map((o, i) => [o, expected.getOverflowing()[i]!] as const),
          ]) {
            expectSame(ours, theirs);
          }
          // the reference stops reading a text that alone fills the room and forgets the rest; here it overflows
          if (fits) expect(got.overflowing).to.have.length(expected.getOverflowing().length);
        }),
        { numRuns: 150, seed: 5 },
      );
    });
});
