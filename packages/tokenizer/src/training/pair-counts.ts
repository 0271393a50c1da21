const FREE = -1;

/** How often pairs of ids occur: a hash table with open addressing that numbers the pairs as they come. */
export class PairCounts {
  left: Int32Array<ArrayBuffer> = new Int32Array(1024);
  right: Int32Array<ArrayBuffer> = new Int32Array(1024);
  counts: Float64Array<ArrayBuffer> = new Float64Array(1024);
  /** Distinct pairs so far. */
  size = 0;
  /** Per slot: left, right, number, and one unused, so that a slot is in one cache line. */
  #slots = new Int32Array(4 * 4096).fill(FREE);
  #mask = 4095;

  /** The number of a pair, a new one at its first time. */
  numberOf(left: number, right: number): number {
    const slots = this.#slots;
    const mask = this.#mask;
    for (let slot = hash(left, right) & mask; ; slot = (slot + 1) & mask) {
      const at = 4 * slot;
      const number = slots[at + 2]!;
      if (number === FREE) return this.#insert(at, left, right);
      if (slots[at] === left && slots[at + 1] === right) return number;
    }
  }

  /** The number of a pair, or −1. */
  find(left: number, right: number): number {
    const slots = this.#slots;
    const mask = this.#mask;
    for (let slot = hash(left, right) & mask; ; slot = (slot + 1) & mask) {
      const at = 4 * slot;
      const number = slots[at + 2]!;
      if (number === FREE || (slots[at] === left && slots[at + 1] === right)) return number;
    }
  }

  #insert(at: number, left: number, right: number): number {
    const number = this.size++;
    if (number === this.left.length) {
      this.left = grown(this.left, number + 1);
      this.right = grown(this.right, number + 1);
      const counts = new Float64Array(this.left.length);
      counts.set(this.counts);
      this.counts = counts;
    }
    this.left[number] = left;
    this.right[number] = right;
    this.#slots[at] = left;
    this.#slots[at + 1] = right;
    this.#slots[at + 2] = number;
    if (2 * this.size > this.#mask) this.#rehash();
    return number;
  }

  #rehash(): void {
    const size = 4 * (this.#mask + 1);
    const slots = new Int32Array(4 * size).fill(FREE);
    const mask = size - 1;
    for (let number = 0; number < this.size; number++) {
      const [left, right] = [this.left[number]!, this.right[number]!];
      let slot = hash(left, right) & mask;
      while (slots[4 * slot + 2] !== FREE) slot = (slot + 1) & mask;
      slots[4 * slot] = left;
      slots[4 * slot + 1] = right;
      slots[4 * slot + 2] = number;
    }
    this.#slots = slots;
    this.#mask = mask;
  }
}

function hash(left: number, right: number): number {
  const mixed = Math.imul(left, 0x9e3779b1) ^ Math.imul(right + 0x7f4a7c15, 0x85ebca6b);
  return mixed ^ (mixed >>> 15);
}

/** The array, or a larger copy with room for `size`. */
export function grown(array: Int32Array<ArrayBuffer>, size: number): Int32Array<ArrayBuffer> {
  if (size <= array.length) return array;
  const larger = new Int32Array(Math.max(size, 2 * array.length));
  larger.set(array);
  return larger;
}
