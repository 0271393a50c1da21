import type { IdBuffer } from './id-buffer.ts';
import { FEW, mergeFew } from './merge-few.ts';
import { mergeLong } from './merge-long.ts';
import { MergeOrder } from './merge-order.ts';
import { NeighbourEncoder } from './neighbour-encoder.ts';
import type { PairTable } from './pair-table.ts';
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

/** The longest piece that the cache keeps: four numbers hold its bytes and its length. */
const CACHED = 15;
/** 32 bytes a slot: the piece, the count of its ids with the first one, three more ids. */
const SLOTS = 1 << 16;

/**
 * Byte-pair encoding over UTF-8 bytes without strings: pieces seen before come from a table of fixed size whose keys are the
 * bytes themselves, compared exactly; others are encoded from left to right, or merged by rank where the vocabulary's order does
 * not allow that.
 */
export class ByteBPE {
  readonly tokens: TokenBytes;
  readonly #pairs: PairTable;
  readonly #bytes: Int32Array;
  readonly #whole: boolean;
  readonly #complete: boolean;
  readonly #cacheable: boolean;
  readonly #cache: Int32Array = new Int32Array(8 * SLOTS);
  readonly #neighbours: NeighbourEncoder | null;
  #viewed: Uint8Array = new Uint8Array(0);
  #view: DataView = new DataView(this.#viewed.buffer);

  constructor({ tokens, pairs, bytes, whole, order }: ByteBPEParts) {
    this.tokens = tokens;
    this.#pairs = pairs;
    this.#bytes = bytes;
    this.#whole = whole;
    this.#complete = bytes.every((id, byte) => id >= 0 && tokens.lengthOf(id) === 1 && tokens.of(id)[0] === byte);
    this.#cacheable = tokens.count < 1 << 24;
    const known = order === undefined && this.#complete ? MergeOrder.of(tokens, bytes, pairs) : order;
    this.#neighbours = known ? new NeighbourEncoder(tokens, known) : null;
  }

  /** Appends the ids of the piece `[start, end)`, and to `ends` where each one's bytes end. */
  encode(bytes: Uint8Array, start: number, end: number, ids: IdBuffer, ends?: IdBuffer): void {
    const length = end - start;
    if (length <= 0) return;
    if (length > CACHED || !this.#cacheable || ends) {
      this.#encode(bytes, start, end, ids, ends);
      return;
    }
    if (bytes !== this.#viewed) {
      this.#viewed = bytes;
      this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    }
    let a = 0;
    let b = 0;
    let c = 0;
    let d = 0;
    if (start + 16 <= bytes.length) {
      const view = this.#view;
      a = view.getInt32(start, true);
      if (length < 4) a &= (1 << (8 * length)) - 1;
      else if (length > 4) {
        b = view.getInt32(start + 4, true);
        if (length < 8) b &= (1 << (8 * (length - 4))) - 1;
        else if (length > 8) {
          c = view.getInt32(start + 8, true);
          if (length < 12) c &= (1 << (8 * (length - 8))) - 1;
          else if (length > 12) d = view.getInt32(start + 12, true) & ((1 << (8 * (length - 12))) - 1);
        }
      }
    } else {
      for (let i = 0; i < length; i++) {
        const byte = bytes[start + i]! << (8 * (i & 3));
        if (i < 4) a |= byte;
        else if (i < 8) b |= byte;
        else if (i < 12) c |= byte;
        else d |= byte;
      }
    }
    d |= length << 24;
    let hash =
      Math.imul(a, 0x9e3779b1) ^ Math.imul(b, 0x85ebca6b) ^ Math.imul(c, 0xc2b2ae35) ^ Math.imul(d, 0x27d4eb2f);
    hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d);
    const cache = this.#cache;
    const slot = ((hash ^ (hash >>> 13)) & (SLOTS - 1)) * 8;
    if (cache[slot] === a && cache[slot + 1] === b && cache[slot + 2] === c && cache[slot + 3] === d) {
      const meta = cache[slot + 4]!;
      const count = meta >> 24;
      ids.reserve(4);
      const { values } = ids;
      const at = ids.length;
      values[at] = meta & 0xffffff;
      if (count > 1) {
        values[at + 1] = cache[slot + 5]!;
        values[at + 2] = cache[slot + 6]!;
        values[at + 3] = cache[slot + 7]!;
      }
      ids.length = at + count;
      return;
    }
    const from = ids.length;
    this.#encode(bytes, start, end, ids, undefined);
    const count = ids.length - from;
    if (count > 4 || count === 0) return;
    cache[slot] = a;
    cache[slot + 1] = b;
    cache[slot + 2] = c;
    cache[slot + 3] = d;
    cache[slot + 4] = (count << 24) | ids.values[from]!;
    for (let i = 1; i < count; i++) cache[slot + 4 + i] = ids.values[from + i]!;
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
      if (this.#neighbours) this.#neighbours.encode(bytes, start, end, longest, ids);
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
