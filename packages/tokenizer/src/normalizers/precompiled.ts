import { string, TokenizerFormatError } from '../format.ts';
import { PrecompiledCharsmap } from '../sentencepiece/charsmap.ts';
import { isASCII } from './characters.ts';
import type { Normalizer } from './index.ts';

/**
 * SentencePiece's compiled table of replacements, as Hugging Face applies it: a grapheme of less than six bytes is replaced as a
 * whole by the entry of its shortest known prefix, otherwise each of its characters is.
 */
export function precompiled(field: string, value: unknown): Normalizer {
  if (value === null || value === undefined) return () => undefined;
  const base64 = string(field, value);
  if (base64 === '') return () => undefined;
  const charsmap = readCharsmap(field, base64);
  const graphemes = new Intl.Segmenter('en', { granularity: 'grapheme' });
  const encoder = new TextEncoder();
  return (text) => {
    if (isASCII(text.text) && ![...text.text].some((character) => charsmap.transform(character) !== undefined)) {
      if (!text.text.includes('\r\n')) return;
    }
    const characters: string[] = [];
    const changes: number[] = [];
    let modified = false;
    const put = (old: string, now: string): void => {
      modified = true;
      const from = changes.length;
      for (const character of now) {
        characters.push(character);
        changes.push(0);
      }
      const difference = changes.length - from - [...old].length;
      if (difference > 0) changes.fill(1, changes.length - difference);
      else if (difference < 0 && changes.length > 0) changes[changes.length - 1]! += difference;
    };
    for (const { segment } of graphemes.segment(text.text)) {
      const whole = segment.length < 6 && encoder.encode(segment).length < 6 ? charsmap.transform(segment) : undefined;
      if (whole !== undefined) put(segment, whole);
      else
        for (const character of segment) {
          const now = charsmap.transform(character);
          if (now !== undefined) put(character, now);
          else {
            characters.push(character);
            changes.push(0);
          }
        }
    }
    if (modified) text.transform(characters, changes);
  };
}

/** @throws TokenizerFormatError naming the field, where the table is damaged. */
function readCharsmap(field: string, base64: string): PrecompiledCharsmap {
  try {
    return PrecompiledCharsmap.fromBase64(base64);
  } catch (error) {
    throw new TokenizerFormatError(field, (error as Error).message);
  }
}
