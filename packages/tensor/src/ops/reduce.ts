import { type Dim, type Shape, sizeOf } from '../dim.ts';
import type { DType } from '../dtype.ts';
import { ShapeError } from '../errors.ts';
import type { Lowering } from '../lowering/lowering.ts';
import { apply, type Tensor } from '../tensor.ts';
import type { Rules, TensorType } from './rule.ts';

interface Axes {
  axes: readonly number[];
  keepDims: boolean;
}

export interface ReduceOps {
  sum: Axes;
  mean: Axes;
  max: Axes;
  argmax: { axis: number };
  softmax: { axis: number };
  logSoftmax: { axis: number };
}

function reduced(x: TensorType, { axes, keepDims }: Axes, dtype: DType = x.dtype): TensorType[] {
  const shape = x.shape.flatMap((dim, i): Dim[] => (axes.includes(i) ? (keepDims ? [1] : []) : [dim]));
  return [{ dtype, shape }];
}

/** The reduced tensor with the reduced axes as 1, so that it broadcasts against x. */
function restore(y: Tensor, x: Tensor, axes: readonly number[]): Tensor {
  return y.reshape(x.shape.map((dim, i) => (axes.includes(i) ? 1 : dim)));
}

const isLeading = (axes: readonly number[]): boolean => axes.every((axis, i) => axis === i);

/** Sum over the first axes as a product with ones: 28 times faster than ReduceSum on [32, 65536]. */
function sumLeading(g: Lowering, x: string, shape: Shape, count: number, out: Shape): string {
  const rows = sizeOf(shape.slice(0, count));
  const columns = sizeOf(shape.slice(count));
  const flat = g.op('Reshape', [x, g.shape([rows, columns])]);
  const ones = { tensor: { name: 'one', dtype: 'float32', dims: [1], data: Float32Array.of(1) } } as const;
  const row = g.op('ConstantOfShape', [g.shape([1, rows])], { value: ones });
  return g.op('Reshape', [g.op('MatMul', [row, flat]), g.shape(out)]);
}

export const reduce: Rules<ReduceOps> = {
  sum: {
    shape: ([x], attrs) => reduced(x!, attrs),
    gradient: ({ inputs: [x], attrs, grads: [g] }) => [restore(g!, x!, attrs.axes).expand(x!.shape)],
    lower: (g, { names, attrs, inputs: [x], outputs }) => {
      const { axes } = attrs;
      if (x!.dtype === 'float32' && axes.length > 0 && axes.length < x!.rank && isLeading(axes))
        return [sumLeading(g, names[0]!, x!.shape, axes.length, outputs[0]!.shape)];
      if (axes.length === 0) return [g.op('Identity', names)];
      return [g.op('ReduceSum', [...names, g.ints(axes)], { keepdims: attrs.keepDims ? 1 : 0 })];
    },
  },
  mean: {
    shape: ([x], attrs) => reduced(x!, attrs),
    gradient: ({ inputs: [x], attrs, grads: [g] }) => {
      const shape = attrs.axes.map((axis) => x!.shape[axis]!);
      const count = apply('sizeOf', [], { shape }).cast('float32');
      return [restore(g!.div(count), x!, attrs.axes).expand(x!.shape)];
    },
    lower: (g, { names, attrs }) => [
      attrs.axes.length === 0
        ? g.op('Identity', names)
        : g.op('ReduceMean', [...names, g.ints(attrs.axes)], { keepdims: attrs.keepDims ? 1 : 0 }),
    ],
  },
  max: {
    shape: ([x], attrs) => reduced(x!, attrs),
    gradient: ({ inputs: [x], outputs: [y], attrs: { axes }, grads: [g] }) => {
      const ties = x!.equal(restore(y!, x!, axes)).cast('float32');
      return [ties.mul(restore(g!, x!, axes).div(ties.sum(axes, { keepDims: true })))];
    },
    lower: (g, { names, attrs }) => [
      g.op('ReduceMax', [...names, g.ints(attrs.axes)], { keepdims: attrs.keepDims ? 1 : 0 }),
    ],
  },
  argmax: {
    shape: ([x], { axis }) => reduced(x!, { axes: [axis], keepDims: false }, 'int64'),
    gradient: 'none',
    lower: (g, { names, attrs }) => [g.op('ArgMax', names, { axis: attrs.axis, keepdims: 0 })],
  },
  softmax: {
    shape: ([x]) => floats('softmax', x!),
    gradient: ({ outputs: [y], attrs: { axis }, grads: [g] }) => {
      const weighted = g!.mul(y!);
      return [weighted.sub(y!.mul(weighted.sum(axis, { keepDims: true })))];
    },
    lower: (g, { names, attrs }) => [g.op('Softmax', names, { axis: attrs.axis })],
  },
  logSoftmax: {
    shape: ([x]) => floats('logSoftmax', x!),
    gradient: ({ outputs: [y], attrs: { axis }, grads: [g] }) => [
      g!.sub(y!.exp().mul(g!.sum(axis, { keepDims: true }))),
    ],
    lower: (g, { names, attrs }) => [g.op('LogSoftmax', names, { axis: attrs.axis })],
  },
};

function floats(op: string, x: TensorType): TensorType[] {
  if (x.dtype !== 'float32') throw new ShapeError(op, `wants float32, got ${x.dtype}`);
  return [x];
}
