import { BASE, DoubleArray, ENDS, LABEL } from '../double-array.ts';
import type { IdBuffer } from '../id-buffer.ts';
import type { PairTable } from '../pair-table.ts';

/** What a token is in itself: not yet looked at, what merging its characters gives, or nothing that merging gives. */
const UNSEEN = 0;
const WHOLE = 1;
const NEVER = 2;

export interface MatchedMergesOptions {
  /** Tokens with their bytes that merging may give: those of one character and the results of merges. */
  readonly tokens: readonly (readonly [bytes: Uint8Array, id: number])[];
  readonly pairs: PairTable;
  /** The ids of a token's characters; undefined where one has none. */
  readonly charactersOf: (bytes: Uint8Array) => Int32Array | undefined;
}

/**
 * Byte-pair encoding without merging, in linear time: the tokens of a text are the one way to cover it in which every two
 * neighbours, merged on their own, give themselves again. The longest token comes first; where none fits behind it, a shorter
 * one is tried, and a place that leads nowhere is not entered twice. The idea is that of the Rust crate `bpe`
 * (https://github.com/github/rust-gems/tree/main/crates/bpe).
 *
 * It holds where the merges that make up a token come in the order of their ranks, which is checked for every token that is met.
 */
export class MatchedMerges {
  readonly #trie: DoubleArray;
  readonly #pairs: PairTable;
  readonly #charactersOf: MatchedMergesOptions['charactersOf'];
  readonly #bytes: readonly (Uint8Array | undefined)[];
  /** By id. */
  readonly #sizes: Int32Array;
  readonly #states: Uint8Array;
  /** The last merge that makes a token: its rank (−1: it is a character) and its parts. */
  readonly #ranks: Int32Array;
  readonly #lefts: Int32Array;
  readonly #rights: Int32Array;
  /** The longest token that a token begins with, −1 for none. */
  readonly #shorter: Int32Array;
  #orderly = true;
  #dead: Uint8Array = new Uint8Array(256);

  constructor({ tokens, pairs, charactersOf }: MatchedMergesOptions) {
    const count = tokens.reduce((most, [, id]) => Math.max(most, id + 1), 0);
    const bytes: Uint8Array[] = [];
    for (const [own, id] of tokens) bytes[id] = own;
    this.#bytes = bytes;
    this.#pairs = pairs;
    this.#charactersOf = charactersOf;
    this.#trie = new DoubleArray(tokens);
    this.#sizes = Int32Array.from({ length: count }, (_, id) => bytes[id]?.length ?? 0);
    this.#states = new Uint8Array(count);
    this.#ranks = new Int32Array(count);
    this.#lefts = new Int32Array(count);
    this.#rights = new Int32Array(count);
    this.#shorter = new Int32Array(count).fill(-1);
    for (const [own, id] of tokens) this.#shorter[id] = this.#longest(own, 0, own.length - 1);
  }

  /** Appends the ids of `[start, end)` and where each ends; false, and nothing, where the method does not hold. */
  encode(bytes: Uint8Array, start: number, end: number, ids: IdBuffer, ends?: IdBuffer): boolean {
    const size = end - start;
    if (this.#dead.length <= size) this.#dead = new Uint8Array(2 * size);
    this.#dead.fill(0, 0, size + 1);
    const dead = this.#dead;
    const sizes = this.#sizes;
    const first = ids.length;
    let at = 0;
    let next = this.#longest(bytes, start, end);
    while (at < size) {
      const last = ids.length > first ? ids.values[ids.length - 1]! : -1;
      while (next >= 0 && (dead[at + sizes[next]!] !== 0 || !this.#follows(last, next))) next = this.#shorter[next]!;
      if (!this.#orderly) break;
      if (next >= 0) {
        ids.push(next);
        at += sizes[next]!;
        next = at < size ? this.#longest(bytes, start + at, end) : -1;
        continue;
      }
      if (last < 0) break;
      // Nothing fits behind the last token.
      dead[at] = 1;
      ids.length--;
      at -= sizes[last]!;
      next = last;
    }
    if (at < size || !this.#orderly) {
      ids.length = first;
      return false;
    }
    if (ends)
      for (let i = first, stop = start; i < ids.length; i++) {
        stop += sizes[ids.values[i]!]!;
        ends.push(stop);
      }
    return true;
  }

  /** The longest token that begins there, −1 for none. */
  #longest(bytes: Uint8Array, start: number, end: number): number {
    const { nodes, values } = this.#trie;
    let base = nodes[0]! >>> BASE;
    let found = -1;
    for (let at = start; at < end; at++) {
      const byte = bytes[at]!;
      const place = base + byte;
      const node = nodes[place]!;
      if ((node & LABEL) !== byte + 1) break;
      if (node & ENDS) found = values[place]!;
      base = node >>> BASE;
    }
    return found;
  }

  /** Whether merging makes both of these tokens where they stand side by side (−1: nothing stands there). */
  #follows(before: number, behind: number): boolean {
    if (!this.#isWhole(behind)) return false;
    if (before < 0) return true;
    const pairs = this.#pairs;
    const ranks = this.#ranks;
    let left = before;
    let right = behind;
    // Merges are undone, the latest first; a pair that comes up is merged if its turn was before that.
    let limit = 0x7fffffff;
    for (;;) {
      const pair = pairs.find(left, right);
      if (pair >= 0 && pairs.rank(pair) < limit) return false;
      const leftRank = ranks[left]!;
      const rightRank = ranks[right]!;
      if (leftRank < 0 && rightRank < 0) return true;
      if (leftRank > rightRank) {
        limit = leftRank;
        left = this.#rights[left]!;
      } else {
        limit = rightRank + 1; // of equals, the leftmost is merged first
        right = this.#lefts[right]!;
      }
    }
  }

  #isWhole(id: number): boolean {
    if (this.#states[id] === UNSEEN) this.#states[id] = this.#look(id) ? WHOLE : NEVER;
    return this.#states[id] === WHOLE;
  }

  /** Merges a token's characters, and says how they come together. */
  #look(id: number): boolean {
    const bytes = this.#bytes[id];
    const ids = bytes && this.#charactersOf(bytes);
    if (!ids) return false;
    const pairs = this.#pairs;
    this.#ranks[id] = -1;
    for (let count = ids.length; count > 1; count--) {
      let best = 0x7fffffff;
      let at = -1;
      let found = -1;
      for (let i = 0; i + 1 < count; i++) {
        const pair = pairs.find(ids[i]!, ids[i + 1]!);
        if (pair < 0 || pairs.rank(pair) >= best) continue;
        best = pairs.rank(pair);
        at = i;
        found = pair;
      }
      if (found < 0) return false;
      if (count === 2) {
        [this.#lefts[id], this.#rights[id]] = [ids[0]!, ids[1]!];
        this.#ranks[id] = best;
        // A merge of another text may not give this token, and parts may come later than the whole.
        for (const part of [ids[0]!, ids[1]!])
          if (this.#isWhole(part) && this.#ranks[part]! > best) this.#orderly = false;
      }
      ids[at] = pairs.merged(found);
      ids.copyWithin(at + 1, at + 2, count);
    }
    return ids[0] === id;
  }
}
