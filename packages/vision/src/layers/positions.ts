import { concat, constant, type Tensor } from '@rivulet/tensor';
import { cubic } from '../image/resample-filters.ts';

/**
 * Learned positions of a grid for a grid of another size: bicubic with antialiasing, as timm's `resample_abs_pos_embed`.
 * pos [1, prefix + from², E] → [1, prefix + rows·columns, E]; tokens before the grid keep theirs. Differentiable; a stored
 * tensor is resized by `await resizePositions(…).data()`.
 */
export function resizePositions(
  pos: Tensor,
  { prefix, rows, columns }: { readonly prefix: number; readonly rows: number; readonly columns: number },
): Tensor {
  const side = Math.round(Math.sqrt(pos.size(1) - prefix));
  if (side * side !== pos.size(1) - prefix)
    throw new RangeError(`resizePositions: ${pos.size(1) - prefix} positions are no square grid`);
  if (rows === side && columns === side) return pos;
  const width = pos.size(2);
  const grid = pos.slice(1, prefix).reshape([side, side, width]); // [H, W, E]
  const high = bicubic(side, rows).matmul(grid.reshape([side, side * width])); // [H', W·E]
  const wide = bicubic(side, columns).matmul(high.reshape([rows, side, width])); // [H', W', E]
  return concat([pos.slice(1, 0, prefix), wide.reshape([1, rows * columns, width])], 1);
}

/** How much each of `from` places adds to each of `to`, [to, from]. */
function bicubic(from: number, to: number): Tensor {
  const matrix = new Float32Array(to * from);
  const scale = from / to;
  const stretch = Math.max(scale, 1);
  for (let row = 0; row < to; row++) {
    const center = (row + 0.5) * scale;
    const start = Math.max(0, Math.floor(center - 2 * stretch + 0.5));
    const end = Math.min(from, Math.floor(center + 2 * stretch + 0.5));
    const weights = Array.from({ length: end - start }, (_, i) => cubic((start + i - center + 0.5) / stretch));
    const total = weights.reduce((a, b) => a + b, 0);
    weights.forEach((weight, i) => {
      matrix[row * from + start + i] = weight / total;
    });
  }
  return constant(matrix, [to, from]);
}
