import { classOf, NUMBER, OTHER, SPACE, UPPER } from './unicode.ts';

export interface ByteLevelOptions {
  /** Puts a space before a text that does not start with one. */
  readonly addPrefixSpace: boolean;
  /** Splits into words as GPT-2 does; otherwise the whole text is one piece. */
  readonly useRegex: boolean;
}

const APOSTROPHE = 0x27;
const BLANK = 0x20;

/**
 * GPT-2's split, by hand instead of
 * `'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`.
 * Calls `piece` with the bounds of every piece, in UTF-16 units; the text must be well formed.
 */
export function splitWords(text: string, piece: (start: number, end: number) => void): void {
  const { length } = text;
  for (let at = 0; at < length; ) {
    const end = text.charCodeAt(at) === APOSTROPHE ? contraction(text, at) : 0;
    const stop = end || wordEnd(text, at);
    piece(at, stop);
    at = stop;
  }
}

/** The end of a contraction ('s, 't, 're, 've, 'm, 'll, 'd) that starts here, or 0. */
function contraction(text: string, at: number): number {
  const [a, b] = [text[at + 1], text[at + 2]];
  if (a === 's' || a === 't' || a === 'm' || a === 'd') return at + 2;
  const two = (a === 'r' && b === 'e') || (a === 'v' && b === 'e') || (a === 'l' && b === 'l');
  return two ? at + 3 : 0;
}

const LETTER = UPPER;

/** GPT-2's pattern tells apart letters, numbers, white space and the rest. */
function kindOf(code: number): number {
  const kind = classOf(code);
  if (kind >= UPPER) return LETTER;
  return kind === NUMBER || kind === SPACE ? kind : OTHER;
}

/** The end of the word or the run of spaces that starts here. */
function wordEnd(text: string, at: number): number {
  const first = text.codePointAt(at)!;
  let start = at;
  let kind = kindOf(first);
  if (first === BLANK && at + 1 < text.length) {
    const next = kindOf(text.codePointAt(at + 1)!);
    if (next !== SPACE) {
      kind = next;
      start = at + 1;
    }
  }
  const end = runEnd(text, start, kind);
  // A run of spaces leaves its last one to the word that follows.
  return kind === SPACE && end < text.length && end - at > 1 ? end - 1 : end;
}

function runEnd(text: string, from: number, kind: number): number {
  let at = from;
  while (at < text.length) {
    const code = text.charCodeAt(at);
    if (code < 0x80 && kind === LETTER) {
      if ((code | 32) < 97 || (code | 32) > 122) return at;
      at++;
      continue;
    }
    const point = text.codePointAt(at)!;
    if (kindOf(point) !== kind) return at;
    at += point > 0xffff ? 2 : 1;
  }
  return at;
}
