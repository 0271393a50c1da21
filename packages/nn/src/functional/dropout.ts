import { apply, currentTrace, type Shape, type Tensor } from '@rivulet/tensor';

/**
 * Zeroes values with probability `p` and scales the rest by 1/(1 − p) (https://jmlr.org/papers/v15/srivastava14a.html), in
 * graphs that are traced for training; the identity elsewhere.
 */
export function dropout(x: Tensor, p: number): Tensor {
  const mask = dropoutMask(x.shape, p);
  return mask ? x.mul(mask) : x;
}

/** The factors of dropout for a shape; null where nothing is dropped. */
export function dropoutMask(shape: Shape, p: number): Tensor | null {
  const trace = currentTrace();
  if (!(p >= 0 && p < 1)) throw new RangeError(`dropout: the probability must be in [0, 1), got ${p}`);
  if (!trace.training || !trace.seed || p === 0) return null;
  return apply('dropoutMask', [trace.seed], { shape, p, stream: trace.nextStream() });
}
