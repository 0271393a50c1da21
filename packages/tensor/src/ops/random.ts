import { type Dim, type Shape, sizeOf } from '../dim.ts';
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

const RIGHT = { direction: 'RIGHT' } as const;

const fold = (g: Lowering, value: string, shift: number): string =>
  g.op('BitwiseXor', [value, g.op('BitShift', [value, g.scalar(shift, 'uint32')], RIGHT)]);
const times = (g: Lowering, value: string, factor: number): string => g.op('Mul', [value, g.scalar(factor, 'uint32')]);

/** One round of the 32-bit mixer "lowbias32" (https://github.com/skeeto/hash-prospector), on uint32. */
function mix(g: Lowering, x: string): string {
  return fold(g, times(g, fold(g, times(g, fold(g, x, 16), 0x7feb352d), 15), 0x846ca68b), 16);
}

/** 0 … length − 1, each mixed with the key. */
function mixedRange(g: Lowering, length: Dim, key: string): string {
  const count = g.op('Squeeze', [g.shape([length])]);
  const counter = g.op('Range', [g.scalar(0, 'int64'), count, g.scalar(1, 'int64')]);
  return mix(g, g.op('BitwiseXor', [g.op('Cast', [counter], { to: 12 }), key]));
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
      const last = shape.at(-1) ?? 1;
      const key = (salt: number): string => {
        const salted = g.scalar(Math.imul(2 * stream + salt, 0x9e3779b9) >>> 0, 'uint32');
        return mix(g, g.op('BitwiseXor', [g.op('Cast', [seed!], { to: 12 }), salted]));
      };
      // Rows and columns are mixed well, a cell is made of the two with a shorter mixer: half the work per value.
      const rows = g.op('Reshape', [mixedRange(g, sizeOf(shape.slice(0, -1)), key(1)), g.ints([-1, 1])]);
      const cells = g.op('BitwiseXor', [rows, mixedRange(g, last, key(2))]);
      const bits = times(g, fold(g, times(g, cells, 0x7feb352d), 15), 0x846ca68b);
      const uniform = g.op('Cast', [g.op('BitShift', [bits, g.scalar(8, 'uint32')], RIGHT)], { to: 6 });
      const dropped = g.op('Less', [uniform, g.scalar(Math.floor(p * 2 ** 24), 'int32')]);
      const scaled = g.op('Where', [dropped, g.float(0), g.float(1 / (1 - p))]);
      return [g.op('Reshape', [scaled, g.shape(shape)])];
    },
  },
};
