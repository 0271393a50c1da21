// Writes packages/tokenizer/src/unicode-sets.ts: sets of characters that Hugging Face's tokenizers know from older Unicode versions.
// node tools/unicode/sets.mjs
import { writeFileSync } from 'node:fs';
import {
  bertNormalizer,
  nfdNormalizer,
  nfkdNormalizer,
  punctuationPreTokenizer,
  stripAccentsNormalizer,
} from 'tokenizers';

const bert = (cleanText, stripAccents) =>
  bertNormalizer({ cleanText, handleChineseChars: false, stripAccents, lowercase: false });
const [clean, bertAccents, accents] = [bert(true, false), bert(false, true), stripAccentsNormalizer()];
const [punctuation, nfd, nfkd] = [punctuationPreTokenizer(), nfdNormalizer(), nfkdNormalizer()];
const removes = (normalizer) => (c) => normalizer.normalizeString(`a${c}b`) === 'ab';
/** U+0334 goes before every mark that has an order. */
const unlike = (normalizer, form) => (c) => normalizer.normalizeString(`a${c}\u0334`) !== `a${c}\u0334`.normalize(form);

const sets = {
  punctuation: [
    'Where Punctuation and BertPreTokenizer cut.',
    (c) => punctuation.preTokenizeString(`a${c}b`).length > 1,
  ],
  marks: ['What StripAccents removes.', removes(accents)],
  accents: ["What BertNormalizer's strip_accents removes.", removes(bertAccents)],
  controls: ["What BertNormalizer's clean_text removes.", removes(clean)],
  unknown: [
    'What normalization forms leave alone, as it came into Unicode later.',
    (c) => unlike(nfd, 'NFD')(c) || unlike(nfkd, 'NFKD')(c),
  ],
};

/** Gaps and lengths of runs by turns, in base 36. */
function runs(has) {
  const lengths = [];
  let [inside, length] = [false, 0];
  for (let code = 0; code < 0x110000; code++) {
    const now = (code < 0xd800 || code > 0xdfff) && has(String.fromCodePoint(code));
    if (now !== inside) {
      lengths.push(length);
      [inside, length] = [now, 0];
    }
    length++;
  }
  if (inside) lengths.push(length);
  return lengths.map((n) => n.toString(36)).join(' ');
}

const quoted = (text) => (text.match(/.{1,110}/g) ?? ['']).map((line) => `  '${line}'`).join(' +\n');
const parts = Object.entries(sets).map(
  ([name, [what, has]]) => `/** ${what} */\nexport const ${name}: string =\n${quoted(runs(has))};\n`,
);
writeFileSync(
  new URL('../../packages/tokenizer/src/unicode-sets.ts', import.meta.url),
  `// Made by tools/unicode/sets.mjs, which says what is in it: change that instead.\n\n${parts.join('\n')}`,
);
