import type { Shape } from '../dim.ts';
import { ShapeError } from '../errors.ts';
import type { Lowering } from '../lowering/lowering.ts';
import type { Rules } from './rule.ts';

export interface RandomOps {
  /**
   * seed int32 [] → 0 with probability `p`, else 1/(1 − p). A counter-based generator: the value depends on the seed, the
   * stream and the position only, so every backend and every number of threads draws the same.
   */
  dropoutMask: { shape: Shape; p: number; stream: number };
}

/** One round of the 32-bit mixer "lowbias32" (https://github.com/skeeto/hash-prospector), on uint32. */
function mix(g: Lowering, x: string): string {
  const fold = (value: string, shift: number): string =>
    g.op('BitwiseXor', [value, g.op('BitShift', [value, g.scalar(shift, 'uint32')], { direction: 'RIGHT' })]);
  const times = (value: string, factor: number): string => g.op('Mul', [value, g.scalar(factor, 'uint32')]);
  return fold(times(fold(times(fold(x, 16), 0x7feb352d), 15), 0x846ca68b), 16);
}

export const random: Rules<RandomOps> = {
  dropoutMask: {
    shape: ([seed], { shape, p }) => {
      if (seed!.dtype !== 'int32') throw new ShapeError('dropoutMask', `the seed must be int32, got ${seed!.dtype}`);
      if (!(p >= 0 && p < 1)) throw new RangeError(`dropout: the probability must be in [0, 1), got ${p}`);
      return [{ dtype: 'float32', shape }];
    },
    gradient: 'none',
    lower: (g, { names: [seed], attrs: { shape, p, stream } }) => {
      const count = g.op('Squeeze', [g.op('ReduceProd', [g.shape([1, ...shape])])]);
      const counter = g.op('Range', [g.scalar(0, 'int64'), count, g.scalar(1, 'int64')]);
      const key = mix(
        g,
        g.op('BitwiseXor', [
          g.op('Cast', [seed!], { to: 12 }),
          g.scalar(Math.imul(stream + 1, 0x9e3779b9) >>> 0, 'uint32'),
        ]),
      );
      const bits = mix(g, g.op('BitwiseXor', [g.op('Cast', [counter], { to: 12 }), key]));
      const uniform = g.op('Cast', [g.op('BitShift', [bits, g.scalar(8, 'uint32')], { direction: 'RIGHT' })], {
        to: 6,
      });
      const kept = g.op('Less', [g.scalar(Math.floor(p * 2 ** 24) - 1, 'int32'), uniform]);
      const scaled = g.op('Mul', [g.op('Cast', [kept], { to: 1 }), g.float(1 / (1 - p))]);
      return [g.op('Reshape', [scaled, g.shape(shape)])];
    },
  },
};
