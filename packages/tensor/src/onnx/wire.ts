import type { InParts } from '../slices.ts';

/** Arrays from this size on are referenced until the end instead of being copied twice. */
const LARGE = 1024;

/** Longer texts are encoded. */
const SHORT = 64;

/** What is copied without a stop: under a millisecond. */
const CHUNK = 1 << 20;

/** The limit of protobuf, and so of ONNX files without external data. */
const LIMIT = 2 ** 31 - 1;

const utf8 = new TextEncoder();

/**
 * Writes protobuf's wire format (https://protobuf.dev/programming-guides/encoding/) from back to front. A nested message
 * is preceded by its length: written backward, the length is known when its turn comes, so nothing is measured or moved.
 * Fields must therefore be written in reverse, the items of a repeated field too.
 */
export class BackwardWriter {
  #block: Uint8Array<ArrayBuffer> = new Uint8Array(1 << 14);
  /** Everything from here to the block's end is written. */
  #start: number = this.#block.length;
  /** Written parts, the last of the message first. */
  readonly #parts: Uint8Array[] = [];
  #flushed = 0;

  get length(): number {
    return this.#flushed + this.#block.length - this.#start;
  }

  /** An int32, int64 or enum. Negative numbers take ten bytes, as protobuf wants. */
  int(field: number, value: number): void {
    this.#varint(value);
    this.#varint(field << 3);
  }

  float(field: number, value: number): void {
    this.#reserve(4);
    new DataView(this.#block.buffer).setFloat32(this.#start - 4, value, true);
    this.#start -= 4;
    this.#varint((field << 3) | 5);
  }

  text(field: number, value: string): void {
    if (value.length < SHORT && this.#ascii(value)) this.#head(field, value.length);
    else this.bytes(field, utf8.encode(value));
  }

  /** Writes a short text in place: names are most of a graph, and calling the encoder for each takes longer than all the rest. */
  #ascii(value: string): boolean {
    this.#reserve(value.length);
    const start = this.#start - value.length;
    for (let i = 0; i < value.length; i++) {
      const code = value.charCodeAt(i);
      if (code > 127) return false;
      this.#block[start + i] = code;
    }
    this.#start = start;
    return true;
  }

  /** Bytes; large ones are read when `finish` is called, and must not change until then. */
  bytes(field: number, value: Uint8Array): void {
    if (value.length >= LARGE) {
      this.#flush();
      this.#parts.push(value);
      this.#flushed += value.length;
    } else {
      this.#reserve(value.length);
      this.#start -= value.length;
      this.#block.set(value, this.#start);
    }
    this.#head(field, value.length);
  }

  message(field: number, write: () => void): void {
    const before = this.length;
    write();
    this.endMessage(field, before);
  }

  /** The head of a message, once its fields are written. @param before the `length` when it was begun. */
  endMessage(field: number, before: number): void {
    this.#head(field, this.length - before);
  }

  /** The head of what takes so many bytes. */
  #head(field: number, length: number): void {
    this.#varint(length);
    this.#varint((field << 3) | 2);
  }

  /** @throws RangeError past 2 GiB. */
  *finish(): InParts<Uint8Array<ArrayBuffer>> {
    this.#flush();
    if (this.#flushed > LIMIT)
      throw new RangeError(
        `the model takes ${this.#flushed} bytes, ONNX files hold at most ${LIMIT} (2 GiB); saveONNX writes larger ones, with weights in files of their own`,
      );
    const result = new Uint8Array(this.#flushed);
    let start = result.length;
    for (const part of this.#parts) {
      start -= part.length;
      for (let done = 0; done < part.length; done += CHUNK) {
        result.set(part.subarray(done, done + CHUNK), start + done);
        yield;
      }
    }
    return result;
  }

  #varint(value: number): void {
    this.#reserve(10);
    if (value < 0 || value >= 2 ** 31) {
      this.#longVarint(BigInt.asUintN(64, BigInt(value)));
      return;
    }
    const count = value < 0x80 ? 1 : value < 0x4000 ? 2 : value < 0x200000 ? 3 : value < 0x10000000 ? 4 : 5;
    this.#start -= count;
    let at = this.#start;
    for (let rest = value; at < this.#start + count - 1; rest >>>= 7) this.#block[at++] = (rest & 127) | 128;
    this.#block[at] = value >>> (7 * (count - 1));
  }

  #longVarint(value: bigint): void {
    const septets: number[] = [];
    for (let rest = value; rest > 0n; rest >>= 7n) septets.push(Number(rest & 127n) | 128);
    septets[septets.length - 1]! &= 127;
    this.#start -= septets.length;
    this.#block.set(septets, this.#start);
  }

  /** Room for `count` bytes, fewer than a block has. */
  #reserve(count: number): void {
    if (this.#start < count) this.#flush();
  }

  #flush(): void {
    const written = this.#block.subarray(this.#start);
    if (written.length === 0) return;
    this.#parts.push(written);
    this.#flushed += written.length;
    if (this.#start >= LARGE) {
      this.#block = this.#block.subarray(0, this.#start) as Uint8Array<ArrayBuffer>; // the rest of the block is free
    } else {
      this.#block = new Uint8Array(1 << 14);
    }
    this.#start = this.#block.length;
  }
}
