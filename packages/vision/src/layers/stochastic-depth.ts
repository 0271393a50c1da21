import { dropoutMask } from '@rivulet/nn';
import type { Tensor } from '@rivulet/tensor';

/** Leaves a residual branch out for whole images with probability `p`, in training alone (https://arxiv.org/abs/1603.09382). */
export function stochasticDepth(branch: Tensor, p: number): Tensor {
  const mask = dropoutMask([branch.dim(0), ...branch.shape.slice(1).map(() => 1)], p);
  return mask ? branch.mul(mask) : branch;
}
