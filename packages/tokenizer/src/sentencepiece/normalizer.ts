import { PrecompiledCharsmap } from './charsmap.ts';
import type { NormalizerSpec } from './model-file.ts';

/** Longest match first among the user-defined pieces: bytes that the normalizer leaves alone. */
export type PieceMatcher = (bytes: Uint8Array, start: number, end: number) => number;

const SPACE = 0x20;
/** What the byte of an ASCII character before another ASCII character becomes; above 127 it is not that simple. */
const SLOW = 255;
const GONE = 254;

/**
 * SentencePiece's normalizer, on UTF-8: the charsmap, extra white space, the dummy prefix, spaces written as ▁
 * (U+2581). The result is in `bytes` up to `length` and valid until the next call.
 */
export class SentencePieceNormalizer {
  bytes: Uint8Array<ArrayBuffer> = new Uint8Array(1024);
  length = 0;
  readonly #spec: NormalizerSpec;
  readonly #suffix: boolean;
  readonly #map: PrecompiledCharsmap | null;
  readonly #match: PieceMatcher | null;
  readonly #ascii = new Uint8Array(128);

  constructor(
    spec: NormalizerSpec,
    { suffix = false, match = null }: { suffix?: boolean; match?: PieceMatcher | null } = {},
  ) {
    this.#spec = spec;
    this.#suffix = suffix;
    this.#match = match;
    this.#map = spec.precompiledCharsmap.length > 0 ? new PrecompiledCharsmap(spec.precompiledCharsmap) : null;
    for (let byte = 0; byte < 128; byte++) this.#ascii[byte] = match ? SLOW : this.#simple(byte);
  }

  #simple(byte: number): number {
    const map = this.#map;
    if (!map) return byte;
    if (map.asciiContinues(byte)) return SLOW;
    const offset = map.longest(Uint8Array.of(byte), 0, 1);
    if (offset < 0) return byte;
    const length = map.replacementEnd(offset) - offset;
    if (length === 0) return GONE;
    return length === 1 && map.replacements[offset]! < 128 ? map.replacements[offset]! : SLOW;
  }

  /** Normalizes `input[0, end)`. */
  normalize(input: Uint8Array, end: number): void {
    const { removeExtraWhitespaces: remove, addDummyPrefix, escapeWhitespaces } = this.#spec;
    this.length = 0;
    let at = 0;
    if (remove) at = this.#skipSpaces(input, end);
    if (at >= end) return;
    this.#room(end - at + 8);
    if (addDummyPrefix && !this.#suffix) this.#space();
    let afterSpace = remove;
    const ascii = this.#ascii;
    while (at < end) {
      const byte = input[at]!;
      const simple = byte < 128 && (at + 1 === end || input[at + 1]! < 128) ? ascii[byte]! : SLOW;
      if (simple < 128) {
        at++;
        if (simple !== SPACE) {
          if (this.length + 4 > this.bytes.length) this.#room(end - at + 8);
          this.bytes[this.length++] = simple;
          afterSpace = false;
        } else if (!afterSpace) {
          this.#space();
          afterSpace = remove;
        }
        continue;
      }
      if (simple === GONE) {
        at++;
        if (!remove) afterSpace = false;
        continue;
      }
      const size = this.#prefix(input, at, end);
      at += size;
      let from = this.#from;
      while (afterSpace && from < this.#to && this.#source[from] === SPACE) from++;
      if (from < this.#to) {
        this.#room(3 * (this.#to - from) + 8);
        for (let i = from; i < this.#to; i++)
          if (escapeWhitespaces && this.#source[i] === SPACE) this.#space();
          else this.bytes[this.length++] = this.#source[i]!;
        afterSpace = this.#source[this.#to - 1] === SPACE;
      }
      if (!remove) afterSpace = false;
    }
    if (remove) this.#trimEnd();
    if (addDummyPrefix && this.#suffix) this.#space();
  }

  /** What `prefix` found: `source[from, to)`. */
  #source: Uint8Array = replacementCharacter;
  #from = 0;
  #to = 0;

  /** Normalizes the one piece of input that begins at `at`; returns how many bytes it covers. */
  #prefix(input: Uint8Array, at: number, end: number): number {
    const matched = this.#match ? this.#match(input, at, end) : 0;
    if (matched > 0) {
      this.#copy(input, at, at + matched);
      return matched;
    }
    const offset = this.#map ? this.#map.longest(input, at, end) : -1;
    if (offset >= 0) {
      this.#copy(this.#map!.replacements, offset, this.#map!.replacementEnd(offset));
      return this.#map!.matched;
    }
    const size = characterSize(input, at, end);
    if (size > 0) this.#copy(input, at, at + size);
    else this.#copy(replacementCharacter, 0, 3);
    return Math.max(1, size);
  }

  #copy(source: Uint8Array, from: number, to: number): void {
    this.#source = source;
    this.#from = from;
    this.#to = to;
  }

  #skipSpaces(input: Uint8Array, end: number): number {
    let at = 0;
    while (at < end) {
      const size = this.#prefix(input, at, end);
      if (this.#to - this.#from !== 1 || this.#source[this.#from] !== SPACE) break;
      at += size;
    }
    return at;
  }

  #space(): void {
    if (this.length + 4 > this.bytes.length) this.#room(8);
    if (this.#spec.escapeWhitespaces) {
      this.bytes[this.length++] = 0xe2;
      this.bytes[this.length++] = 0x96;
      this.bytes[this.length++] = 0x81;
    } else this.bytes[this.length++] = SPACE;
  }

  #trimEnd(): void {
    const { bytes } = this;
    if (!this.#spec.escapeWhitespaces) while (this.length > 0 && bytes[this.length - 1] === SPACE) this.length--;
    else
      while (
        this.length >= 3 &&
        bytes[this.length - 1] === 0x81 &&
        bytes[this.length - 2] === 0x96 &&
        bytes[this.length - 3] === 0xe2
      )
        this.length -= 3;
  }

  #room(more: number): void {
    if (this.length + more <= this.bytes.length) return;
    const grown = new Uint8Array(Math.max(2 * this.bytes.length, this.length + more));
    grown.set(this.bytes.subarray(0, this.length));
    this.bytes = grown;
  }
}

const replacementCharacter = Uint8Array.of(0xef, 0xbf, 0xbd);

/** Length of the well-formed character at `at`, 0 where the bytes are not UTF-8. */
export function characterSize(bytes: Uint8Array, at: number, end: number): number {
  const lead = bytes[at]!;
  if (lead < 0x80) return 1;
  const size = lead >= 0xc2 && lead < 0xe0 ? 2 : lead >= 0xe0 && lead < 0xf0 ? 3 : lead >= 0xf0 && lead < 0xf5 ? 4 : 0;
  if (size === 0 || at + size > end) return 0;
  for (let i = 1; i < size; i++) if ((bytes[at + i]! & 0xc0) !== 0x80) return 0;
  const second = bytes[at + 1]!;
  if (lead === 0xe0 && second < 0xa0) return 0;
  if (lead === 0xed && second >= 0xa0) return 0;
  if (lead === 0xf0 && second < 0x90) return 0;
  return lead === 0xf4 && second >= 0x90 ? 0 : size;
}
