/** A pickle that is damaged, or asks for what it may not have. The message continues "the pickle …". */
export class PickleError extends Error {
  /** The bytes ended too early: with more of them the pickle may be right. */
  readonly truncated: boolean;

  constructor(message: string, truncated = false) {
    super(message);
    this.name = 'PickleError';
    this.truncated = truncated;
  }
}

const MAX_LINE = 1000;

/** Reads the parts of a pickle, never beyond its end. */
export class PickleBytes {
  readonly #bytes: Uint8Array;
  readonly #data: DataView;
  /** Where the next part begins. */
  at: number;

  constructor(bytes: Uint8Array, start: number) {
    this.#bytes = bytes;
    this.#data = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.at = start;
  }

  /** Goes on by `count` bytes; @returns where they begin. */
  skip(count: number): number {
    const begin = this.at;
    if (count < 0) throw new PickleError(`has the length ${count} (before byte ${begin})`);
    if (count > this.#bytes.length - begin)
      throw new PickleError(
        `ends too early: ${count} bytes are needed at byte ${begin} of ${this.#bytes.length}`,
        true,
      );
    this.at = begin + count;
    return begin;
  }

  byte(): number {
    return this.#data.getUint8(this.skip(1));
  }

  uint16(): number {
    return this.#data.getUint16(this.skip(2), true);
  }

  int32(): number {
    return this.#data.getInt32(this.skip(4), true);
  }

  uint32(): number {
    return this.#data.getUint32(this.skip(4), true);
  }

  uint64(): number {
    return Number(this.#data.getBigUint64(this.skip(8), true));
  }

  float64(): number {
    return this.#data.getFloat64(this.skip(8)); // the only big-endian number of the format
  }

  bytes(length: number): Uint8Array {
    const begin = this.skip(length);
    return this.#bytes.subarray(begin, begin + length);
  }

  /** Text in UTF-8; what is none (surrogates, Python 2's bytes) comes with replacement characters. */
  text(length: number): string {
    return new TextDecoder('utf-8', { ignoreBOM: true }).decode(this.bytes(length));
  }

  line(): string {
    const end = this.#bytes.subarray(this.at, this.at + MAX_LINE).indexOf(0x0a);
    if (end < 0)
      throw new PickleError(`has a name without its end at byte ${this.at}`, this.#bytes.length - this.at < MAX_LINE);
    const line = this.text(end);
    this.skip(1);
    return line;
  }
}
