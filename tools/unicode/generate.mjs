// Writes packages/tokenizer/src/unicode-table.ts: the class of every code point, as the references of the tokenizer see it.
// node tools/unicode/generate.mjs
import { writeFileSync } from 'node:fs';
import { Tiktoken } from 'tiktoken';
import { Tokenizer } from 'tokenizers';

/** The order is the class's number, from 1. */
const classes = ['\\p{N}', '\\s', '\\p{M}', '[\\p{Lu}\\p{Lt}]', '\\p{Ll}', '[\\p{Lm}\\p{Lo}]'];
const BLOCK = 4096;

const blocks = Array.from({ length: 0x110000 / BLOCK }, (_, block) => {
  let text = '';
  for (let code = block * BLOCK; code < (block + 1) * BLOCK; code++)
    if (code < 0xd800 || code > 0xdfff) text += String.fromCodePoint(code);
  return text;
});

/** The rank of a byte is the byte: what a pattern matches comes out, all else is left out. */
const ranks = Array.from({ length: 256 }, (_, byte) => `${Buffer.of(byte).toString('base64')} ${byte}`).join('\n');

function ofTiktoken(pattern) {
  const encoder = new Tiktoken(ranks, {}, pattern);
  return blocks.map((text) => Buffer.from(Uint8Array.from(encoder.encode(text, [], []))).toString());
}

async function ofHuggingFace(pattern) {
  const characters = [...new Array(256).keys()];
  let extra = 0x100;
  const printable = (byte) => (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || byte >= 0xae;
  const vocab = Object.fromEntries(
    characters.map((byte) => [String.fromCharCode(printable(byte) ? byte : extra++), byte]),
  );
  const tokenizer = Tokenizer.fromString(
    JSON.stringify({
      version: '1.0',
      added_tokens: [],
      normalizer: null,
      pre_tokenizer: {
        type: 'Sequence',
        pretokenizers: [
          { type: 'Split', pattern: { Regex: pattern }, behavior: 'Removed', invert: true },
          { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: false },
        ],
      },
      post_processor: null,
      decoder: null,
      model: { type: 'BPE', vocab, merges: [] },
    }),
  );
  const found = [];
  for (const text of blocks) found.push(Buffer.from((await tokenizer.encode(text)).getIds()).toString());
  return found;
}

function table(found) {
  const of = new Uint8Array(0x110000);
  found.forEach((texts, index) => {
    for (const text of texts) for (const character of text) of[character.codePointAt(0)] = index + 1;
  });
  return of;
}

const tiktoken = table(classes.map(ofTiktoken));
const huggingFace = table(await Promise.all(classes.map(ofHuggingFace)));

const differing = [];
for (let code = 0; code < 0x110000; code++)
  if (tiktoken[code] !== huggingFace[code]) differing.push([code, tiktoken[code], huggingFace[code]]);
for (const [code, a, b] of differing.slice(0, 20))
  process.stderr.write(`U+${code.toString(16)}: tiktoken ${a}, tokenizers ${b}\n`);
if (differing.length > 0) throw new Error('the references differ: one table is not enough any more');
/**
 * Runs of one class: the class in the low 3 bits, length − 1 above, in groups of 5 bits (low first, bit 6 says that more follow);
 * a run of one upper and one lower-case letter after the other is long in Latin, so 7 stands for a run that alternates 4, 5.
 */
function encode(of) {
  const runs = [];
  for (let code = 0; code < of.length; ) {
    let end = code;
    if (of[code] === 4 && of[code + 1] === 5) {
      while (end + 1 < of.length && of[end] === 4 && of[end + 1] === 5) end += 2;
      runs.push([7, (end - code) / 2]);
    } else {
      while (end < of.length && of[end] === of[code] && !(of[end] === 4 && of[end + 1] === 5 && end > code)) end++;
      runs.push([of[code], end - code]);
    }
    code = end;
  }
  const digits = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
  let out = '';
  for (const [kind, length] of runs) {
    let value = (length - 1) * 8 + kind;
    do {
      const low = value & 31;
      value >>>= 5;
      out += digits[value ? low | 32 : low];
    } while (value);
  }
  return out;
}

const quoted = (text) => (text.match(/.{1,110}/g) ?? ['']).map((line) => `  '${line}'`).join(' +\n');
writeFileSync(
  new URL('../../packages/tokenizer/src/unicode-table.ts', import.meta.url),
  `// Made by tools/unicode/generate.mjs, which says what is in it: change that instead.

/** The class of every code point as Hugging Face's tokenizers and tiktoken see it (Unicode 16). */
export const runs: string =
${quoted(encode(huggingFace))};
`,
);
