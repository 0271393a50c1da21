import type { IdBuffer } from './id-buffer.ts';

/** The longest piece that is kept: four numbers hold its bytes and its length. */
const LONGEST = 15;
/** 32 bytes a slot: the piece, the count of its ids with the first one, three more ids. */
const SLOTS = 1 << 16;
/** Ids have to stay below this. */
const IDS = 1 << 24;

/**
 * The ids of short pieces of text that were seen before, in a table of fixed size whose keys are the bytes themselves, compared
 * exactly: one piece a slot, no strings and no objects.
 */
export class PieceCache {
  readonly #slots: Int32Array;
  readonly #longest: number;
  #viewed: Uint8Array = new Uint8Array(0);
  #view: DataView = new DataView(this.#viewed.buffer);
  /** What `take` did not find last; place −1: nothing to keep. */
  #place = -1;
  #a = 0;
  #b = 0;
  #c = 0;
  #d = 0;

  /** @param vocabSize all ids are below it; a cache for too many ids keeps nothing. */
  constructor(vocabSize: number) {
    this.#longest = vocabSize < IDS ? LONGEST : 0;
    this.#slots = new Int32Array(vocabSize < IDS ? 8 * SLOTS : 0);
  }

  /** Appends the ids of the piece `[start, end)`, of one byte at least, where it is known; otherwise `keep` may follow. */
  take(bytes: Uint8Array, start: number, end: number, ids: IdBuffer): boolean {
    const length = end - start;
    if (length > this.#longest) {
      this.#place = -1;
      return false;
    }
    let a = 0;
    let b = 0;
    let c = 0;
    let d = 0;
    if (start + 16 <= bytes.length) {
      if (bytes !== this.#viewed) {
        this.#viewed = bytes;
        this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
      }
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
    const slots = this.#slots;
    const at = ((hash ^ (hash >>> 13)) & (SLOTS - 1)) * 8;
    if (slots[at] !== a || slots[at + 1] !== b || slots[at + 2] !== c || slots[at + 3] !== d) {
      this.#place = at;
      this.#a = a;
      this.#b = b;
      this.#c = c;
      this.#d = d;
      return false;
    }
    const meta = slots[at + 4]!;
    const count = meta >> 24;
    ids.reserve(4);
    const { values } = ids;
    const to = ids.length;
    values[to] = meta & (IDS - 1);
    if (count > 1) {
      values[to + 1] = slots[at + 5]!;
      values[to + 2] = slots[at + 6]!;
      values[to + 3] = slots[at + 7]!;
    }
    ids.length = to + count;
    return true;
  }

  /** Keeps the ids from `from` on for the piece that `take` did not find last, where they are few. */
  keep(ids: IdBuffer, from: number): void {
    const at = this.#place;
    const count = ids.length - from;
    if (at < 0 || count > 4) return;
    const slots = this.#slots;
    slots[at] = this.#a;
    slots[at + 1] = this.#b;
    slots[at + 2] = this.#c;
    slots[at + 3] = this.#d;
    slots[at + 4] = (count << 24) | (count > 0 ? ids.values[from]! : 0);
    for (let i = 1; i < count; i++) slots[at + 4 + i] = ids.values[from + i]!;
    this.#place = -1;
  }
}
