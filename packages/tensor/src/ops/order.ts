import { apply } from '../apply.ts';
import type { Dim } from '../dim.ts';
import { ShapeError } from '../errors.ts';
import { full } from './layout.ts';
import type { Rules } from './rule.ts';
import { described, NUMBERS, wantCount, wantType } from './wants.ts';

/** Running sums, and what sorts. */
export interface OrderOps {
  /** `exclusive`: without the element itself; `reverse`: from the end. */
  cumsum: { axis: number; exclusive: boolean; reverse: boolean };
  /** → the first k values in falling (largest) or rising order, and their positions, int64; equal ones in their order. */
  topk: { axis: number; k: Dim; largest: boolean };
}

export const order: Rules<OrderOps> = {
  cumsum: {
    shape: ([x]) => {
      wantType('cumsum', x!, NUMBERS);
      return [x!];
    },
    gradient: ({ attrs, grads: [g] }) => [apply('cumsum', [g!], { ...attrs, reverse: !attrs.reverse })],
    lower: (g, { names, attrs: { axis, exclusive, reverse } }) => [
      g.op('CumSum', [...names, g.scalar(axis, 'int64')], { exclusive: exclusive ? 1 : 0, reverse: reverse ? 1 : 0 }),
    ],
  },
  topk: {
    shape: ([x], { axis, k }) => {
      wantType('topk', x!, NUMBERS);
      wantCount('topk', 'k', k);
      const size = x!.shape[axis]!;
      if (typeof size === 'number' && typeof k === 'number' && k > size)
        throw new ShapeError('topk', `k is ${k}, axis ${axis} of ${described(x!)} has ${size}`);
      const shape = x!.shape.map((dim, i) => (i === axis ? k : dim));
      return [
        { dtype: x!.dtype, shape },
        { dtype: 'int64', shape },
      ];
    },
    gradient: ({ inputs: [x], outputs: [, indices], attrs: { axis }, grads: [g] }) => [
      apply('scatterAdd', [full(x!.shape, 0), indices!, g!], { axis }),
    ],
    lower: (g, { names, attrs: { axis, k, largest } }) =>
      g.ops(2, 'TopK', [...names, g.shape([k])], { axis, largest: largest ? 1 : 0, sorted: 1 }),
  },
};
