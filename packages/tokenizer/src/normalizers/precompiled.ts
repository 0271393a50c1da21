import { string, TokenizerFormatError } from '../format.ts';
import { isASCII } from './characters.ts';
import type { Normalizer } from './index.ts';

/**
 * SentencePiece's compiled table of replacements, as Hugging Face applies it: a grapheme of less than six bytes is replaced as a
 * whole by the entry of its shortest known prefix, otherwise each of its characters is.
 */
export function precompiled(field: string, value: unknown): Normalizer {
  if (value === null || value === undefined) return () => undefined;
  const lookup = readCharsmap(field, string(field, value));
  const graphemes = new Intl.Segmenter('en', { granularity: 'grapheme' });
  const encoder = new TextEncoder();
  const known = new Map<string, string | null>();
  const find = (part: string): string | null => {
    let found = known.get(part);
    if (found === undefined) {
      found = lookup(encoder.encode(part));
      if (known.size > 10_000) known.clear();
      known.set(part, found);
    }
    return found;
  };
  return (text) => {
    if (isASCII(text.text) && ![...text.text].some((character) => find(character) !== null)) {
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
      const whole = segment.length < 6 && encoder.encode(segment).length < 6 ? find(segment) : null;
      if (whole !== null) put(segment, whole);
      else
        for (const character of segment) {
          const now = find(character);
          if (now !== null) put(character, now);
          else {
            characters.push(character);
            changes.push(0);
          }
        }
    }
    if (modified) text.transform(characters, changes);
  };
}

/** Reads the double array (https://github.com/s-yata/darts-clone) and the texts that it points to. */
function readCharsmap(field: string, base64: string): (bytes: Uint8Array) => string | null {
  let data: Uint8Array;
  try {
    data = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
  } catch {
    throw new TokenizerFormatError(field, 'is no base64');
  }
  if (data.length === 0) return () => null;
  const view = new DataView(data.buffer);
  const size = data.length >= 4 ? view.getUint32(0, true) : -1;
  if (size < 0 || size % 4 !== 0 || size + 4 > data.length)
    throw new TokenizerFormatError(field, `the table of ${data.length} bytes says that its trie has ${size}`);
  const units = Uint32Array.from({ length: size / 4 }, (_, i) => view.getUint32(4 + 4 * i, true));
  const texts = data.subarray(4 + size);
  const offsetOf = (unit: number): number => (unit >>> 10) << ((unit & 0x200) >>> 6);
  const decoder = new TextDecoder();
  return (bytes) => {
    let at = offsetOf(units[0] ?? 0);
    for (const byte of bytes) {
      if (byte === 0) return null;
      at ^= byte;
      const unit = units[at];
      if (unit === undefined || (unit & 0x800000ff) >>> 0 !== byte) return null;
      at ^= offsetOf(unit);
      if ((unit & 0x100) === 0) continue;
      const start = (units[at] ?? 0) & 0x7fffffff;
      const end = texts.indexOf(0, start);
      return decoder.decode(texts.subarray(start, end < 0 ? texts.length : end));
    }
    return null;
  };
}
