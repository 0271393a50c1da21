import { characterSet } from '../character-set.ts';
import { boolean, type Json } from '../format.ts';
import type { Normalized } from '../normalized.ts';
import { accents as accentRuns, controls } from '../unicode-sets.ts';
import { isASCII, lowercase, stripAccents } from './characters.ts';
import type { Normalizer } from './index.ts';
import { unicodeForm } from './unicode-form.ts';

const accentMarks = characterSet(accentRuns);
const controlCharacters = characterSet(controls);

/** BERT's cleaning (https://github.com/google-research/bert, tokenization.py), with Hugging Face's settings. */
export function bertNormalizer(field: string, json: Json): Normalizer {
  const clean = boolean(`${field}.clean_text`, json.clean_text, true);
  const chinese = boolean(`${field}.handle_chinese_chars`, json.handle_chinese_chars, true);
  const lower = boolean(`${field}.lowercase`, json.lowercase, true);
  const accents = boolean(`${field}.strip_accents`, json.strip_accents, lower);
  return (text) => {
    const plain = isASCII(text.text);
    if (clean) cleanText(text);
    if (chinese && !plain) spaceIdeographs(text);
    if (accents && !plain) {
      unicodeForm(text, 'NFD');
      stripAccents(text, accentMarks);
    }
    if (lower) lowercase(text);
  };
}

function cleanText(text: Normalized): void {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what it removes
  if (/[\0-\x08\x0b\x0c\x0e-\x1f\x7f-\uffff]/.test(text.text)) text.filter((code) => !isRemoved(code));
  if (/[\t\n\r\x80-\uffff]/.test(text.text))
    text.text = text.text.replace(/[\t\n\r\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]/g, ' ');
}

function isRemoved(code: number): boolean {
  if (code < 0x7f) return code < 0x20 && code !== 9 && code !== 10 && code !== 13;
  return controlCharacters.test(String.fromCodePoint(code));
}

const isIdeograph = (code: number): boolean =>
  (code >= 0x4e00 && code <= 0x9fff) ||
  (code >= 0x3400 && code <= 0x4dbf) ||
  (code >= 0x20000 && code <= 0x2a6df) ||
  (code >= 0x2a700 && code <= 0x2b73f) ||
  (code >= 0x2b740 && code <= 0x2b81f) ||
  (code >= 0x2b920 && code <= 0x2ceaf) || // 2b920, not 2b820, in the reference too
  (code >= 0xf900 && code <= 0xfaff) ||
  (code >= 0x2f800 && code <= 0x2fa1f);

function spaceIdeographs(text: Normalized): void {
  const characters: string[] = [];
  const changes: number[] = [];
  for (const character of text.text)
    if (isIdeograph(character.codePointAt(0)!)) {
      characters.push(' ', character, ' ');
      changes.push(0, 1, 1);
    } else {
      characters.push(character);
      changes.push(0);
    }
  if (changes.includes(1)) text.transform(characters, changes);
}
