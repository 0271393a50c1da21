import type { PairTable } from './pair-table.ts';
import type { TokenBytes } from './token-bytes.ts';

/** The rank of a token that merging never gives. */
const NEVER = -2;
/** The rank of a byte. */
const GIVEN = -1;
const ASKED_BITS = 14;
const NONE = 0x7fffffff;
/** Numbers an id: half of what the processor reads at once. */
const FACTS = 8;

/**
 * How each token comes about where its bytes are merged by rank, and from that which tokens may stand side by side: two that
 * merging would leave as they are. Merging is local, so that tokens are a text's encoding if and only if every two neighbours
 * are such a pair (the rule behind https://github.com/github/rust-gems, crates/bpe).
 */
export class MergeOrder {
  readonly #pairs: PairTable;
  /**
   * For each id its two parts, the rank of the merge that joins them, its length in bytes, and two sets of 32 bits: of the tokens that stand
   * behind it in some pair, and of those before it. Most pairs that are not there are told by them, from numbers that are read anyway.
   * Then the longest token that begins it, is shorter and comes about by merging, −1 for none, once `findShorter` was called.
   */
  readonly facts: Int32Array;

  /** Answers of `neighbours`, two numbers each: the left token, twice the right one and one more for yes. */
  readonly #asked: Int32Array = new Int32Array(2 << ASKED_BITS).fill(-1);

  /** @param bytes byte → id. */
  constructor(tokens: TokenBytes, bytes: Int32Array, pairs: PairTable) {
    this.#pairs = pairs;
    this.facts = new Int32Array(FACTS * tokens.count);
    for (let id = 0; id < tokens.count; id++) {
      this.facts[FACTS * id + 2] = NEVER;
      this.facts[FACTS * id + 3] = tokens.lengthOf(id);
    }
    for (const id of bytes) this.facts[FACTS * id + 2] = GIVEN;
    pairs.each((left, right) => {
      this.#mark(left, right);
    });
  }

  #mark(left: number, right: number): void {
    this.facts[FACTS * left + 4]! |= 1 << bitOf(right);
    this.facts[FACTS * right + 5]! |= 1 << bitOf(left);
  }

  /**
   * From all pairs; null where tokens may come about in another order than that of the ranks, or cannot be told by their bytes.
   * @param bytes byte → id, where every byte has one.
   */
  static of(tokens: TokenBytes, bytes: Int32Array, pairs: PairTable): MergeOrder | null {
    const order = new MergeOrder(tokens, bytes, pairs);
    const waiting: number[] = [];
    for (const at of pairs.byRank()) {
      const left = pairs.left(at);
      const right = pairs.right(at);
      const merged = pairs.merged(at);
      const rank = pairs.rank(at);
      if (!order.makes(left) || !order.makes(right)) waiting.push(at);
      else if (!order.makes(merged) && order.mayMeet(left, right, rank)) {
        if (order.#rank(left) === rank || order.#rank(right) === rank) return null;
        if (order.lengthOf(merged) !== order.lengthOf(left) + order.lengthOf(right)) return null;
        order.add(merged, left, right, rank);
      }
    }
    // A part that comes about later than the pair's rank
    for (const at of waiting) if (order.makes(pairs.left(at)) && order.makes(pairs.right(at))) return null;
    return tokens.trie.hidden.some((id) => order.makes(id)) ? null : order;
  }

  /** Says how a token comes about; its parts are known already. */
  add(id: number, left: number, right: number, rank: number): void {
    this.facts[FACTS * id] = left;
    this.facts[FACTS * id + 1] = right;
    this.facts[FACTS * id + 2] = rank;
    this.#mark(left, right);
  }

  /** @param prefixes id → the longest token that begins it and is shorter, −1 for none. */
  findShorter(prefixes: Int32Array): void {
    for (let id = 0; id < prefixes.length; id++) {
      let shorter = prefixes[id]!;
      while (shorter >= 0 && !this.makes(shorter)) shorter = prefixes[shorter]!;
      this.facts[FACTS * id + 6] = shorter;
    }
  }

  /** The longest token that begins this one, is shorter and comes about by merging; −1 for none. */
  shorter(id: number): number {
    return this.facts[FACTS * id + 6]!;
  }

  /** Whether merging gives this token. */
  makes(id: number): boolean {
    return this.facts[FACTS * id + 2] !== NEVER;
  }

  /** In bytes. */
  lengthOf(id: number): number {
    return this.facts[FACTS * id + 3]!;
  }

  #rank(id: number): number {
    return this.facts[FACTS * id + 2]!;
  }

  /** Whether merging leaves two tokens side by side, asked lately or not. */
  neighbours(left: number, right: number): boolean {
    const asked = this.#asked;
    const at = 2 * ((Math.imul(left, 0x9e3779b1) + Math.imul(right, 0x85ebca6b)) >>> (32 - ASKED_BITS));
    const answer = asked[at + 1]!;
    if (asked[at] === left && answer >> 1 === right) return (answer & 1) === 1;
    const may = this.mayMeet(left, right);
    asked[at] = left;
    asked[at + 1] = 2 * right + (may ? 1 : 0);
    return may;
  }

  /**
   * Whether merging, up to merges of this rank, leaves two tokens side by side. Looks back at what stood on either side of the
   * seam, the latest merge first, and whether a pair across it would have been merged before that.
   */
  mayMeet(first: number, second: number, limit: number = NONE): boolean {
    const facts = this.facts;
    let left = first;
    let right = second;
    let before = limit;
    for (;;) {
      if (
        ((facts[FACTS * left + 4]! >>> bitOf(right)) & (facts[FACTS * right + 5]! >>> bitOf(left)) & 1) === 1 &&
        this.#pairs.rankOf(left, right) < before
      )
        return false;
      const a = facts[FACTS * left + 2]!;
      const b = facts[FACTS * right + 2]!;
      if (a > b) {
        before = a;
        left = facts[FACTS * left + 1]!;
      } else if (b < 0) return true;
      else {
        before = b + 1; // of equal ranks the leftmost merges first
        right = facts[FACTS * right]!;
      }
    }
  }
}

/** The place of an id in a set of 32 bits. */
function bitOf(id: number): number {
  return Math.imul(id, 0x9e3779b1) >>> 27;
}
