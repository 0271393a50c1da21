import { ByteWords } from './byte-words/byte-words.ts';
import type { IdBuffer } from './id-buffer.ts';
import { FEW, mergeFew } from './merge-few.ts';
import { mergeLong } from './merge-long.ts';
import { MergeOrder } from './merge-order.ts';
import { NeighbourEncoder } from './neighbour-encoder.ts';
import type { PairTable } from './pair-table.ts';
import { PieceCache } from './piece-cache.ts';
import type { WordPattern } from './splitters.ts';
import type { TokenBytes } from './token-bytes.ts';

export interface ByteBPEParts {
  readonly tokens: TokenBytes;
  readonly pairs: PairTable;
  /** Byte → id, −1 where the vocabulary lacks it: such bytes are dropped, as in the reference. */
  readonly bytes: Int32Array;
  /** A piece that is a token itself is not taken apart: tiktoken, and `ignore_merges`. */
  readonly whole: boolean;
  /** What follows from the pairs; default: made from them. Null where nothing does. */
  readonly order?: MergeOrder | null;
}

/**
 * Byte-pair encoding over UTF-8 bytes without strings: pieces seen before come from a cache, others are encoded from left to right, or merged by rank where the vocabulary's order does
 * not allow that.
 */
export class ByteBPE {
  readonly tokens: TokenBytes;
  readonly #pairs: PairTable;
  readonly #bytes: Int32Array;
  readonly #whole: boolean;
  readonly #complete: boolean;
  readonly #order: MergeOrder | null | undefined;
  #cache: PieceCache | null = null;
  #lengths: Int32Array | null = null;
  #neighbours: NeighbourEncoder | null | undefined;
  readonly #words = new Map<string, ByteWords | null>();

  constructor({ tokens, pairs, bytes, whole, order }: ByteBPEParts) {
    this.tokens = tokens;
    this.#pairs = pairs;
    this.#bytes = bytes;
    this.#whole = whole;
    this.#complete = bytes.every((id, byte) => id >= 0 && tokens.lengthOf(id) === 1 && tokens.of(id)[0] === byte);
    this.#order = order;
  }

  /** Made when a text comes, so that loading a vocabulary alone is quick. */
  #neighbourEncoder(): NeighbourEncoder | null {
    if (this.#neighbours !== undefined) return this.#neighbours;
    const { tokens } = this;
    const known =
      this.#order === undefined && this.#complete ? MergeOrder.of(tokens, this.#bytes, this.#pairs) : this.#order;
    this.#neighbours = known ? new NeighbourEncoder(tokens, known) : null;
    return this.#neighbours;
  }

  /** Cuts texts into words and encodes those; null where the words cannot be looked up so. */
  words(pattern: WordPattern): ByteWords | null {
    const key = `${pattern.name} ${pattern.digits}`;
    let words = this.#words.get(key);
    if (words !== undefined) return words;
    const { tokens } = this;
    const neighbours = this.#neighbourEncoder();
    const vocabulary = neighbours && { tokens, pairs: this.#pairs, neighbours, whole: this.#whole };
    words = ByteWords.of(pattern, tokens.count, vocabulary, (bytes, start, end, ids) => {
      this.#encode(bytes, start, end, ids, undefined);
    });
    this.#words.set(key, words);
    return words;
  }

  /** Id → the length of its token in bytes; null where the vocabulary lacks bytes, or has longer tokens in their place. */
  get lengths(): Int32Array | null {
    if (!this.#complete) return null;
    this.#lengths ??= Int32Array.from({ length: this.tokens.count }, (_, id) => this.tokens.lengthOf(id));
    return this.#lengths;
  }

  /** Appends the ids of the piece `[start, end)`, and to `ends` where each one's bytes end. */
  encode(bytes: Uint8Array, start: number, end: number, ids: IdBuffer, ends?: IdBuffer): void {
    if (start >= end) return;
    if (ends) {
      this.#encode(bytes, start, end, ids, ends);
      return;
    }
    this.#cache ??= new PieceCache(this.tokens.count);
    const cache = this.#cache;
    if (!cache.take(bytes, start, end, ids)) {
      const from = ids.length;
      this.#encode(bytes, start, end, ids, undefined);
      cache.keep(ids, from);
    }
  }

  #encode(bytes: Uint8Array, start: number, end: number, ids: IdBuffer, ends: IdBuffer | undefined): void {
    const { trie } = this.tokens;
    const longest = trie.longest(bytes, start, end);
    if (this.#whole && longest >= 0 && this.tokens.lengthOf(longest) === end - start) {
      ids.push(longest);
      ends?.push(end);
    } else if (!this.#complete) this.#encodeKnown(bytes, start, end, ids, ends);
    else {
      const from = ids.length;
      const neighbours = this.#neighbourEncoder();
      if (neighbours) neighbours.encode(bytes, start, end, longest, ids);
      else {
        const parts = new Int32Array(end - start);
        for (let i = start; i < end; i++) parts[i - start] = this.#bytes[bytes[i]!]!;
        const merge = parts.length <= FEW ? mergeFew : mergeLong;
        this.#append(parts, merge(parts, parts.length, this.#pairs), ids);
      }
      if (!ends) return;
      let at = start;
      for (let i = from; i < ids.length; i++) {
        at += this.tokens.lengthOf(ids.values[i]!);
        ends.push(at);
      }
    }
  }

  #append(parts: Int32Array, count: number, ids: IdBuffer): void {
    ids.reserve(count);
    ids.values.set(parts.subarray(0, count), ids.length);
    ids.length += count;
  }

  /** For a vocabulary that lacks bytes, or has longer tokens in their place. */
  #encodeKnown(bytes: Uint8Array, start: number, end: number, ids: IdBuffer, ends: IdBuffer | undefined): void {
    const parts = new Int32Array(end - start);
    const places: number[] = [];
    for (let i = start; i < end; i++) {
      const id = this.#bytes[bytes[i]!]!;
      if (id < 0) continue;
      parts[places.length] = id;
      places.push(i + 1);
    }
    const count = mergeLong(parts, places.length, this.#pairs);
    this.#append(parts, count, ids);
    if (!ends) return;
    let used = 0;
    for (let i = 0; i < count; i++) {
      const id = parts[i]!;
      used += this.#bytes.includes(id) ? 1 : this.tokens.lengthOf(id);
      ends.push(places[Math.min(used, places.length) - 1]!);
    }
  }
}
