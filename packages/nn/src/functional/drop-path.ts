import { ShapeError, type Tensor } from '@rivulet/tensor';
import { dropoutMask } from './dropout.ts';

/**
 * Stochastic depth (https://arxiv.org/abs/1603.09382): zeroes whole examples of x [N, …] with probability `p` and scales the
 * rest by 1/(1 − p), in graphs that are traced for training; the identity elsewhere. For the branch beside a shortcut:
 * `x.add(dropPath(branch(x), p))`.
 * @throws ShapeError for a scalar, which has no examples; RangeError where p is not in [0, 1).
 */
export function dropPath(x: Tensor, p: number): Tensor {
  const [batch, ...rest] = x.shape;
  if (batch === undefined) throw new ShapeError('dropPath', 'wants [N, …], got a scalar');
  const mask = dropoutMask([batch, ...rest.map(() => 1)], p);
  return mask ? x.mul(mask) : x;
}
