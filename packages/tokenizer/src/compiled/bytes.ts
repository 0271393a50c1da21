import { TokenizerFormatError } from '../format.ts';

/** Numbers and runs of bytes one behind the other; whole numbers take 7 bits a byte, the low ones first. */
export class ByteWriter {
  #bytes: Uint8Array<ArrayBuffer> = new Uint8Array(1 << 16);
  #length = 0;

  /** @param value a whole number from 0 to 2³² − 1. */
  number(value: number): void {
    this.#room(5);
    let rest = value >>> 0;
    while (rest > 127) {
      this.#bytes[this.#length++] = (rest & 127) | 128;
      rest >>>= 7;
    }
    this.#bytes[this.#length++] = rest;
  }

  /** Numbers without their count. */
  numbers(values: ArrayLike<number>): void {
    for (let i = 0; i < values.length; i++) this.number(values[i]!);
  }

  /** Numbers that rise by one as a rule: only where they do not, how far behind the last such place and by how much. */
  rising(values: ArrayLike<number>): void {
    const gaps: number[] = [];
    const differences: number[] = [];
    for (let i = 0, expected = 0, last = -1; i < values.length; i++) {
      const difference = values[i]! - expected;
      if (difference !== 0) {
        gaps.push(i - last);
        differences.push((difference << 1) ^ (difference >> 31));
        last = i;
      }
      expected = values[i]! + 1;
    }
    this.number(gaps.length);
    this.numbers(gaps);
    this.numbers(differences);
  }

  bytes(bytes: Uint8Array): void {
    this.#room(bytes.length);
    this.#bytes.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  /** Everything so far. */
  done(): Uint8Array<ArrayBuffer> {
    return this.#bytes.slice(0, this.#length);
  }

  #room(more: number): void {
    if (this.#length + more <= this.#bytes.length) return;
    const grown = new Uint8Array(2 * this.#bytes.length + more);
    grown.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = grown;
  }
}

/** Reads what `ByteWriter` wrote; every error names the part that is wrong. */
export class ByteReader {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  /** How many bytes are left. */
  get left(): number {
    return this.#bytes.length - this.#at;
  }

  /** As many numbers; each is below 2³¹. */
  numbers(part: string, count: number): Int32Array {
    const bytes = this.#bytes;
    const values = new Int32Array(count);
    let at = this.#at;
    for (let i = 0; i < count; i++) {
      let byte = bytes[at++];
      let value = 0;
      let shift = 0;
      while (byte !== undefined && byte > 127 && shift < 28) {
        value |= (byte & 127) << shift;
        shift += 7;
        byte = bytes[at++];
      }
      if (byte === undefined) throw new TokenizerFormatError(part, 'the file ends inside it');
      if (byte > (shift < 28 ? 127 : 7)) throw new TokenizerFormatError(part, 'a number of more than 31 bits');
      values[i] = value | (byte << shift);
    }
    this.#at = at;
    return values;
  }

  /** As many numbers below `limit`, written by `rising`. */
  rising(part: string, count: number, limit: number): Int32Array {
    const size = this.count(part);
    const gaps = this.numbers(part, size);
    const differences = this.numbers(part, size);
    const values = new Int32Array(count);
    let next = size > 0 ? gaps[0]! - 1 : count;
    for (let i = 0, expected = 0, used = 0; i < count; i++, expected++) {
      if (i === next) {
        expected += (differences[used]! >>> 1) ^ -(differences[used]! & 1);
        used++;
        next = used < size ? i + gaps[used]! : count;
      }
      if (expected < 0 || expected >= limit) throw new TokenizerFormatError(part, `${expected} is not below ${limit}`);
      values[i] = expected;
    }
    return values;
  }

  /** How many entries follow; as each takes a byte at least, more than are left is an error. */
  count(part: string): number {
    const count = this.numbers(part, 1)[0]!;
    if (count > this.left) throw new TokenizerFormatError(part, `${count} entries do not fit into ${this.left} bytes`);
    return count;
  }

  /** The next bytes, in place. */
  bytes(part: string, length: number): Uint8Array {
    if (length > this.left) throw new TokenizerFormatError(part, 'the file ends inside it');
    this.#at += length;
    return this.#bytes.subarray(this.#at - length, this.#at);
  }
}

/**
 * A checksum over words of 4 bytes, low ones first, and over the bytes that are left: every step can be undone, so that a change
 * of one word changes the sum.
 */
export function checksum(bytes: Uint8Array): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const words = bytes.length & ~3;
  let sum = bytes.length;
  for (let i = 0; i < words; i += 4) {
    sum = Math.imul(sum ^ view.getInt32(i, true), 0x01000193);
    sum ^= sum >>> 15;
  }
  for (let i = words; i < bytes.length; i++) sum = Math.imul(sum ^ bytes[i]!, 0x01000193);
  return sum >>> 0;
}
