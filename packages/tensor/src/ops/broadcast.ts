import { type Shape, sameDim, sameShape } from '../dim.ts';
import type { Tensor } from '../tensor.ts';

/** Sums the axes that broadcasting added or stretched, so that the gradient has the operand's shape. */
export function sumTo(gradient: Tensor, shape: Shape): Tensor {
  if (sameShape(gradient.shape, shape)) return gradient;
  const added = gradient.rank - shape.length;
  const axes = gradient.shape.flatMap((dim, i) => (i < added || !sameDim(dim, shape[i - added]!) ? [i] : []));
  return gradient.sum(axes).reshape(shape);
}
