/** How a way to split a text is drawn instead of the likeliest one (subword regularization, https://arxiv.org/abs/1804.10959). */
export interface SamplingOptions {
  /** How much likelier ways are preferred: 0 makes all equal, 1 follows the model. */
  readonly alpha: number;
  /** Draws among this many likeliest ways, up to 512. Default: among all. */
  readonly nbestSize?: number;
}

/** A drawn way in the making. */
export interface Sampling extends SamplingOptions {
  /** Gives numbers in [0, 1). */
  readonly random: () => number;
}

/** @throws RangeError naming the option that is wrong. */
export function checkSampling({ alpha, nbestSize }: SamplingOptions): void {
  if (!(alpha >= 0 && Number.isFinite(alpha))) throw new RangeError(`sampling.alpha: expected 0 or more, got ${alpha}`);
  if (nbestSize !== undefined && !(Number.isInteger(nbestSize) && nbestSize >= 1 && nbestSize <= 512))
    throw new RangeError(`sampling.nbestSize: expected a whole number from 1 to 512, got ${nbestSize}`);
}
