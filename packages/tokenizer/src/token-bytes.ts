/** The bytes of every token in one array, and their ids by bytes: no string or object per token. */
export class TokenBytes {
  readonly arena: Uint8Array;
  /** Id → where its bytes begin; one entry more than ids. An id without a token is empty. */
  readonly offsets: Int32Array;
  /** Open addressing: id plus one, 0 where free. */
  readonly #slots: Int32Array;
  /** The longest token, in bytes. */
  readonly longest: number;

  constructor(arena: Uint8Array, offsets: Int32Array) {
    this.arena = arena;
    this.offsets = offsets;
    const count = offsets.length - 1;
    let size = 1024;
    while (size < count * 2) size *= 2;
    const slots = new Int32Array(size);
    this.#slots = slots;
    let longest = 0;
    for (let id = 0; id < count; id++) {
      const start = offsets[id]!;
      const end = offsets[id + 1]!;
      if (start === end) continue;
      if (end - start > longest) longest = end - start;
      let slot = hashBytes(arena, start, end) & (size - 1);
      while (slots[slot]! > 0) slot = (slot + 1) & (size - 1);
      slots[slot] = id + 1;
    }
    this.longest = longest;
  }

  static from(tokens: readonly (Uint8Array | undefined)[]): TokenBytes {
    const offsets = new Int32Array(tokens.length + 1);
    for (let id = 0; id < tokens.length; id++) offsets[id + 1] = offsets[id]! + (tokens[id]?.length ?? 0);
    const arena = new Uint8Array(offsets[tokens.length]!);
    for (let id = 0; id < tokens.length; id++) {
      const token = tokens[id];
      if (token) arena.set(token, offsets[id]!);
    }
    return new TokenBytes(arena, offsets);
  }

  /** The highest id plus one. */
  get count(): number {
    return this.offsets.length - 1;
  }

  lengthOf(id: number): number {
    return this.offsets[id + 1]! - this.offsets[id]!;
  }

  of(id: number): Uint8Array {
    return this.arena.subarray(this.offsets[id]!, this.offsets[id + 1]!);
  }

  /** The id of these bytes, or −1; the lowest one where tokens share them. */
  find(bytes: Uint8Array, start: number, end: number): number {
    const { arena, offsets } = this;
    const length = end - start;
    if (length > this.longest) return -1;
    const slots = this.#slots;
    const mask = slots.length - 1;
    for (let slot = hashBytes(bytes, start, end) & mask; slots[slot]! > 0; slot = (slot + 1) & mask) {
      const id = slots[slot]! - 1;
      const from = offsets[id]!;
      if (offsets[id + 1]! - from !== length) continue;
      let i = 0;
      while (i < length && arena[from + i] === bytes[start + i]) i++;
      if (i === length) return id;
    }
    return -1;
  }
}

function hashBytes(bytes: Uint8Array, start: number, end: number): number {
  let hash = end - start;
  for (let i = start; i < end; i++) hash = Math.imul(hash ^ bytes[i]!, 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d);
  return hash ^ (hash >>> 13);
}
