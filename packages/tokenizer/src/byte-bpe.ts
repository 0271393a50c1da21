import type { IdBuffer } from './id-buffer.ts';
import { mergeLong } from './merge-long.ts';
import type { PairTable } from './pair-table.ts';
import type { TokenBytes } from './token-bytes.ts';

export interface ByteBPEParts {
  readonly tokens: TokenBytes;
  readonly pairs: PairTable;
  /** Byte → id, −1 where the vocabulary lacks it: such bytes are dropped, as in the reference. */
  readonly bytes: Int32Array;
  /** A piece that is a token itself is not taken apart: tiktoken, and `ignore_merges`. */
  readonly whole: boolean;
}

/** Up to this many bytes looking for the best pair again and again beats lists by rank. */
const SHORT = 64;
const NONE = 0x7fffffff;
/** The longest piece that the cache keeps: four numbers hold its bytes and its length. */
const CACHED = 15;
/** 32 bytes a slot: the piece, the count of its ids with the first one, three more ids. */
const SLOTS = 1 << 16;

/**
 * Byte-pair encoding over UTF-8 bytes without strings: pieces seen before come from a table of fixed size whose keys are the
 * bytes themselves, compared exactly; others are merged by rank.
 */
export class ByteBPE {
  readonly tokens: TokenBytes;
  readonly #pairs: PairTable;
  readonly #bytes: Int32Array;
  readonly #whole: boolean;
  readonly #complete: boolean;
  readonly #cacheable: boolean;
  readonly #cache: Int32Array = new Int32Array(8 * SLOTS);
  /** Two bytes → where their pair is in the table, −1 for none. */
  readonly #firstPairs: Int32Array = new Int32Array(65_536);
  readonly #ids: Int32Array = new Int32Array(SHORT);
  readonly #places: Int32Array = new Int32Array(SHORT);
  readonly #ranks: Int32Array = new Int32Array(SHORT);
  #viewed: Uint8Array = new Uint8Array(0);
  #view: DataView = new DataView(this.#viewed.buffer);

  constructor({ tokens, pairs, bytes, whole }: ByteBPEParts) {
    this.tokens = tokens;
    this.#pairs = pairs;
    this.#bytes = bytes;
    this.#whole = whole;
    this.#complete = bytes.every((id) => id >= 0 && tokens.lengthOf(id) === 1);
    this.#cacheable = tokens.count < 1 << 24;
    for (let a = 0; a < 256; a++)
      for (let b = 0; b < 256; b++)
        this.#firstPairs[(a << 8) | b] = bytes[a]! < 0 || bytes[b]! < 0 ? -1 : pairs.find(bytes[a]!, bytes[b]!);
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
    if (this.#whole) {
      const id = this.tokens.find(bytes, start, end);
      if (id >= 0) {
        ids.push(id);
        ends?.push(end);
        return;
      }
    }
    if (!this.#complete) this.#encodeKnown(bytes, start, end, ids, ends);
    else {
      const from = ids.length;
      if (end - start <= SHORT) this.#mergeShort(bytes, start, end, ids);
      else {
        const parts = new Int32Array(end - start);
        for (let i = start; i < end; i++) parts[i - start] = this.#bytes[bytes[i]!]!;
        this.#append(parts, mergeLong(parts, parts.length, this.#pairs), ids);
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

  /** Merges the best pair again and again; each pair is looked up once, its rank kept at hand for the next look. */
  #mergeShort(bytes: Uint8Array, start: number, end: number, out: IdBuffer): void {
    const ids = this.#ids;
    const places = this.#places;
    const ranks = this.#ranks;
    const pairs = this.#pairs;
    let count = end - start;
    for (let i = 0; i < count; i++) {
      const byte = bytes[start + i]!;
      ids[i] = this.#bytes[byte]!;
      const place = i + 1 < count ? this.#firstPairs[(byte << 8) | bytes[start + i + 1]!]! : -1;
      places[i] = place;
      ranks[i] = place < 0 ? NONE : pairs.rank(place);
    }
    for (;;) {
      let best = NONE;
      let at = 0;
      for (let i = 0; i + 1 < count; i++) {
        const rank = ranks[i]!;
        if (rank < best) {
          best = rank;
          at = i;
        }
      }
      if (best === NONE) break;
      const merged = pairs.merged(places[at]!);
      ids[at] = merged;
      count--;
      for (let i = at + 1; i < count; i++) {
        ids[i] = ids[i + 1]!;
        places[i] = places[i + 1]!;
        ranks[i] = ranks[i + 1]!;
      }
      if (at > 0) {
        const place = pairs.find(ids[at - 1]!, merged);
        places[at - 1] = place;
        ranks[at - 1] = place < 0 ? NONE : pairs.rank(place);
      }
      const place = at + 1 < count ? pairs.find(merged, ids[at + 1]!) : -1;
      places[at] = place;
      ranks[at] = place < 0 ? NONE : pairs.rank(place);
    }
    out.reserve(count);
    const { values } = out;
    for (let i = 0; i < count; i++) values[out.length + i] = ids[i]!;
    out.length += count;
  }
}
