import { BASE, type DoubleArray, LABEL, longest } from '../double-array.ts';
import { BLANK, isBlank } from '../models/blanks.ts';
import { CompactText, PADDING } from '../models/compact-text.ts';
import { PrecompiledCharsmap } from './charsmap.ts';
import type { NormalizerSpec } from './model-file.ts';

export interface SentencePieceNormalizerOptions {
  /** White space is a suffix of words: the blank that is added comes last. Default false. */
  readonly suffix?: boolean;
  /** The user-defined pieces, which stay as they are: the longest that a place begins with. */
  readonly own?: DoubleArray | null;
  /** ▁ is written as the one byte 0xff, for models. Default false: as UTF-8. */
  readonly compact?: boolean;
}

export interface NormalizeOptions {
  readonly track?: boolean;
  readonly goesOn?: boolean;
}

const SPACE = 0x20;
const encoder = new TextEncoder();
/** What an ASCII character becomes that no rule goes on behind; above 127 it is not that simple. */
const SLOW = 255;
const GONE = 254;
/** Of a character of the basic plane, whether it stays as it is whatever follows. */
const STAYS = 1;
const CHANGES = 2;

/**
 * SentencePiece's normalizer, on UTF-8: the charsmap, extra white space, the dummy prefix, spaces written as ▁
 * (U+2581). The result is in `text` and valid until the next call.
 */
export class SentencePieceNormalizer {
  readonly text: CompactText = new CompactText();
  /** Where `normalize` is asked to track: for every byte, and for the end, the byte of the input that it came from. */
  origins: Int32Array = new Int32Array(0);
  readonly #spec: NormalizerSpec;
  readonly #suffix: boolean;
  readonly #map: PrecompiledCharsmap | null;
  readonly #own: DoubleArray | null;
  readonly #compact: boolean;
  /** What a space is written as. */
  readonly #blank: readonly number[];
  readonly #ascii = new Uint8Array(128);
  /** Of an ASCII character and a byte that is none: whether a rule may begin with both. */
  readonly #goesOn = new Uint8Array(128 * 256);
  readonly #basic = new Uint8Array(0x10000);
  #track = false;

  constructor(
    spec: NormalizerSpec,
    { suffix = false, own = null, compact = false }: SentencePieceNormalizerOptions = {},
  ) {
    this.#spec = spec;
    this.#suffix = suffix;
    this.#own = own;
    this.#compact = compact;
    this.#blank = !spec.escapeWhitespaces ? [SPACE] : compact ? [BLANK] : [0xe2, 0x96, 0x81];
    this.#map = spec.precompiledCharsmap.length > 0 ? new PrecompiledCharsmap(spec.precompiledCharsmap) : null;
    for (let byte = 0; byte < 128; byte++) this.#ascii[byte] = this.#simple(byte);
  }

  get bytes(): Uint8Array<ArrayBuffer> {
    return this.text.bytes;
  }

  get length(): number {
    return this.text.length;
  }

  #simple(byte: number): number {
    if (this.#own && begins(this.#own, byte)) return SLOW;
    const map = this.#map;
    if (!map) return byte;
    const character = Uint8Array.of(byte);
    if (map.continues(character, 0, 1, 0, 128)) return SLOW;
    for (let next = 128; next < 256; next++)
      this.#goesOn[(byte << 8) | next] = map.continues(character, 0, 1, next, next + 1) ? 1 : 0;
    const offset = map.longest(character, 0, 1);
    if (offset < 0) return byte;
    const length = map.replacementEnd(offset) - offset;
    if (length === 0) return GONE;
    return length === 1 && map.replacements[offset]! < 128 ? map.replacements[offset]! : SLOW;
  }

  /** Whether the character of 2 or 3 bytes stays, remembered by its code point. */
  #learn(code: number, input: Uint8Array, at: number, size: number): number {
    const changes =
      characterSize(input, at, at + size) !== size ||
      code === 0x2581 ||
      (this.#own !== null && begins(this.#own, input[at]!)) ||
      (this.#map !== null &&
        (this.#map.longest(input, at, at + size) >= 0 || this.#map.continues(input, at, at + size, 0, 256)));
    const kind = changes ? CHANGES : STAYS;
    this.#basic[code] = kind;
    return kind;
  }

  /** Whether a character that begins no rule but its own becomes something that is no white space. */
  keeps(character: string): boolean {
    const bytes = encoder.encode(character);
    if (bytes.length === 1) return this.#ascii[bytes[0]!]! < 128 && this.#ascii[bytes[0]!] !== SPACE;
    if (bytes.length > 3) return false;
    const code = character.codePointAt(0)!;
    return (this.#basic[code] || this.#learn(code, bytes, 0, bytes.length)) === STAYS;
  }

  /** Whether a rule has a blank behind other characters. */
  get rulesCrossBlanks(): boolean {
    return this.#map?.hasWithin(SPACE) ?? false;
  }

  /**
   * Normalizes `input[0, end)`.
   * @param track fills `origins`.
   * @param goesOn the input goes on a text: blanks at its start count, and none is put before it.
   */
  normalize(input: Uint8Array, end: number, { track = false, goesOn = false }: NormalizeOptions = {}): void {
    const { removeExtraWhitespaces: remove, addDummyPrefix } = this.#spec;
    const { text } = this;
    this.#track = track;
    text.length = 0;
    let at = remove && !goesOn ? this.#skipSpaces(input, end) : 0;
    if (at >= end) return;
    this.#room(end - at);
    if (addDummyPrefix && !this.#suffix && !goesOn) this.#space(at);
    let afterSpace = remove && !goesOn;
    while (at < end) {
      at = this.#plain(input, at, end, afterSpace);
      afterSpace = this.#afterSpace;
      if (at >= end) break;
      const size = this.#prefix(input, at, end);
      afterSpace = this.#put(at, afterSpace);
      if (!remove) afterSpace = false;
      at += size;
    }
    if (remove) at = this.#trimEnd(at);
    if (addDummyPrefix && this.#suffix) this.#space(at);
    if (track) this.origins[text.length] = at;
  }

  /** Whether the last character of the input became white space that takes the white space behind it. */
  #afterSpace = false;

  /** Takes the characters from `at` on that need no look at the rules; returns where the first one stands that does. */
  #plain(input: Uint8Array, from: number, end: number, behindSpace: boolean): number {
    const { removeExtraWhitespaces: remove } = this.#spec;
    this.#room(end - from);
    const { bytes } = this.text;
    const { origins } = this;
    const track = this.#track;
    const ascii = this.#ascii;
    const goesOn = this.#goesOn;
    const basic = this.#basic;
    const blank = this.#blank;
    const limit = bytes.length - PADDING;
    let afterSpace = behindSpace;
    let { length } = this.text;
    let at = from;
    while (at < end && length < limit) {
      const byte = input[at]!;
      const next = at + 1 < end ? input[at + 1]! : 0;
      if (byte < 0x80) {
        const simple = ascii[byte]!;
        if (simple === SLOW || (next >= 0x80 && goesOn[(byte << 8) | next] !== 0)) break;
        if (simple === SPACE) {
          if (!afterSpace)
            for (let i = 0; i < blank.length; i++) {
              if (track) origins[length] = at;
              bytes[length++] = blank[i]!;
            }
          afterSpace = remove;
        } else if (simple !== GONE) {
          if (track) origins[length] = at;
          bytes[length++] = simple;
          afterSpace = false;
        } else if (!remove) afterSpace = false;
        at++;
        continue;
      }
      let size = 0;
      let code = 0;
      if (byte >= 0xc2 && byte < 0xe0) {
        size = (next & 0xc0) === 0x80 ? 2 : 0;
        code = ((byte & 0x1f) << 6) | (next & 0x3f);
      } else if (byte >= 0xe0 && byte < 0xf0) {
        const last = at + 2 < end ? input[at + 2]! : 0;
        code = ((byte & 0x0f) << 12) | ((next & 0x3f) << 6) | (last & 0x3f);
        size = (next & last & 0xc0) === 0x80 && code >= 0x800 ? 3 : 0;
      }
      if (size === 0 || (basic[code]! || this.#learn(code, input, at, size)) === CHANGES) break;
      for (let i = 0; i < size; i++) {
        if (track) origins[length] = at;
        bytes[length++] = input[at + i]!;
      }
      at += size;
      afterSpace = false;
    }
    this.text.length = length;
    this.#afterSpace = afterSpace;
    return at;
  }

  /** What `prefix` found: `source[from, to)`. */
  #source: Uint8Array = replacementCharacter;
  #from = 0;
  #to = 0;

  /** Normalizes the one piece of input that begins at `at`; returns how many bytes it covers. */
  #prefix(input: Uint8Array, at: number, end: number): number {
    const matched = this.#own ? longest(this.#own, input, at, end)[0] : 0;
    if (matched > 0) {
      this.#set(input, at, at + matched);
      return matched;
    }
    const offset = this.#map ? this.#map.longest(input, at, end) : -1;
    if (offset >= 0) {
      this.#set(this.#map!.replacements, offset, this.#map!.replacementEnd(offset));
      return this.#map!.matched;
    }
    const size = characterSize(input, at, end);
    if (size > 0) this.#set(input, at, at + size);
    else this.#set(replacementCharacter, 0, 3);
    return Math.max(1, size);
  }

  #set(source: Uint8Array, from: number, to: number): void {
    this.#source = source;
    this.#from = from;
    this.#to = to;
  }

  /** Appends what `prefix` found for the input at `at`; returns whether white space behind it goes. */
  #put(at: number, afterSpace: boolean): boolean {
    const { text } = this;
    const source = this.#source;
    const to = this.#to;
    let from = this.#from;
    while (afterSpace && from < to && source[from] === SPACE) from++;
    if (from === to) return afterSpace;
    this.#room(3 * (to - from));
    for (let i = from; i < to; i++)
      if (source[i] === SPACE) this.#space(at);
      else if (this.#compact && i + 2 < to && isBlank(source, i)) {
        this.#byte(BLANK, at);
        i += 2;
      } else this.#byte(source[i]!, at);
    return text.length > 0 && source[to - 1] === SPACE;
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

  #byte(byte: number, origin: number): void {
    const { text } = this;
    if (this.#track) this.origins[text.length] = origin;
    text.bytes[text.length++] = byte;
  }

  #space(origin: number): void {
    this.#room(this.#blank.length);
    for (const byte of this.#blank) this.#byte(byte, origin);
  }

  /** Takes blanks from the end; returns where the input ends then. */
  #trimEnd(end: number): number {
    const { text } = this;
    const blank = this.#blank;
    let consumed = end;
    for (;;) {
      const start = text.length - blank.length;
      if (start < 0 || blank.some((byte, i) => text.bytes[start + i] !== byte)) return consumed;
      text.length = start;
      if (this.#track) consumed = this.origins[start]!;
    }
  }

  #room(more: number): void {
    this.text.reserve(more);
    if (!this.#track || this.origins.length >= this.text.bytes.length) return;
    const grown = new Int32Array(this.text.bytes.length);
    grown.set(this.origins);
    this.origins = grown;
  }
}

/** Whether one of the trie's strings begins with this byte. */
const begins = ({ nodes }: DoubleArray, byte: number): boolean =>
  (nodes[(nodes[0]! >>> BASE) + byte]! & LABEL) === byte + 1;

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
