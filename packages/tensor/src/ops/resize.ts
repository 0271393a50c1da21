import { ShapeError } from '../errors.ts';
import { constant, type Tensor } from '../tensor.ts';
import type { Rules } from './rule.ts';
import { spatial } from './windows.ts';

export type ResizeMode = 'nearest' | 'bilinear';

export interface ResizeOps {
  /** x [N, C, …] → [N, C, …size]. */
  resize: { readonly size: readonly number[]; readonly mode: ResizeMode; readonly alignCorners: boolean };
}

export const resizeRules: Rules<ResizeOps> = {
  resize: {
    shape: ([x], { size, mode, alignCorners }) => {
      spatial('resize', x!, size.length);
      if (size.some((n) => !Number.isInteger(n) || n < 1))
        throw new ShapeError('resize', `the size must be positive integers, got [${size.join(', ')}]`);
      if (alignCorners && mode === 'nearest')
        throw new ShapeError('resize', 'alignCorners goes with the mode bilinear only');
      return [{ dtype: 'float32', shape: [...x!.shape.slice(0, 2), ...size] }];
    },
    // Linear along every axis, so a product with a matrix of weights: its gradient is the transposed product.
    expand: ([x], { size, mode, alignCorners }) => {
      const last = x!.rank - 1;
      const resized = size.reduce((y, to, i): Tensor => {
        const axis = 2 + i;
        const weights = constant(resizeMatrix(y.size(axis), to, mode, alignCorners), [y.size(axis), to]);
        return y.transpose(axis, last).matmul(weights).transpose(axis, last);
      }, x!);
      return [resized];
    },
    lower: (g, { names: [x], attrs: { mode, alignCorners }, outputs }) => {
      const how = mode === 'nearest' ? 'asymmetric' : alignCorners ? 'align_corners' : 'half_pixel';
      return [
        g.op('Resize', [x!, '', '', g.shape(outputs[0]!.shape)], {
          mode: mode === 'nearest' ? 'nearest' : 'linear',
          coordinate_transformation_mode: how,
          ...(mode === 'nearest' ? { nearest_mode: 'floor' } : {}),
        }),
      ];
    },
  },
};

/** How much each of `from` positions adds to each of `to`, row-major [from, to]; as torch.nn.functional.interpolate. */
function resizeMatrix(from: number, to: number, mode: ResizeMode, alignCorners: boolean): Float32Array {
  const matrix = new Float32Array(from * to);
  const scale = alignCorners ? (to > 1 ? (from - 1) / (to - 1) : 0) : from / to;
  for (let column = 0; column < to; column++) {
    if (mode === 'nearest') {
      matrix[Math.min(from - 1, Math.floor(column * scale)) * to + column] = 1;
      continue;
    }
    const at = Math.max(0, alignCorners ? column * scale : (column + 0.5) * scale - 0.5);
    const low = Math.min(from - 1, Math.floor(at));
    const share = at - low;
    matrix[low * to + column]! += 1 - share;
    matrix[Math.min(from - 1, low + 1) * to + column]! += share;
  }
  return matrix;
}
