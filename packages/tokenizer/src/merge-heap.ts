/** Entries by their counts, highest first; among equals by the smaller pair. A heap on typed arrays. */
export class MergeHeap {
  #counts = new Float64Array(1024);
  #keys = new Float64Array(1024);
  #entries = new Int32Array(1024);
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** The count that the entry on top was pushed with. */
  get topCount(): number {
    return this.#counts[0]!;
  }

  /** @param key orders entries of the same count, lowest first. */
  push(count: number, key: number, entry: number): void {
    if (this.#size === this.#counts.length) this.#grow();
    const [counts, keys, entries] = [this.#counts, this.#keys, this.#entries];
    let at = this.#size++;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      const above = counts[parent]!;
      if (above > count || (above === count && keys[parent]! <= key)) break;
      counts[at] = above;
      keys[at] = keys[parent]!;
      entries[at] = entries[parent]!;
      at = parent;
    }
    counts[at] = count;
    keys[at] = key;
    entries[at] = entry;
  }

  /** Takes the entry on top away; there must be one. */
  pop(): number {
    const [counts, keys, entries] = [this.#counts, this.#keys, this.#entries];
    const top = entries[0]!;
    const size = --this.#size;
    const count = counts[size]!;
    const key = keys[size]!;
    let at = 0;
    for (let child = 1; child < size; child = 2 * at + 1) {
      if (child + 1 < size) {
        const [a, b] = [counts[child]!, counts[child + 1]!];
        if (b > a || (a === b && keys[child + 1]! < keys[child]!)) child++;
      }
      const below = counts[child]!;
      if (below < count || (below === count && keys[child]! >= key)) break;
      counts[at] = below;
      keys[at] = keys[child]!;
      entries[at] = entries[child]!;
      at = child;
    }
    counts[at] = count;
    keys[at] = key;
    entries[at] = entries[size]!;
    return top;
  }

  #grow(): void {
    const size = 2 * this.#counts.length;
    const [counts, keys, entries] = [new Float64Array(size), new Float64Array(size), new Int32Array(size)];
    counts.set(this.#counts);
    keys.set(this.#keys);
    entries.set(this.#entries);
    [this.#counts, this.#keys, this.#entries] = [counts, keys, entries];
  }
}
