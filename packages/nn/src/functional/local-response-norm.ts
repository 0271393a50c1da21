import type { Tensor } from '@rivulet/tensor';
import { avgPool } from './pool.ts';

export interface LocalResponseNormOptions {
  /** Channels that a value is compared with, itself in the middle (of an even number, one behind it). */
  readonly size: number;
  /** Default 1e-4. */
  readonly alpha?: number;
  /** Default 0.75. */
  readonly beta?: number;
  /** Default 1. */
  readonly k?: number;
}

/**
 * Divides each value by (k + alpha · the mean square of the channels around it)^beta (AlexNet, section 3.3): x [N, C, H, W] → the
 * same, as torch.nn.functional.local_response_norm. The paper's alpha is for the sum: a mean's is `size` times as large.
 * @throws RangeError unless the size is a whole number from 1.
 */
export function localResponseNorm(x: Tensor, options: LocalResponseNormOptions): Tensor {
  const { size, alpha = 1e-4, beta = 0.75, k = 1 } = options;
  if (!Number.isInteger(size) || size < 1)
    throw new RangeError(`localResponseNorm: the size must be a whole number from 1, got ${size}`);
  const [channels, area] = [x.size(1), x.size(2) * x.size(3)];
  // Channels become the rows of an image, over which a pool slides; channels that are not there count as 0.
  const rows = x.mul(x).reshape([x.dim(0), 1, channels, area]);
  const around = rows.pad([
    [Math.floor(size / 2), Math.floor((size - 1) / 2)],
    [0, 0],
  ]);
  const means = avgPool(around, [size, 1], { stride: 1 }).reshape([x.dim(0), channels, x.dim(2), x.dim(3)]);
  return x.div(means.mul(alpha).add(k).pow(beta));
}
