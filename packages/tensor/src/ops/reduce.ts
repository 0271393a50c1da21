import { apply } from '../apply.ts';
import { type Dim, type Shape, sizeOf } from '../dim.ts';
import type { DType } from '../dtype.ts';
import { ShapeError } from '../errors.ts';
import type { Lowering } from '../lowering/lowering.ts';
import type { Tensor } from '../tensor.ts';
import type { ChannelsLast, LowerArgs, PrimitiveRule, Rules, TensorType } from './rule.ts';
import { FLOATS, NUMBERS, wantType } from './wants.ts';

export interface Axes {
  axes: readonly number[];
  keepDims: boolean;
}

/** ONNX's number of float64, which lowerings alone use: it holds integers up to 2⁵³. */
const FLOAT64 = 11;

interface OneAxis {
  axis: number;
  keepDims: boolean;
}

export interface ReduceOps {
  sum: Axes;
  mean: Axes;
  max: Axes;
  min: Axes;
  prod: Axes;
  argmax: OneAxis;
  argmin: OneAxis;
  sizeOf: { shape: Shape };
}

export function reduced(x: TensorType, { axes, keepDims }: Axes, dtype: DType = x.dtype): TensorType[] {
  const shape = x.shape.flatMap((dim, i): Dim[] => (axes.includes(i) ? (keepDims ? [1] : []) : [dim]));
  return [{ dtype, shape }];
}

/** The reduced tensor with the reduced axes as 1, so that it broadcasts against x. */
export function restore(y: Tensor, x: Tensor, axes: readonly number[]): Tensor {
  return y.reshape(x.shape.map((dim, i) => (axes.includes(i) ? 1 : dim)));
}

const isLeading = (axes: readonly number[]): boolean => axes.every((axis, i) => axis === i);

/** All axes but the second: a sum over each plane and then over the images, which takes two thirds of one over all at once. */
const isAroundChannels = (axes: readonly number[], rank: number): boolean =>
  rank > 2 && axes.length === rank - 1 && axes.every((axis, i) => axis === (i === 0 ? 0 : i + 1));

/** Sum over the first axes as a product with ones: 28 times faster than ReduceSum on [32, 65536]. */
export function sumLeading(g: Lowering, x: string, shape: Shape, count: number, out: Shape): string {
  const rows = sizeOf(shape.slice(0, count));
  const columns = sizeOf(shape.slice(count));
  const flat = g.op('Reshape', [x, g.shape([rows, columns])]);
  const ones = { tensor: { name: 'one', dtype: 'float32', dims: [1], data: Float32Array.of(1) } } as const;
  const row = g.op('ConstantOfShape', [g.shape([1, rows])], { value: ones });
  return g.op('Reshape', [g.op('MatMul', [row, flat]), g.shape(out)]);
}

/** The sum of an image [H, W, N, C] over height and width, then, if wanted, over the batch: two products with ones. */
const sumOfImage: ChannelsLast<Axes> = {
  inputs: [0],
  outputs: [],
  when: (_, { attrs: { axes, keepDims }, inputs: [x] }, given) =>
    given && x!.rank === 4 && !keepDims && axes.length >= 2 && ['2,3', '0,2,3'].includes(axes.join()),
  lower: (g, { names: [x], attrs: { axes }, inputs: [input], outputs }) => {
    const [batch, channels, height, width] = input!.shape as [Dim, Dim, Dim, Dim];
    const sums = sumLeading(g, x!, [height, width, batch, channels], 2, [batch, channels]);
    return [axes.length === 2 ? sums : sumLeading(g, sums, [batch, channels], 1, outputs[0]!.shape)];
  },
};

/** One node of a Reduce… operation. */
export function reduceWith(onnx: string, g: Lowering, { names, attrs: { axes, keepDims } }: LowerArgs<Axes>): string[] {
  if (axes.length === 0) return [g.op('Identity', names)];
  return [g.op(onnx, [...names, g.ints(axes)], { keepdims: keepDims ? 1 : 0 })];
}

/** The largest or the smallest. */
function extreme(op: string, onnx: string): PrimitiveRule<Axes> {
  return {
    shape: ([x], attrs) => {
      wantType(op, x!, NUMBERS);
      wantElements(op, x!, attrs.axes);
      return reduced(x!, attrs);
    },
    gradient: ({ inputs: [x], outputs: [y], attrs: { axes }, grads: [g] }) => {
      const ties = x!.equal(restore(y!, x!, axes)).cast('float32');
      return [ties.mul(restore(g!, x!, axes).div(ties.sum(axes, { keepDims: true })))];
    },
    lower: (g, args) => reduceWith(onnx, g, args),
  };
}

function position(op: string, onnx: string): PrimitiveRule<OneAxis> {
  return {
    shape: ([x], { axis, keepDims }) => {
      wantType(op, x!, NUMBERS);
      wantElements(op, x!, [axis]);
      return reduced(x!, { axes: [axis], keepDims }, 'int64');
    },
    gradient: 'none',
    lower: (g, { names: [x], inputs: [input], attrs: { axis, keepDims } }) => {
      const value = input!.dtype === 'int64' ? g.op('Cast', [x!], { to: FLOAT64 }) : x!; // no kernel for int64
      return [g.op(onnx, [value], { axis, keepdims: keepDims ? 1 : 0 })];
    },
  };
}

export function wantElements(op: string, { shape }: TensorType, axes: readonly number[]): void {
  for (const axis of axes)
    if (shape[axis] === 0) throw new ShapeError(op, `axis ${axis} of [${shape.join(', ')}] is empty`);
}

/** The number of reduced elements, a number where it is known. */
export function countOf(x: Tensor, axes: readonly number[]): number | Tensor {
  const shape = axes.map((axis) => x.shape[axis]!);
  const count = sizeOf(shape);
  return typeof count === 'number' ? count : apply('sizeOf', [], { shape }).cast('float32');
}

export const reduce: Rules<ReduceOps> = {
  sum: {
    shape: ([x], attrs) => {
      wantType('sum', x!, NUMBERS);
      return reduced(x!, attrs);
    },
    gradient: ({ inputs: [x], attrs, grads: [g] }) => [restore(g!, x!, attrs.axes).expand(x!.shape)],
    channelsLast: sumOfImage,
    lower: (g, args) => {
      const { names, attrs, inputs, outputs } = args;
      const { axes, keepDims } = attrs;
      const [x] = inputs;
      if (x!.dtype === 'float32' && !keepDims && isAroundChannels(axes, x!.rank)) {
        const perImage = g.op('ReduceSum', [names[0]!, g.ints(axes.slice(1))], { keepdims: 0 });
        return [sumLeading(g, perImage, x!.shape.slice(0, 2), 1, outputs[0]!.shape)];
      }
      if (x!.dtype === 'float32' && axes.length > 0 && axes.length < x!.rank && isLeading(axes))
        return [sumLeading(g, names[0]!, x!.shape, axes.length, outputs[0]!.shape)];
      return reduceWith('ReduceSum', g, args);
    },
  },
  mean: {
    shape: ([x], attrs) => {
      wantType('mean', x!, FLOATS);
      return reduced(x!, attrs);
    },
    gradient: ({ inputs: [x], attrs, grads: [g] }) => [
      restore(g!.div(countOf(x!, attrs.axes)), x!, attrs.axes).expand(x!.shape),
    ],
    lower: (g, args) => reduceWith('ReduceMean', g, args),
  },
  max: extreme('max', 'ReduceMax'),
  min: extreme('min', 'ReduceMin'),
  prod: {
    shape: ([x], attrs) => {
      wantType('prod', x!, NUMBERS);
      return reduced(x!, attrs);
    },
    // Where one factor is zero, only that one has a gradient: the product of the others.
    gradient: ({ inputs: [x], attrs: { axes }, grads: [g] }) => {
      const zero = x!.equal(0);
      const others = zero.where(x!.mul(0).add(1), x!);
      const product = others.prod(axes, { keepDims: true }).mul(restore(g!, x!, axes));
      const zeros = zero.cast('float32').sum(axes, { keepDims: true });
      const alone = zeros.equal(1).cast('float32').mul(product);
      const none = zeros.equal(0).cast('float32').mul(product);
      return [zero.where(alone, none.div(others))];
    },
    lower: (g, args) => reduceWith('ReduceProd', g, args),
  },
  argmax: position('argmax', 'ArgMax'),
  argmin: position('argmin', 'ArgMin'),
  sizeOf: {
    shape: () => [{ dtype: 'int64', shape: [] }],
    gradient: 'none',
    lower: (g, { attrs }) => [g.op('ReduceProd', [g.shape([1, ...attrs.shape])], { keepdims: 0 })],
  },
};
