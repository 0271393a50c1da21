import fc from 'fast-check';
import { type Tokenizer, trainBPE } from '../../src/index.ts';

/** Ranges whose class is the same in every Unicode version that an engine or the reference may follow. */
const ranges: readonly (readonly [number, number])[] = [
  [0x00, 0x24f], // controls, ASCII, U+0085, U+00A0, Latin
  [0x300, 0x33f], // combining marks
  [0x391, 0x3a1], // Greek
  [0x410, 0x44f], // Cyrillic
  [0x5d0, 0x5ea], // Hebrew
  [0x621, 0x669], // Arabic with digits
  [0x905, 0x96f], // Devanagari with vowel signs and digits
  [0xe01, 0xe2e], // Thai
  [0x10a0, 0x10c5], // Georgian
  [0x2000, 0x200f], // spaces, joiners
  [0x2028, 0x2030], // line separators
  [0x2150, 0x2188], // fractions, Roman numerals
  [0x2460, 0x24ff], // circled numbers and letters
  [0x3000, 0x3007], // ideographic space
  [0x3041, 0x3096], // kana
  [0x4e00, 0x9fa5], // Han
  [0xac00, 0xd7a3], // Hangul
  [0xfeff, 0xfeff], // white space for JavaScript's \s, not for Unicode
  [0xfffd, 0xfffd],
  [0x10330, 0x1034a], // Gothic
  [0x1d400, 0x1d454], // mathematical letters
  [0x1f300, 0x1f64f], // emoji
  [0x20000, 0x20100], // Han, extension B
];

const scalar = fc
  .constantFrom(...ranges)
  .chain(([low, high]) => fc.integer({ min: low, max: high }))
  .map((code) => String.fromCodePoint(code));

const pieces = [
  "'s",
  "'ll",
  " 're",
  "'S",
  '  ',
  '\n\n',
  '\r\n',
  '\t ',
  ' the',
  'Hello',
  '12',
  '...',
  '中文',
  '👩‍👩‍👧',
  'ſ',
  '\u180e',
];
const run = fc.tuple(scalar, fc.integer({ min: 1, max: 60 })).map(([character, times]) => character.repeat(times));

/** Well-formed text of every kind: scripts, controls, runs of white space, long runs. */
export const anyText: fc.Arbitrary<string> = fc
  .array(fc.oneof({ weight: 4, arbitrary: scalar }, { weight: 3, arbitrary: fc.constantFrom(...pieces) }, run), {
    maxLength: 20,
  })
  .map((parts) => parts.join(''));

/** A tokenizer that knows a little English and Chinese. */
export function smallTokenizer(template: readonly (string | null)[] = [null]): Tokenizer {
  const texts = Array.from({ length: 8 }, () => "Hello, the hello world's 12 cats. 中文中文 你好\n\n  the end");
  return trainBPE(texts, { vocabSize: 320, specialTokens: ['<s>', '</s>'], template });
}
