import { type ByteWords, TEXT_BYTES } from './byte-words/byte-words.ts';
import type { IdBuffer } from './id-buffer.ts';
import { patternOf, type Splitter, type WordPattern } from './splitters.ts';

/** Characters at a time: what they need stays in the processor's cache. */
const CHUNK = 16_384;
/** Beyond the text, so that a piece at its end can be read in whole words. */
const MARGIN = 16;

/** What pieces of UTF-8 are given to. */
export interface PieceEncoder {
  encode(bytes: Uint8Array, start: number, end: number, ids: IdBuffer): void;
  /** A fast way from a text, cut by a known pattern, to ids; null where there is none. */
  words?(pattern: WordPattern): ByteWords | null;
}

/** Text → ids where pieces are cut out of UTF-8: the text's UTF-8 is split and encoded in one buffer that is used again. */
export class ByteEncoder {
  readonly #model: PieceEncoder;
  readonly #splitter: Splitter | RegExp | undefined;
  readonly #encoder = new TextEncoder();
  #units: Int32Array = new Int32Array(0);
  /** The UTF-8 of the text that was encoded last. */
  #bytes: Uint8Array = new Uint8Array(0);
  #buffer: Uint8Array = new Uint8Array(0);
  #words: ByteWords | null | undefined;

  /** @param splitter When absent, every text is one piece; what a (global) expression does not match is left out, as in tiktoken. */
  constructor(model: PieceEncoder, splitter?: Splitter | RegExp) {
    this.#model = model;
    this.#splitter = splitter;
  }

  /** Appends the ids of a text; lone surrogates count as U+FFFD. */
  encode(text: string, ids: IdBuffer): void {
    if (this.#splitter instanceof RegExp) {
      const wellFormed = text.toWellFormed();
      for (const [piece] of wellFormed.matchAll(this.#splitter)) this.#encodeChunk(piece, ids, undefined);
      return;
    }
    const split = this.#splitter;
    let at = 0;
    while (at < text.length) {
      const end = split ? cut(text, at) : text.length;
      this.#encodeChunk(at === 0 && end === text.length ? text : text.slice(at, end), ids, split);
      at = end;
    }
  }

  /**
   * The same, and where each id comes from: two UTF-16 units an id, [start, end), for a part of a character those of the whole.
   * @param origin where `text` starts in the text that offsets count from.
   * @param lengths id → bytes of its token.
   * @param words when given, receives beside each id the number of its piece, counted from `word`.
   * @returns the number of the next piece.
   */
  encodeWithOffsets(
    text: string,
    origin: number,
    lengths: Int32Array,
    ids: IdBuffer,
    offsets: IdBuffer,
    words: IdBuffer | null = null,
    word = 0,
  ): number {
    const split = this.#splitter;
    if (split instanceof RegExp) throw new RangeError('an expression may leave parts of the text out');
    let next = word;
    for (let at = 0; at < text.length; ) {
      const end = split ? cut(text, at) : text.length;
      const first = ids.length;
      const written = this.#encodeChunk(text.slice(at, end), ids, split);
      const count = ids.length - first;
      const { values } = ids;
      offsets.reserve(2 * count);
      const bounds = offsets.values;
      const units = written === end - at ? null : this.#unitsOf(written);
      for (let i = 0, from = 0, to = offsets.length; i < count; i++, to += 2) {
        const stop = from + lengths[values[first + i]!]!;
        const last = units ? units[stop - 1]! : 0;
        bounds[to] = origin + at + (units ? units[from]! >> 1 : from);
        bounds[to + 1] = origin + at + (units ? (last >> 1) + (last & 1) + 1 : stop);
        from = stop;
      }
      offsets.length += 2 * count;
      if (words) next = this.#numberWords(written, ids, first, lengths, words, next);
      at = end;
    }
    return next;
  }

  /** The numbers of the pieces that the ids from `first` on belong to; a piece without ids counts. */
  #numberWords(
    written: number,
    ids: IdBuffer,
    first: number,
    lengths: Int32Array,
    words: IdBuffer,
    from: number,
  ): number {
    const split = this.#splitter as Splitter | undefined;
    const bytes = this.#bytes;
    let word = from - 1;
    for (let i = first, at = 0, stop = 0; i < ids.length; i++) {
      if (at >= stop) {
        stop = split ? split(bytes, at, written) : written;
        word++;
      }
      words.push(word);
      at += lengths[ids.values[i]!]!;
    }
    return word + 1;
  }

  /** Byte in the buffer → twice the unit where its character begins, and one more where the character has two units. */
  #unitsOf(written: number): Int32Array {
    if (this.#units.length < written) this.#units = new Int32Array(2 * written);
    const units = this.#units;
    const bytes = this.#bytes;
    for (let at = 0, next = 0, held = 0; at < written; at++) {
      const byte = bytes[at]!;
      if ((byte & 0xc0) !== 0x80) {
        const wide = byte >= 0xf0 ? 1 : 0;
        held = 2 * next + wide;
        next += 1 + wide;
      }
      units[at] = held;
    }
    return units;
  }

  #wordsOf(split: Splitter): ByteWords | null {
    if (this.#words !== undefined) return this.#words;
    const pattern = patternOf(split);
    this.#words = (pattern && this.#model.words?.(pattern)) ?? null;
    return this.#words;
  }

  /** Returns how many bytes the text has. */
  #encodeChunk(text: string, ids: IdBuffer, split: Splitter | undefined): number {
    const model = this.#model;
    const room = 3 * text.length;
    if (split && room <= TEXT_BYTES) {
      const words = this.#wordsOf(split);
      if (words) {
        this.#bytes = words.text;
        const { written } = this.#encoder.encodeInto(text, words.text);
        words.encode(written, ids);
        return written;
      }
    }
    if (this.#buffer.length < room + MARGIN) this.#buffer = new Uint8Array(Math.max(room, 3 * CHUNK) + MARGIN);
    const bytes = this.#buffer;
    this.#bytes = bytes;
    const { written } = this.#encoder.encodeInto(text, bytes);
    if (!split) {
      model.encode(bytes, 0, written, ids);
      return written;
    }
    for (let at = 0; at < written; ) {
      const end = split(bytes, at, written);
      model.encode(bytes, at, end, ids);
      at = end;
    }
    return written;
  }
}

/** The end of a chunk: between two characters where every split pattern here cuts whatever stands around them. */
function cut(text: string, from: number): number {
  for (let size = CHUNK; from + size < text.length; size *= 2)
    for (let at = from + size; at > from + size / 2; at--) {
      const before = text.charCodeAt(at - 1);
      const behind = text.charCodeAt(at);
      if (isLetter(before) ? endsWord(behind) : isIdeograph(before) && isIdeographicMark(behind)) return at;
    }
  return text.length;
}

function isLetter(code: number): boolean {
  return (code | 32) >= 97 && (code | 32) <= 122;
}

/** ASCII that goes on with no word: a line feed, a blank or a mark other than the apostrophe, which some patterns take with what is behind it. */
function endsWord(code: number): boolean {
  if (code === 0x0a) return true;
  return code >= 0x20 && code < 0x7f && code !== 0x27 && !isLetter(code) && (code < 0x30 || code > 0x39);
}

function isIdeograph(code: number): boolean {
  return code >= 0x4e00 && code < 0xa000;
}

/** 、 and 。, ， and a line feed. */
function isIdeographicMark(code: number): boolean {
  return code === 0x3001 || code === 0x3002 || code === 0xff0c || code === 0x0a;
}
