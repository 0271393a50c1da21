import type { ActivationRange } from './calibration.ts';

/** Bins on each side of 0. */
const HALF = 2048;
/** How many ends of a range are tried on each side of 0. */
const ENDS = 128;

/** How many values lie where: bins of one width around 0, which doubles where a value lies beyond. */
export class Histogram {
  min: number = Number.POSITIVE_INFINITY;
  max: number = Number.NEGATIVE_INFINITY;
  #width = 0;
  #total = 0;
  readonly #counts = new Float64Array(2 * HALF);

  /** False, and nothing counted, where a value is no finite number. */
  add(values: Float32Array): boolean {
    let low = Number.POSITIVE_INFINITY;
    let high = Number.NEGATIVE_INFINITY;
    let strange = 0;
    for (let i = 0; i < values.length; i++) {
      const value = values[i]!;
      if (value < low) low = value;
      if (value > high) high = value;
      strange += value - value; // 0, or NaN where it is not finite
    }
    if (strange !== 0) return false;
    this.min = Math.min(this.min, low);
    this.max = Math.max(this.max, high);
    this.#total += values.length;
    this.#widen(Math.max(-low, high));
    const inverse = this.#width === 0 ? 0 : 1 / this.#width;
    const counts = this.#counts;
    for (let i = 0; i < values.length; i++) {
      const bin = (values[i]! * inverse + HALF) | 0;
      counts[bin < 2 * HALF ? bin : 2 * HALF - 1]!++;
    }
    return true;
  }

  #widen(largest: number): void {
    if (this.#width === 0 && largest > 0) {
      // Zeros alone were counted so far, all in the bin that begins there.
      this.#width = largest / HALF;
    }
    const counts = this.#counts;
    while (largest > this.#width * HALF) {
      this.#width *= 2;
      for (let i = 0; i < HALF / 2; i++) {
        const [right, left] = [HALF + 2 * i, HALF - 1 - 2 * i];
        counts[HALF + i] = counts[right]! + counts[right + 1]!;
        counts[HALF - 1 - i] = counts[left]! + counts[left - 1]!;
      }
      counts.fill(0, 0, HALF / 2);
      counts.fill(0, HALF + HALF / 2);
    }
  }

  /** The range of so many of the values, in percent; half of the others lie on each side. */
  percentile(percent: number): ActivationRange {
    const outside = (this.#total * (1 - percent / 100)) / 2;
    const inside = (from: number, step: 1 | -1): number => {
      let at = from;
      for (let left = outside - this.#counts[at]!; left > 0; left -= this.#counts[at]!) at += step;
      return at;
    };
    return {
      min: Math.max(this.min, (inside(0, 1) - HALF) * this.#width),
      max: Math.min(this.max, (inside(2 * HALF - 1, -1) + 1 - HALF) * this.#width),
    };
  }

  /**
   * The range with the least squared error in 256 steps: values beyond it lose what lies beyond, all others step²/12 in the mean. It has
   * 0, as the steps will.
   */
  leastError(): ActivationRange {
    const [below, above] = [this.#beyond(-1), this.#beyond(1)];
    let best = { error: Number.POSITIVE_INFINITY, low: 0, high: 0 };
    for (const low of this.#ends(-this.min))
      for (const high of this.#ends(this.max)) {
        const step = ((low + high) * this.#width) / 255;
        const error = below[low]! + above[high]! + (this.#total * step ** 2) / 12;
        if (error < best.error) best = { error, low, high };
      }
    const [min, max] = [Math.min(this.min, 0), Math.max(this.max, 0)];
    return { min: Math.max(min, -best.low * this.#width), max: Math.min(max, best.high * this.#width) };
  }

  /** Numbers of bins on one side of 0, up to the farthest value there. */
  #ends(farthest: number): number[] {
    if (farthest <= 0) return [0];
    const bins = Math.ceil(farthest / this.#width);
    return Array.from({ length: ENDS }, (_, i) => Math.ceil((bins * (i + 1)) / ENDS));
  }

  /** For every number of bins on one side of 0: the squared distances to their end of the values beyond, as if spread evenly in each bin. */
  #beyond(side: 1 | -1): Float64Array {
    const errors = new Float64Array(HALF + 1);
    let [count, first, second] = [0, 0, 0]; // sums of 1, d and d² over these values, d in bins
    for (let end = HALF - 1; end >= 0; end--) {
      const here = this.#counts[side === 1 ? HALF + end : HALF - 1 - end]!;
      second += 2 * first + count + here / 3;
      first += count + here / 2;
      count += here;
      errors[end] = second * this.#width ** 2;
    }
    return errors;
  }
}
