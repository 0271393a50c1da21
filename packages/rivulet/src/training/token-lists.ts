/**
 * Many short lists of ids in one array: tens of thousands of small typed arrays would make every garbage collection long enough
 * to be felt in the event loop.
 */
export class TokenLists {
  #values = new Int32Array(1 << 12);
  readonly #ends: number[] = [];

  get count(): number {
    return this.#ends.length;
  }

  add(ids: Int32Array): void {
    const from = this.#ends.at(-1) ?? 0;
    const end = from + ids.length;
    if (end > this.#values.length) {
      const larger = new Int32Array(Math.max(end, 2 * this.#values.length));
      larger.set(this.#values);
      this.#values = larger;
    }
    this.#values.set(ids, from);
    this.#ends.push(end);
  }

  /** List `i`, as a view. */
  at(i: number): Int32Array {
    return this.#values.subarray(i === 0 ? 0 : this.#ends[i - 1]!, this.#ends[i]!);
  }

  lengthOf(i: number): number {
    return this.#ends[i]! - (i === 0 ? 0 : this.#ends[i - 1]!);
  }
}
