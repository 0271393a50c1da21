import type { EncodingOptions } from './files.ts';

/** A line and how many bytes it took, its end included. */
export interface ByteLine {
  readonly text: string;
  readonly bytes: number;
}

/**
 * Bytes that come in pieces, cut into lines before they are decoded, so that it is known where in the file each ends. Holds for
 * encodings in which the byte 10 is nothing but a line's end, and for UTF-16.
 */
export class ByteLines {
  readonly #longest: number;
  readonly #decoder: InstanceType<typeof TextDecoder>;
  readonly #first: InstanceType<typeof TextDecoder>;
  /** Bytes of a line's end, and which of them is the 10. */
  readonly #unit: readonly [size: number, at: number];
  #rest: Uint8Array = new Uint8Array(0);
  #number: number;
  #atStart: boolean;

  /** @param number of the line that comes first, from 0; the first of a file may begin with a mark of its byte order. */
  constructor({ encoding = 'utf-8', fatal = false, maxLineLength = 2 ** 20 }: EncodingOptions, number: number) {
    this.#longest = maxLineLength;
    this.#first = new TextDecoder(encoding, { fatal });
    this.#decoder = new TextDecoder(encoding, { fatal, ignoreBOM: true });
    const { encoding: name } = this.#decoder;
    this.#unit = name === 'utf-16le' ? [2, 0] : name === 'utf-16be' ? [2, 1] : [1, 0];
    this.#number = number;
    this.#atStart = number === 0;
  }

  /** The lines that the bytes end. @throws RangeError naming the line that is too long, TypeError for bytes that are `fatal`. */
  *push(bytes: Uint8Array): Generator<ByteLine> {
    const all = this.#rest.length === 0 ? bytes : Buffer.concat([this.#rest, bytes]);
    const [size, at] = this.#unit;
    let from = 0;
    const seen = Math.max(0, this.#rest.length - size + 1); // half of an end may have come before
    for (let i = all.indexOf(10, seen); i >= 0; i = all.indexOf(10, i + 1)) {
      const end = i - at; // where the line's end begins
      if (size === 2 && ((end - from) % 2 !== 0 || end + 1 >= all.length || all[end + 1 - at] !== 0)) continue;
      yield this.#line(all.subarray(from, end), end + size - from);
      from = end + size;
    }
    this.#rest = all.slice(from); // copied: the memory may be used again
    if (this.#rest.length > 4 * this.#longest + 4) throw this.#tooLong(); // no encoding takes more bytes than that
  }

  /** What stands behind the last line's end, where it is something. */
  *end(): Generator<ByteLine> {
    const rest = this.#rest;
    this.#rest = new Uint8Array(0);
    if (rest.length > 0) yield this.#line(rest, rest.length, false);
  }

  #line(content: Uint8Array, bytes: number, ended = true): ByteLine {
    const text = (this.#atStart ? this.#first : this.#decoder).decode(content);
    const line = ended && text.endsWith('\r') ? text.slice(0, -1) : text;
    if (line.length > this.#longest) throw this.#tooLong();
    this.#number++;
    this.#atStart = false;
    return { text: line, bytes };
  }

  #tooLong(): RangeError {
    return new RangeError(`line ${this.#number + 1} has more than ${this.#longest} characters`);
  }
}
