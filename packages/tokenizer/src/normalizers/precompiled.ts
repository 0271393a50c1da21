import { string, TokenizerFormatError } from '../format.ts';
import type { Normalized } from '../normalized.ts';
import { PrecompiledCharsmap } from '../sentencepiece/charsmap.ts';
import { eachGrapheme } from './graphemes.ts';
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
  const encoder = new TextEncoder();
  /** By UTF-16 unit: whether it is a character that stays. */
  const kinds = new Uint8Array(0x10000);
  const stays = (unit: number): boolean => {
    if (kinds[unit] === UNSEEN)
      kinds[unit] = charsmap.transform(String.fromCharCode(unit)) === undefined ? STAYS : CHANGES;
    return kinds[unit] === STAYS;
  };
  return (text) => {
    const old = text.text;
    const edits: Edit[] = [];
    eachGrapheme(old, (start, end) => {
      if (end === start + 1 && stays(old.charCodeAt(start))) return;
      const segment = old.slice(start, end);
      const whole = end - start < 6 && encoder.encode(segment).length < 6 ? charsmap.transform(segment) : undefined;
      if (whole !== undefined) edits.push([start, end, whole]);
      else
        for (let at = start; at < end; ) {
          const character = String.fromCodePoint(old.codePointAt(at)!);
          const now = charsmap.transform(character);
          if (now !== undefined) edits.push([at, at + character.length, now]);
          at += character.length;
        }
    });
    if (edits.length > 0) apply(text, edits);
  };
}

const UNSEEN = 0;
const STAYS = 1;
const CHANGES = 2;

/** A stretch of the text, and what takes its place. */
type Edit = readonly [start: number, end: number, now: string];

function apply(text: Normalized, edits: readonly Edit[]): void {
  const old = text.text;
  let done = 0;
  if (!text.starts) {
    const parts: string[] = [];
    for (const [start, end, now] of edits) {
      parts.push(old.slice(done, start), now);
      done = end;
    }
    text.text = parts.join('') + old.slice(done);
    return;
  }
  const characters: string[] = [];
  const changes: number[] = [];
  const copy = (end: number): void => {
    for (const character of old.slice(done, end)) {
      characters.push(character);
      changes.push(0);
    }
  };
  for (const [start, end, now] of edits) {
    copy(start);
    done = end;
    const from = changes.length;
    for (const character of now) {
      characters.push(character);
      changes.push(0);
    }
    const difference = changes.length - from - [...old.slice(start, end)].length;
    if (difference > 0) changes.fill(1, changes.length - difference);
    else if (difference < 0 && changes.length > 0) changes[changes.length - 1]! += difference;
  }
  copy(old.length);
  text.transform(characters, changes);
}

/** @throws TokenizerFormatError naming the field, where the table is damaged. */
function readCharsmap(field: string, base64: string): PrecompiledCharsmap {
  try {
    return PrecompiledCharsmap.fromBase64(base64);
  } catch (error) {
    throw new TokenizerFormatError(field, (error as Error).message);
  }
}
