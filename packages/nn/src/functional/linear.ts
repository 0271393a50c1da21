import { apply, type Tensor } from '@rivulet/tensor';

/** x [..., I], weight [O, I], bias [O] → x·weightᵀ + bias, [..., O]. */
export function linear(x: Tensor, weight: Tensor, bias: Tensor | null = null): Tensor {
  const flat = x.rank === 2 ? x : x.reshape([-1, x.dim(-1)]);
  const y = apply('linear', bias ? [flat, weight, bias] : [flat, weight], {});
  return x.rank === 2 ? y : y.reshape([...x.shape.slice(0, -1), weight.dim(0)]);
}
