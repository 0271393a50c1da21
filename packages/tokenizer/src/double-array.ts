/**
 * Byte strings as a trie in three arrays (https://doi.org/10.1109/32.31365): from a node, a byte leads to `base[node] + byte`, if
 * `check` there names the node. The root is node 0.
 */
export class DoubleArray {
  base: Int32Array = new Int32Array(1 << 12);
  check: Int32Array = new Int32Array(1 << 12).fill(-1);
  /** What ends at a node; −1: nothing. */
  values: Int32Array = new Int32Array(1 << 12).fill(-1);
  /** Places below it are taken, but for a few. */
  #free = 1;
  #highest = 0;

  /** Of equal strings the last counts. */
  constructor(entries: Iterable<readonly [bytes: Uint8Array, value: number]>) {
    const sorted = [...entries]
      .map(([bytes, value], order) => ({ bytes, value, order }))
      .filter(({ bytes }) => bytes.length > 0)
      .sort((a, b) => compare(a.bytes, b.bytes) || a.order - b.order);
    this.check[0] = 0;
    const work: [node: number, from: number, to: number, depth: number][] = [[0, 0, sorted.length, 0]];
    while (work.length > 0) {
      const [node, first, to, depth] = work.pop()!;
      let from = first;
      for (; from < to && sorted[from]!.bytes.length === depth; from++) this.values[node] = sorted[from]!.value;
      if (from === to) continue;
      const bytes: number[] = [];
      const starts: number[] = [];
      for (let i = from; i < to; i++) {
        const byte = sorted[i]!.bytes[depth]!;
        if (byte === bytes.at(-1)) continue;
        bytes.push(byte);
        starts.push(i);
      }
      const base = this.#place(bytes);
      this.base[node] = base;
      for (const byte of bytes) this.check[base + byte] = node;
      for (const [i, byte] of bytes.entries()) work.push([base + byte, starts[i]!, starts[i + 1] ?? to, depth + 1]);
    }
    const size = this.#highest + 256 + 1;
    this.base = this.base.slice(0, size);
    this.check = this.check.slice(0, size);
    this.values = this.values.slice(0, size);
  }

  /** Where nodes for all these bytes are free. */
  #place(bytes: readonly number[]): number {
    const least = bytes[0]!;
    let taken = 0;
    for (let at = Math.max(this.#free, least + 1); ; at++) {
      this.#room(at + 256);
      if (this.check[at] !== -1) {
        taken++;
        continue;
      }
      const base = at - least;
      let fits = true;
      for (let i = 1; i < bytes.length && fits; i++) fits = this.check[base + bytes[i]!] === -1;
      if (!fits) continue;
      // Where nearly everything was taken, nobody need look again.
      if (taken > 0.95 * (at - this.#free + 1)) this.#free = at;
      this.#highest = Math.max(this.#highest, base + bytes.at(-1)!);
      return base;
    }
  }

  #room(size: number): void {
    if (size < this.check.length) return;
    const grow = (old: Int32Array, fill: number): Int32Array => {
      const grown = new Int32Array(2 * Math.max(old.length, size)).fill(fill, old.length);
      grown.set(old);
      return grown;
    };
    this.base = grow(this.base, 0);
    this.check = grow(this.check, -1);
    this.values = grow(this.values, -1);
  }
}

function compare(a: Uint8Array, b: Uint8Array): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) if (a[i] !== b[i]) return a[i]! - b[i]!;
  return a.length - b.length;
}
