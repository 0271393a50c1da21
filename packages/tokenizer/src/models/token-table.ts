import { powerOfTwo } from '../power-of-two.ts';

const encoder = new TextEncoder();

/** Tokens by their UTF-8 bytes: a hash table with open addressing, compared exactly. */
export class TokenTable {
  readonly #slots: Int32Array;
  readonly #pool: Uint8Array;
  readonly #starts: Int32Array;
  readonly #ids: Int32Array;
  /** Bytes of the longest token. */
  readonly longest: number;

  constructor(tokens: Iterable<readonly [token: string, id: number]>) {
    const entries = [...tokens].map(([token, id]) => ({ bytes: encoder.encode(token), id }));
    this.#ids = Int32Array.from(entries, ({ id }) => id);
    this.#starts = new Int32Array(entries.length + 1);
    entries.forEach(({ bytes }, i) => {
      this.#starts[i + 1] = this.#starts[i]! + bytes.length;
    });
    this.#pool = new Uint8Array(this.#starts[entries.length]!);
    this.#slots = new Int32Array(powerOfTwo(2 * entries.length + 2));
    let longest = 0;
    entries.forEach(({ bytes }, i) => {
      longest = Math.max(longest, bytes.length);
      this.#pool.set(bytes, this.#starts[i]!);
      addEntry(this.#slots, i, hashOf(bytes, 0, bytes.length));
    });
    this.longest = longest;
  }

  /** The id of the token that these bytes, whose hash is given, are; or −1. */
  find(bytes: Uint8Array, start: number, end: number, hash: number): number {
    const entry = findEntry(this.#slots, this.#pool, this.#starts, bytes, start, end, hash);
    return entry < 0 ? -1 : this.#ids[entry]!;
  }
}

/** In a table with a free slot: the entry that these bytes are, −1 for none. An entry's own begin in `pool` where `starts` says. */
export function findEntry(
  slots: Int32Array,
  pool: Uint8Array,
  starts: Int32Array,
  bytes: Uint8Array,
  start: number,
  end: number,
  hash: number,
): number {
  const mask = slots.length - 1;
  for (let slot = hash & mask; ; slot = (slot + 1) & mask) {
    const entry = slots[slot]! - 1;
    if (entry < 0) return -1;
    const from = starts[entry]!;
    if (starts[entry + 1]! - from !== end - start) continue;
    let i = 0;
    while (start + i < end && pool[from + i] === bytes[start + i]) i++;
    if (start + i === end) return entry;
  }
}

/** The hashes of bytes go to slots by their lowest bits; 0 is a free slot, others are an entry plus one. */
export function addEntry(slots: Int32Array, entry: number, hash: number): void {
  const mask = slots.length - 1;
  let slot = hash & mask;
  while (slots[slot] !== 0) slot = (slot + 1) & mask;
  slots[slot] = entry + 1;
}

export const HASH_START: number = 0x811c9dc5 | 0;

/** FNV-1a, one byte at a time, with its high bits mixed in. */
export const hashStep = (hash: number, byte: number): number => Math.imul(hash ^ byte, 0x01000193);
export const hashEnd = (hash: number): number => Math.imul(hash ^ (hash >>> 15), 0x9e3779b1) >>> 8;

export function hashOf(bytes: Uint8Array, start: number, end: number): number {
  let hash = HASH_START;
  for (let i = start; i < end; i++) hash = hashStep(hash, bytes[i]!);
  return hashEnd(hash);
}
