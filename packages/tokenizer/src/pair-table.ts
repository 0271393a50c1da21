import { powerOfTwo } from './power-of-two.ts';

/** Pairs of ids → rank and merged id, in one typed array with open addressing. */
export class PairTable {
  /** Four numbers a slot: left + 1 (0 where free), right, rank, merged id. */
  #slots: Int32Array;
  #mask: number;
  #count = 0;
  /** Bits that tell most pairs that are not there from a small part of the memory: eight for each slot. */
  #filter: Int32Array;

  constructor(capacity: number) {
    const size = powerOfTwo(2 * capacity, 1024);
    this.#slots = new Int32Array(4 * size);
    this.#mask = size - 1;
    this.#filter = new Int32Array(size / 4);
  }

  /** Adds a pair that is not there yet; the first one counts. */
  add(left: number, right: number, rank: number, merged: number): void {
    if (2 * (this.#count + 1) > this.#mask) this.#grow();
    const slots = this.#slots;
    const mask = this.#mask;
    const hash = hashPair(left, right);
    let slot = hash & mask;
    for (let key = slots[4 * slot]!; key !== 0; key = slots[4 * slot]!) {
      if (key === left + 1 && slots[4 * slot + 1] === right) return;
      slot = (slot + 1) & mask;
    }
    this.#count++;
    this.#mark(hash);
    slots[4 * slot] = left + 1;
    slots[4 * slot + 1] = right;
    slots[4 * slot + 2] = rank;
    slots[4 * slot + 3] = merged;
  }

  /** A table of pairs given by columns, as `add` makes it, in one loop. */
  static from(lefts: Int32Array, rights: Int32Array, ranks: Int32Array, merged: Int32Array): PairTable {
    const table = new PairTable(lefts.length);
    const slots = table.#slots;
    const mask = table.#mask;
    let count = 0;
    for (let i = 0; i < lefts.length; i++) {
      const left = lefts[i]!;
      const right = rights[i]!;
      const hash = hashPair(left, right);
      let at = 4 * (hash & mask);
      while (slots[at] !== 0 && (slots[at] !== left + 1 || slots[at + 1] !== right)) at = (at + 4) & (4 * mask + 3);
      if (slots[at] !== 0) continue; // the first one counts
      table.#mark(hash);
      slots[at] = left + 1;
      slots[at + 1] = right;
      slots[at + 2] = ranks[i]!;
      slots[at + 3] = merged[i]!;
      count++;
    }
    table.#count = count;
    return table;
  }

  /** Where the pair is, for `rank` and `merged`; −1 where it is not. */
  find(left: number, right: number): number {
    const hash = hashPair(left, right);
    const bit = hash >>> 3;
    if (((this.#filter[(bit >>> 5) & (this.#filter.length - 1)]! >>> bit) & 1) === 0) return -1;
    const slots = this.#slots;
    const mask = this.#mask;
    for (let slot = hash & mask; ; slot = (slot + 1) & mask) {
      const at = 4 * slot;
      const key = slots[at]!;
      if (key === 0) return -1;
      if (key === left + 1 && slots[at + 1] === right) return at;
    }
  }

  rank(at: number): number {
    return this.#slots[at + 2]!;
  }

  merged(at: number): number {
    return this.#slots[at + 3]!;
  }

  left(at: number): number {
    return this.#slots[at]! - 1;
  }

  right(at: number): number {
    return this.#slots[at + 1]!;
  }

  /** The rank of a pair; beyond all ranks where it is not there. */
  rankOf(left: number, right: number): number {
    const at = this.find(left, right);
    return at < 0 ? 0x7fffffff : this.#slots[at + 2]!;
  }

  each(visit: (left: number, right: number, rank: number) => void): void {
    const slots = this.#slots;
    for (let at = 0; at < slots.length; at += 4)
      if (slots[at] !== 0) visit(slots[at]! - 1, slots[at + 1]!, slots[at + 2]!);
  }

  /** How many pairs there are. */
  get size(): number {
    return this.#count;
  }

  /** The highest rank; −1 where there are no pairs. */
  get highestRank(): number {
    let highest = -1;
    this.each((_left, _right, rank) => {
      if (rank > highest) highest = rank;
    });
    return highest;
  }

  /** Where the pairs are, in the order of their ranks. */
  byRank(): Int32Array {
    const slots = this.#slots;
    const size = slots.length;
    const keys = new Float64Array(this.#count);
    let count = 0;
    for (let at = 0; at < size; at += 4) if (slots[at] !== 0) keys[count++] = slots[at + 2]! * size + at;
    keys.sort();
    return Int32Array.from(keys, (key) => key % size);
  }

  #mark(hash: number): void {
    const bit = hash >>> 3;
    this.#filter[(bit >>> 5) & (this.#filter.length - 1)]! |= 1 << bit;
  }

  #free(hash: number): number {
    let slot = hash & this.#mask;
    while (this.#slots[4 * slot]! > 0) slot = (slot + 1) & this.#mask;
    return 4 * slot;
  }

  #grow(): void {
    const old = this.#slots;
    this.#slots = new Int32Array(2 * old.length);
    this.#mask = this.#slots.length / 4 - 1;
    this.#filter = new Int32Array(this.#slots.length / 16);
    for (let from = 0; from < old.length; from += 4) {
      if (old[from] === 0) continue;
      const hash = hashPair(old[from]! - 1, old[from + 1]!);
      this.#mark(hash);
      const at = this.#free(hash);
      this.#slots.set(old.subarray(from, from + 4), at);
    }
  }
}

function hashPair(left: number, right: number): number {
  const hash = Math.imul(left, 0x9e3779b1) ^ Math.imul(right, 0x85ebca6b);
  return Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d);
}

/**
 * Adds a merge that is spelled as two tokens.
 * @param prefix taken off the right one where the two are joined.
 * @throws Error naming the merge, where the vocabulary lacks one of its parts or its result.
 */
export function addMerge(
  pairs: PairTable,
  vocab: ReadonlyMap<string, number>,
  [left, right]: readonly [string, string],
  rank: number,
  prefix = '',
): void {
  pairs.add(
    partOf(vocab, left, left, right, rank),
    partOf(vocab, right, left, right, rank),
    rank,
    partOf(vocab, left + right.slice(prefix.length), left, right, rank),
  );
}

function partOf(vocab: ReadonlyMap<string, number>, token: string, left: string, right: string, rank: number): number {
  const id = vocab.get(token);
  if (id === undefined)
    throw new Error(`merge ${rank} ("${left} ${right}") needs the token "${token}", which the vocabulary lacks`);
  return id;
}
