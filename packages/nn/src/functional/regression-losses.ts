import type { Tensor } from '@rivulet/tensor';
import { type ReductionOptions, reduceLoss, wantSameShape } from './reduction.ts';

// Losses of numbers against numbers; input and target have the same shape, any. All throw ShapeError where they do not.

/** (input − target)², as `torch.nn.functional.mse_loss`. */
export function mseLoss(input: Tensor, target: Tensor, { reduction }: ReductionOptions = {}): Tensor {
  wantSameShape('mseLoss', input, target);
  return reduceLoss('mseLoss', input.sub(target).square(), reduction);
}

/** |input − target|, as `torch.nn.functional.l1_loss`. */
export function l1Loss(input: Tensor, target: Tensor, { reduction }: ReductionOptions = {}): Tensor {
  wantSameShape('l1Loss', input, target);
  return reduceLoss('l1Loss', input.sub(target).abs(), reduction);
}

export interface SmoothL1Options extends ReductionOptions {
  /** Differences below it count squared, over 2·beta. Default 1; 0 is `l1Loss`. */
  readonly beta?: number;
}

/**
 * Squared near 0 and straight beyond (https://arxiv.org/abs/1504.08083), as `torch.nn.functional.smooth_l1_loss`.
 * @throws RangeError for a negative beta.
 */
export function smoothL1Loss(input: Tensor, target: Tensor, { beta = 1, reduction }: SmoothL1Options = {}): Tensor {
  if (!(beta >= 0)) throw new RangeError(`smoothL1Loss: beta must be 0 or more, got ${beta}`);
  if (beta === 0) return l1Loss(input, target, reduction ? { reduction } : {});
  wantSameShape('smoothL1Loss', input, target);
  return reduceLoss('smoothL1Loss', bent(input.sub(target), beta).div(beta), reduction);
}

export interface HuberOptions extends ReductionOptions {
  /** Where the square turns into a line. Default 1. */
  readonly delta?: number;
}

/**
 * Huber's loss (https://doi.org/10.1214/aoms/1177703732), as `torch.nn.functional.huber_loss`.
 * @throws RangeError unless delta is positive.
 */
export function huberLoss(input: Tensor, target: Tensor, { delta = 1, reduction }: HuberOptions = {}): Tensor {
  if (!(delta > 0)) throw new RangeError(`huberLoss: delta must be positive, got ${delta}`);
  wantSameShape('huberLoss', input, target);
  return reduceLoss('huberLoss', bent(input.sub(target), delta), reduction);
}

/** d²/2 up to `at`, then at·(|d| − at/2). */
function bent(difference: Tensor, at: number): Tensor {
  const size = difference.abs();
  const near = size.minimum(at); // its square has no part of the line's gradient
  return near.square().mul(0.5).add(size.sub(near).mul(at));
}
