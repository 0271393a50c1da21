import { sizeOf } from '../dim.ts';
import { ShapeError } from '../errors.ts';
import type { Lowering } from '../lowering/lowering.ts';
import type { Tensor } from '../tensor.ts';
import { type Axes, countOf, reduced, reduceWith, restore, wantElements } from './reduce.ts';
import type { LowerArgs, Rules } from './rule.ts';
import { FLOATS, wantType } from './wants.ts';

export interface StatisticsOps {
  /** The squared deviations from the mean, divided by the count minus the correction. */
  variance: Axes & { correction: number };
  logSumExp: Axes;
  softmax: { axis: number };
  logSoftmax: { axis: number };
}

/** From vector code: twice as fast as ReduceLogSumExp. The largest is kept finite, since ∞ − ∞ would be NaN. */
function logSumExp(g: Lowering, args: LowerArgs<Axes>): string[] {
  const { names, attrs } = args;
  if (attrs.axes.length === 0) return [g.op('Identity', names)];
  const [most] = reduceWith('ReduceMax', g, { ...args, attrs: { ...attrs, keepDims: true } });
  const finite = g.op('Clip', [most!, g.float(-3e38), g.float(3e38)]);
  const powers = g.op('Exp', [g.op('Sub', [names[0]!, finite])]);
  const [sum] = reduceWith('ReduceSum', g, { ...args, names: [powers] });
  const same = attrs.keepDims ? finite : g.op('Squeeze', [finite, g.ints(attrs.axes)]);
  return [g.op('Add', [g.op('Log', [sum!]), same])];
}

/** count − correction, not below 0. */
function degrees(count: number | Tensor, correction: number): number | Tensor {
  return typeof count === 'number' ? Math.max(count - correction, 0) : count.sub(correction).maximum(0);
}

export const statistics: Rules<StatisticsOps> = {
  variance: {
    shape: ([x], attrs) => {
      wantType('var', x!, FLOATS);
      if (!(attrs.correction >= 0))
        throw new ShapeError('var', `the correction must be 0 or more, got ${attrs.correction}`);
      return reduced(x!, attrs);
    },
    gradient: ({ inputs: [x], attrs: { axes, correction }, grads: [g] }) => {
      const scale = restore(g!.mul(2).div(degrees(countOf(x!, axes), correction)), x!, axes);
      return [x!.sub(x!.mean(axes, { keepDims: true })).mul(scale)];
    },
    lower: (g, { names: [x], inputs: [input], attrs: { axes, keepDims, correction } }) => {
      const reduction = g.ints(axes);
      const centered = g.op('Sub', [x!, axes.length ? g.op('ReduceMean', [x!, reduction], { keepdims: 1 }) : x!]);
      const square = g.op('Mul', [centered, centered]);
      const sum = axes.length ? g.op('ReduceSum', [square, reduction], { keepdims: keepDims ? 1 : 0 }) : square;
      const shape = axes.map((axis) => input!.shape[axis]!);
      const count = sizeOf(shape);
      if (typeof count === 'number') return [g.op('Div', [sum, g.float(Math.max(count - correction, 0))])];
      const size = g.op('Cast', [g.op('ReduceProd', [g.shape(shape)], { keepdims: 0 })], { to: 1 });
      return [g.op('Div', [sum, g.op('Max', [g.op('Sub', [size, g.float(correction)]), g.float(0)])])];
    },
  },
  logSumExp: {
    shape: ([x], attrs) => {
      wantType('logSumExp', x!, FLOATS);
      wantElements('logSumExp', x!, attrs.axes);
      return reduced(x!, attrs);
    },
    gradient: ({ inputs: [x], outputs: [y], attrs: { axes }, grads: [g] }) => {
      const finite = y!.maximum(-3e38); // −∞ − −∞ would be NaN
      return [
        x!
          .sub(restore(finite, x!, axes))
          .exp()
          .mul(restore(g!, x!, axes)),
      ];
    },
    lower: logSumExp,
  },
  softmax: {
    shape: ([x]) => {
      wantType('softmax', x!, FLOATS);
      return [x!];
    },
    gradient: ({ outputs: [y], attrs: { axis }, grads: [g] }) => {
      const weighted = g!.mul(y!);
      return [weighted.sub(y!.mul(weighted.sum(axis, { keepDims: true })))];
    },
    lower: (g, { names, attrs }) => [g.op('Softmax', names, { axis: attrs.axis })],
  },
  logSoftmax: {
    shape: ([x]) => {
      wantType('logSoftmax', x!, FLOATS);
      return [x!];
    },
    gradient: ({ outputs: [y], attrs: { axis }, grads: [g] }) => [
      g!.sub(y!.exp().mul(g!.sum(axis, { keepDims: true }))),
    ],
    lower: (g, { names, attrs }) => [g.op('LogSoftmax', names, { axis: attrs.axis })],
  },
};
