import { byteCharacters } from '../byte-characters.ts';
import type { Normalized } from '../normalized.ts';
import { isWhiteSpace } from '../unicode.ts';

export const isASCII = (text: string): boolean => /^[\0-\x7f]*$/.test(text);

/** Lower case, one character at a time: a capital sigma at the end of a word becomes σ, not ς. */
export function lowercase(text: Normalized): void {
  const lower = text.text.toLowerCase();
  if (lower === text.text) return;
  if (!/[Σİ]/.test(text.text) && (lower.length === text.text.length || !text.starts)) {
    text.text = lower;
    return;
  }
  const characters: string[] = [];
  const changes: number[] = [];
  for (const character of text.text)
    [...character.toLowerCase()].forEach((part, i) => {
      characters.push(part);
      changes.push(i > 0 ? 1 : 0);
    });
  text.transform(characters, changes);
}

export function stripAccents(text: Normalized, mark: RegExp): void {
  if (isASCII(text.text) || !mark.test(text.text)) return;
  text.filter((code) => code < 0x300 || !mark.test(String.fromCodePoint(code)));
}

export function strip(text: Normalized, left: boolean, right: boolean): void {
  const { text: all } = text;
  let start = 0;
  let end = all.length;
  if (left) while (start < end && isWhiteSpace(all.charCodeAt(start))) start++;
  if (right) while (end > start && isWhiteSpace(all.charCodeAt(end - 1))) end--;
  text.text = all.slice(start, end);
  text.starts &&= text.starts.subarray(start, end);
  text.ends &&= text.ends.subarray(start, end);
}

/** SentencePiece's nmt rule: controls vanish, all kinds of spaces become blanks. */
export function nmt(text: Normalized): void {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what it removes
  text.filter((code) => code > 0x9f || !/[\x01-\x08\x0b\x0e-\x1f\x7f\x8f\x9f]/.test(String.fromCharCode(code)));
  text.text = text.text.replace(/[\t\n\f\r\u1680\u200b-\u200f\u2028\u2029\u2581\ufeff\ufffd]/g, ' ');
}

/** Every byte of the text's UTF-8 as a printable character. */
export function byteLevel(text: Normalized): void {
  if (text.text === '') return;
  const characters: string[] = [];
  const changes: number[] = [];
  const encoder = new TextEncoder();
  for (const character of text.text)
    encoder.encode(character).forEach((byte, i) => {
      characters.push(byteCharacters[byte]!);
      changes.push(i > 0 ? 1 : 0);
    });
  text.transform(characters, changes);
}
