import { classTable, LOWER, MARK, NUMBER, OTHER_LETTER, SPACE, UPPER } from './unicode.ts';

/**
 * The end of the piece that starts at `at`, in the UTF-8 text `[0, end)`: a split pattern, compiled by hand. The bytes must be
 * well formed and every pattern here covers every text.
 */
export type Splitter = (bytes: Uint8Array, at: number, end: number) => number;

/** What a splitter cuts by, for a fast way of doing the same. */
export interface WordPattern {
  readonly name: 'gpt2' | 'cl100k' | 'o200k';
  /** How many digits are one piece (cl100k). */
  readonly digits: number;
}

const patterns = new WeakMap<Splitter, WordPattern>();

/** The pattern of a splitter that was made here; undefined for others. */
export function patternOf(splitter: Splitter): WordPattern | undefined {
  return patterns.get(splitter);
}

function made(splitter: Splitter, name: WordPattern['name'], digits = 3): Splitter {
  patterns.set(splitter, { name, digits });
  return splitter;
}

const APOSTROPHE = 0x27;
const BLANK = 0x20;
const LINE_FEED = 0x0a;
const RETURN = 0x0d;
const SLASH = 0x2f;

let classes: Uint8Array = new Uint8Array(0);
/** The width of the character that was read last. */
let width = 0;

function classAt(bytes: Uint8Array, at: number): number {
  width = widthOf(bytes[at]!);
  return classes[decodeAt(bytes, at)]!;
}

/** The length of the character that begins with this byte. */
export function widthOf(first: number): number {
  return first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
}

/** The code point at `at`. */
export function decodeAt(bytes: Uint8Array, at: number): number {
  const a = bytes[at]!;
  if (a < 0x80) return a;
  if (a < 0xe0) return ((a & 31) << 6) | (bytes[at + 1]! & 63);
  if (a < 0xf0) return ((a & 15) << 12) | ((bytes[at + 1]! & 63) << 6) | (bytes[at + 2]! & 63);
  const high = ((a & 7) << 18) | ((bytes[at + 1]! & 63) << 12);
  return high | ((bytes[at + 2]! & 63) << 6) | (bytes[at + 3]! & 63);
}

/** `\p{L}*` */
function letters(bytes: Uint8Array, from: number, end: number): number {
  let at = from;
  while (at < end) {
    const a = bytes[at]!;
    if (a < 0x80) {
      if (classes[a]! < UPPER) return at;
      at++;
    } else {
      if (classAt(bytes, at) < UPPER) return at;
      at += width;
    }
  }
  return at;
}

/** `\p{N}{0,most}` */
function numbers(bytes: Uint8Array, from: number, end: number, most: number): number {
  let at = from;
  for (let count = 0; at < end && count < most && classAt(bytes, at) === NUMBER; count++) at += width;
  return at;
}

/** `[^\s\p{L}\p{N}]*` */
function symbols(bytes: Uint8Array, from: number, end: number): number {
  let at = from;
  while (at < end) {
    const kind = classAt(bytes, at);
    if (kind >= UPPER || kind === NUMBER || kind === SPACE) return at;
    at += width;
  }
  return at;
}

/** `\s+(?!\S)|\s+`: a run of white space leaves its last character to the word that follows. */
function spaces(bytes: Uint8Array, from: number, end: number): number {
  let at = from;
  let last = from;
  while (at < end && classAt(bytes, at) === SPACE) {
    last = at;
    at += width;
  }
  return at < end && last > from ? last : at;
}

/** The end of 's, 't, 're, 've, 'm, 'll, 'd at an apostrophe, or 0. */
function contraction(bytes: Uint8Array, at: number, end: number): number {
  if (at + 1 >= end) return 0;
  const a = bytes[at + 1];
  if (a === 0x73 || a === 0x74 || a === 0x6d || a === 0x64) return at + 2;
  if (at + 2 >= end) return 0;
  const b = bytes[at + 2];
  return (a === 0x72 && b === 0x65) || (a === 0x76 && b === 0x65) || (a === 0x6c && b === 0x6c) ? at + 3 : 0;
}

/** The same in either case, where U+017F (ſ) is an s too. */
function anyContraction(bytes: Uint8Array, at: number, end: number): number {
  if (at + 1 >= end) return 0;
  const a = bytes[at + 1]! | 32;
  if (bytes[at + 1]! < 0x80 && (a === 0x73 || a === 0x74 || a === 0x6d || a === 0x64)) return at + 2;
  if (at + 2 >= end) return 0;
  if (bytes[at + 1] === 0xc5 && bytes[at + 2] === 0xbf) return at + 3;
  const b = bytes[at + 2]! | 32;
  if (bytes[at + 1]! >= 0x80 || bytes[at + 2]! >= 0x80) return 0;
  return (a === 0x72 && b === 0x65) || (a === 0x76 && b === 0x65) || (a === 0x6c && b === 0x6c) ? at + 3 : 0;
}

/** `'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`: GPT-2, r50k, p50k. */
export function gpt2Splitter(): Splitter {
  classes = classTable();
  const split: Splitter = (bytes, at, end) => {
    const first = bytes[at]!;
    if (first === APOSTROPHE) {
      const stop = contraction(bytes, at, end);
      if (stop > 0) return stop;
    }
    let start = at;
    let kind = classAt(bytes, at);
    if (first === BLANK && at + 1 < end) {
      const next = classAt(bytes, at + 1);
      if (next !== SPACE) {
        kind = next;
        start = at + 1;
      }
    }
    if (kind >= UPPER) return letters(bytes, start + width, end);
    if (kind === SPACE) return spaces(bytes, at, end);
    return kind === NUMBER ? numbers(bytes, start, end, Infinity) : symbols(bytes, start, end);
  };
  return made(split, 'gpt2');
}

/** What follows the words in the newer patterns: `… ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+`. */
function symbolsOrSpaces(bytes: Uint8Array, at: number, end: number, slashes: boolean): number {
  let start = at;
  let kind = classAt(bytes, at);
  if (bytes[at] === BLANK && at + 1 < end) {
    const next = classAt(bytes, at + 1);
    if (next !== SPACE) {
      kind = next;
      start = at + 1;
    }
  }
  if (kind !== SPACE && kind !== NUMBER && kind < UPPER) {
    let stop = symbols(bytes, start, end);
    while (stop < end && (bytes[stop] === RETURN || bytes[stop] === LINE_FEED || (slashes && bytes[stop] === SLASH)))
      stop++;
    return stop;
  }
  let stop = at;
  let last = at;
  let line = 0;
  while (stop < end && classAt(bytes, stop) === SPACE) {
    last = stop;
    if (bytes[stop] === RETURN || bytes[stop] === LINE_FEED) line = stop + 1;
    stop += width;
  }
  if (line > 0) return line;
  return stop < end && last > at ? last : stop;
}

/**
 * `(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`: cl100k
 * and Llama 3; with one digit at a time Qwen 2.
 */
export function cl100kSplitter(digits = 3): Splitter {
  classes = classTable();
  const split: Splitter = (bytes, at, end) => {
    const first = bytes[at]!;
    if (first === APOSTROPHE) {
      const stop = anyContraction(bytes, at, end);
      if (stop > 0) return stop;
    }
    const kind = classAt(bytes, at);
    const second = at + width;
    if (kind >= UPPER) return letters(bytes, second, end);
    if (kind === NUMBER) return numbers(bytes, second, end, digits - 1);
    if (first !== RETURN && first !== LINE_FEED && second < end && classAt(bytes, second) >= UPPER)
      return letters(bytes, second + width, end);
    return symbolsOrSpaces(bytes, at, end, false);
  };
  return made(split, 'cl100k', digits);
}

/** `[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+` or, failing that, `…+…*`; `from` where neither matches. */
function casedWord(bytes: Uint8Array, from: number, end: number): number {
  let at = from;
  let upperEnd = from;
  /** The end of the last character of the upper part that the lower part takes as well. */
  let shared = from;
  while (at < end) {
    const kind = classAt(bytes, at);
    if (kind !== UPPER && kind !== OTHER_LETTER && kind !== MARK) break;
    at += width;
    if (kind !== UPPER) shared = at;
  }
  upperEnd = at;
  while (at < end) {
    const kind = classAt(bytes, at);
    if (kind !== LOWER && kind !== OTHER_LETTER && kind !== MARK) break;
    at += width;
  }
  // Without a lower-case letter the first alternative gives back characters until one fits its second part.
  if (at > upperEnd) return at;
  return shared > from ? shared : upperEnd;
}

/**
 * `[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|` the same with `+`
 * and `*` changed over `|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+`: o200k.
 */
export function o200kSplitter(): Splitter {
  classes = classTable();
  const suffixed = (bytes: Uint8Array, at: number, end: number): number =>
    (at < end && bytes[at] === APOSTROPHE && anyContraction(bytes, at, end)) || at;
  const split: Splitter = (bytes, at, end) => {
    const first = bytes[at]!;
    const kind = classAt(bytes, at);
    const second = at + width;
    if (kind === NUMBER) return numbers(bytes, second, end, 2);
    // A mark may be the optional first character or begin the word: the end is the same.
    if (kind >= MARK) return suffixed(bytes, casedWord(bytes, at, end), end);
    if (first !== RETURN && first !== LINE_FEED) {
      const stop = casedWord(bytes, second, end);
      if (stop > second) return suffixed(bytes, stop, end);
    }
    return symbolsOrSpaces(bytes, at, end, true);
  };
  return made(split, 'o200k');
}
