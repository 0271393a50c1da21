import type { IdBuffer } from './id-buffer.ts';
import type { Splitter } from './splitters.ts';

/** Characters at a time: what they need stays in the processor's cache. */
const CHUNK = 16_384;
/** Beyond the text, so that a piece at its end can be read in whole words. */
const MARGIN = 16;

/** What pieces of UTF-8 are given to. */
export interface PieceEncoder {
  encode(bytes: Uint8Array, start: number, end: number, ids: IdBuffer): void;
}

/** Text → ids where pieces are cut out of UTF-8: the text's UTF-8 is split and encoded in one buffer that is used again. */
export class ByteEncoder {
  readonly #model: PieceEncoder;
  readonly #splitter: Splitter | RegExp | undefined;
  readonly #encoder = new TextEncoder();
  #units: Int32Array = new Int32Array(0);
  #buffer: Uint8Array = new Uint8Array(3 * CHUNK + MARGIN);

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
   */
  encodeWithOffsets(text: string, origin: number, lengths: Int32Array, ids: IdBuffer, offsets: IdBuffer): void {
    const split = this.#splitter;
    if (split instanceof RegExp) throw new RangeError('an expression may leave parts of the text out');
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
      at = end;
    }
  }

  /** Byte in the buffer → twice the unit where its character begins, and one more where the character has two units. */
  #unitsOf(written: number): Int32Array {
    if (this.#units.length < written) this.#units = new Int32Array(2 * written);
    const units = this.#units;
    const bytes = this.#buffer;
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

  /** Returns how many bytes the text has. */
  #encodeChunk(text: string, ids: IdBuffer, split: Splitter | undefined): number {
    if (this.#buffer.length < 3 * text.length + MARGIN) this.#buffer = new Uint8Array(3 * text.length + MARGIN);
    const bytes = this.#buffer;
    const { written } = this.#encoder.encodeInto(text, bytes);
    const model = this.#model;
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

/** The end of a chunk: before a blank between ASCII letters, where every split pattern here cuts whatever stands around it. */
function cut(text: string, from: number): number {
  for (let size = CHUNK; from + size < text.length; size *= 2)
    for (let at = from + size; at > from + size / 2; at--)
      if (text.charCodeAt(at) === 0x20 && isLetter(text.charCodeAt(at - 1)) && isLetter(text.charCodeAt(at + 1)))
        return at;
  return text.length;
}

function isLetter(code: number): boolean {
  return (code | 32) >= 97 && (code | 32) <= 122;
}
