import { apply, type Dim, full, type Tensor } from '@rivulet/tensor';

/**
 * Indices of which the negative ones lie outside, where a run fails; without this they would count from the end.
 * @param indices int32 or int64.
 */
export function classAt(indices: Tensor, count: Dim): Tensor {
  const outside =
    typeof count === 'number'
      ? full([], count, indices.dtype)
      : apply('sizeOf', [], { shape: [count] }).cast(indices.dtype);
  return indices.less(0).where(outside, indices);
}
