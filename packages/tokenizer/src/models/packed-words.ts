/** Bytes of the longest words that are kept. */
export const LONGEST = 16;
/** Ints of a slot: four of the word's bytes, its length and number of ids, two ids or where they are, the margin. */
const SLOT = 8;
const SLOTS = 2 ** 15;
const ARENA = 2 ** 17;
/** Ids from here on are not kept: beside each stands, in 4 bits, where its text ends. */
const IDS = 2 ** 27;

/**
 * The ids of words of up to 16 bytes that were seen lately. The words' bytes are compared as four integers; of words that fall
 * into the same slot the last one stays.
 */
export class PackedWords {
  /** How many ids the word has that was found. */
  count = 0;
  /** Where its ids begin in `entries`, each times 16 plus the place of its last byte. */
  at = 0;
  /** By how much it was better than its rivals. */
  margin = 0;
  /** What `at` points into. */
  entries: Int32Array;
  readonly #slots = new Int32Array(SLOT * SLOTS);
  readonly #margins = new Float32Array(this.#slots.buffer);
  readonly #arena = new Int32Array(ARENA);
  #used = 0;
  /** Of the word looked for last. */
  #slot = 0;
  #a = 0;
  #b = 0;
  #c = 0;
  #d = 0;
  #length = 0;

  constructor() {
    this.entries = this.#arena;
  }

  /**
   * Looks for a word of 1 to 16 bytes; sets `count`, `at`, `entries` and `margin` where it is known.
   * @param view of the bytes, with at least 16 behind the word's first.
   */
  find(view: DataView, start: number, length: number): boolean {
    let a = view.getInt32(start, true);
    let b = 0;
    let c = 0;
    let d = 0;
    // What lies behind the word is shifted out.
    if (length <= 4) a <<= 8 * (4 - length);
    else {
      b = view.getInt32(start + 4, true);
      if (length <= 8) b <<= 8 * (8 - length);
      else {
        c = view.getInt32(start + 8, true);
        if (length <= 12) c <<= 8 * (12 - length);
        else d = view.getInt32(start + 12, true) << (8 * (16 - length));
      }
    }
    let hash =
      Math.imul(a, 0x9e3779b1) ^ Math.imul(b, 0x85ebca6b) ^ Math.imul(c, 0x27d4eb2f) ^ Math.imul(d, 0x165667b1);
    hash = Math.imul(hash ^ (hash >>> 15) ^ length, 0x2c1b3c6d);
    const slot = ((hash ^ (hash >>> 17)) & (SLOTS - 1)) * SLOT;
    const slots = this.#slots;
    const size = slots[slot + 4]!;
    if (
      slots[slot] === a &&
      slots[slot + 1] === b &&
      slots[slot + 2] === c &&
      slots[slot + 3] === d &&
      (size & 31) === length
    ) {
      const count = size >>> 5;
      this.count = count;
      this.margin = this.#margins[slot + 7]!;
      if (count <= 2) {
        this.entries = slots;
        this.at = slot + 5;
      } else {
        this.entries = this.#arena;
        this.at = slots[slot + 5]!;
      }
      return true;
    }
    this.#slot = slot;
    this.#a = a;
    this.#b = b;
    this.#c = c;
    this.#d = d;
    this.#length = length;
    return false;
  }

  /**
   * Keeps the `count` ids of the word that `find` did not know.
   * @param ids from `first` on.
   * @param ends where the text of each ends, from `firstEnd` on, counted as the word's `start` is.
   */
  keep(
    ids: Int32Array,
    ends: Int32Array,
    first: number,
    firstEnd: number,
    count: number,
    start: number,
    margin = 0,
  ): void {
    for (let i = 0; i < count; i++) if (ids[first + i]! >= IDS) return;
    if (this.#used + count > ARENA) {
      this.#used = 0;
      this.#slots.fill(0);
    }
    const slots = this.#slots;
    const slot = this.#slot;
    let entries = slots;
    let at = slot + 5;
    if (count > 2) {
      entries = this.#arena;
      at = this.#used;
      slots[slot + 5] = at;
      this.#used += count;
    }
    for (let i = 0; i < count; i++) entries[at++] = 16 * ids[first + i]! + ends[firstEnd + i]! - start - 1;
    slots[slot] = this.#a;
    slots[slot + 1] = this.#b;
    slots[slot + 2] = this.#c;
    slots[slot + 3] = this.#d;
    slots[slot + 4] = this.#length | (count << 5);
    this.#margins[slot + 7] = margin;
  }
}
