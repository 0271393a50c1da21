/** Bounds of the buckets, ms: each 4 % above the one before, from 1 µs to over 3 hours. */
const LEAST = 1e-3;
const GROWTH = Math.log(1.04);
const BUCKETS = 600;

/** Durations in buckets that grow: any quantile to 2 %, in constant memory. */
export class Histogram {
  readonly #counts = new Float64Array(BUCKETS);
  count = 0;
  sum = 0;
  max = 0;

  /** @param ms a duration */
  add(ms: number): void {
    const bucket = ms <= LEAST ? 0 : Math.min(BUCKETS - 1, Math.ceil(Math.log(ms / LEAST) / GROWTH));
    this.#counts[bucket]!++;
    this.count++;
    this.sum += ms;
    if (ms > this.max) this.max = ms;
  }

  /** The duration that a share `q` of all does not exceed, ms; 0 where there is none. */
  quantile(q: number): number {
    if (this.count === 0) return 0;
    let left = q * this.count;
    for (let bucket = 0; bucket < BUCKETS; bucket++) {
      left -= this.#counts[bucket]!;
      if (left <= 0) return Math.min(this.max, LEAST * Math.exp((bucket - 0.5) * GROWTH)); // the bucket's middle
    }
    return this.max;
  }
}
