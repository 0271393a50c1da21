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

  #encodeChunk(text: string, ids: IdBuffer, split: Splitter | undefined): void {
    if (this.#buffer.length < 3 * text.length + MARGIN) this.#buffer = new Uint8Array(3 * text.length + MARGIN);
    const bytes = this.#buffer;
    const { written } = this.#encoder.encodeInto(text, bytes);
    const model = this.#model;
    if (!split) {
      model.encode(bytes, 0, written, ids);
      return;
    }
    for (let at = 0; at < written; ) {
      const end = split(bytes, at, written);
      model.encode(bytes, at, end, ids);
      at = end;
    }
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
