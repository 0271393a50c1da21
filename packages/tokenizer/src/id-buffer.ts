/** Ids, or offsets, being collected: grows by doubling and is used again after `clear`. */
export class IdBuffer {
  values: Int32Array = new Int32Array(256);
  length = 0;

  push(value: number): void {
    if (this.length === this.values.length) this.reserve(1);
    this.values[this.length++] = value;
  }

  /** Makes room for `count` more, so that a loop can write to `values` itself. */
  reserve(count: number): void {
    if (this.length + count <= this.values.length) return;
    const grown = new Int32Array(Math.max(2 * this.values.length, this.length + count));
    grown.set(this.values.subarray(0, this.length));
    this.values = grown;
  }

  clear(): void {
    this.length = 0;
  }

  toArray(): Int32Array {
    return this.values.slice(0, this.length);
  }
}
