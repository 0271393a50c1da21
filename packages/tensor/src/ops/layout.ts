import { apply, applyAll, normalizeAxis } from '../apply.ts';
import { addDims, type Dim, divDims, formatShape, mulDims, type Shape, sameDim, sameShape, sizeOf } from '../dim.ts';
import type { DType } from '../dtype.ts';
import { ShapeError } from '../errors.ts';
import type { OpNode, Tensor } from '../tensor.ts';
import { sumTo } from './broadcast.ts';
import type { Rules, TensorType } from './rule.ts';

export interface LayoutOps {
  reshape: { shape: Shape };
  permute: { order: readonly number[] };
  expand: { shape: Shape };
  concat: { axis: number };
  split: { axis: number; sizes: Shape };
  chunk: { axis: number; count: number };
  slice: { axis: number; start: number; end: number | null };
  full: { shape: Shape; value: number; dtype: DType };
  iota: { length: Dim };
}

const withAxis = (shape: Shape, axis: number, dim: Dim): Shape => shape.map((d, i) => (i === axis ? dim : d));

/** Fills in the one size given as -1. */
function reshaped(from: Shape, to: Shape): Shape {
  const unknown = to.indexOf(-1);
  const total = sizeOf(from);
  const fail = (): never => {
    throw new ShapeError('reshape', `${formatShape(from)} does not fit into ${formatShape(to)}`);
  };
  if (unknown < 0) return sameDim(total, sizeOf(to)) ? to : fail();
  if (to.lastIndexOf(-1) !== unknown) throw new ShapeError('reshape', `only one size may be -1 in ${formatShape(to)}`);
  const known = to.filter((_, i) => i !== unknown).reduce<Dim>(mulDims, 1);
  return withAxis(to, unknown, divDims(total, known) ?? fail());
}

/** start and end of a slice as sizes along the axis. */
function sliceBounds(dim: Dim, start: number, end: number | null): [Dim, Dim] {
  const position = (at: number): Dim => (at < 0 ? addDims(dim, at) : typeof dim === 'number' ? Math.min(at, dim) : at);
  const [from, to] = [position(start), end === null ? dim : position(end)];
  if (typeof from === 'number' && typeof to === 'number' && (from < 0 || to < from))
    throw new ShapeError('slice', `${start}..${end ?? ''} is not inside an axis of size ${dim}`);
  return [from, to];
}

const subDims = (a: Dim, b: Dim): Dim => addDims(a, mulDims(b, -1));

export const layout: Rules<LayoutOps> = {
  reshape: {
    shape: ([x], { shape }) => [{ dtype: x!.dtype, shape: reshaped(x!.shape, shape) }],
    gradient: ({ inputs: [x], grads: [g] }) => [g!.reshape(x!.shape)],
    lower: (g, { names, outputs }) => [g.op('Reshape', [...names, g.shape(outputs[0]!.shape)])],
  },
  permute: {
    shape: ([x], { order }) => {
      const axes = [...order].sort((a, b) => a - b);
      if (axes.length !== x!.shape.length || axes.some((axis, i) => axis !== i))
        throw new ShapeError('permute', `[${order}] is no order of the axes of ${formatShape(x!.shape)}`);
      return [{ dtype: x!.dtype, shape: order.map((axis) => x!.shape[axis]!) }];
    },
    gradient: ({ attrs: { order }, grads: [g] }) => [
      reordered(
        g!,
        order.map((_, i) => order.indexOf(i)),
      ),
    ],
    lower: (g, { names, attrs }) => [g.op('Transpose', names, { perm: attrs.order })],
  },
  expand: {
    shape: ([x], { shape }) => {
      const added = shape.length - x!.shape.length;
      const fits = added >= 0 && x!.shape.every((dim, i) => dim === 1 || sameDim(dim, shape[added + i]!));
      if (!fits) throw new ShapeError('expand', `${formatShape(x!.shape)} does not expand to ${formatShape(shape)}`);
      return [{ dtype: x!.dtype, shape }];
    },
    gradient: ({ inputs: [x], grads: [g] }) => [sumTo(g!, x!.shape)],
    lower: (g, { names, attrs }) => [g.op('Expand', [...names, g.shape(attrs.shape)])],
  },
  concat: {
    shape: (inputs, { axis }) => {
      const [first] = inputs;
      for (const x of inputs)
        if (x.dtype !== first!.dtype || !sameShape(withAxis(x.shape, axis, 0), withAxis(first!.shape, axis, 0)))
          throw new ShapeError(
            'concat',
            `along axis ${axis}, ${x.dtype} ${formatShape(x.shape)} does not match ${first!.dtype} ${formatShape(first!.shape)}`,
          );
      const total = inputs.map((x) => x.shape[axis]!).reduce(addDims);
      return [{ dtype: first!.dtype, shape: withAxis(first!.shape, axis, total) }];
    },
    gradient: ({ inputs, attrs: { axis }, grads: [g] }) =>
      applyAll('split', [g!], { axis, sizes: inputs.map((x) => x.shape[axis]!) }),
    lower: (g, { names, attrs }) => [names.length === 1 ? names[0]! : g.op('Concat', names, { axis: attrs.axis })],
  },
  split: {
    shape: ([x], { axis, sizes }) => {
      if (!sameDim(sizes.reduce(addDims, 0), x!.shape[axis]!))
        throw new ShapeError(
          'split',
          `sizes [${sizes.join(', ')}] do not add up to axis ${axis} of ${formatShape(x!.shape)}`,
        );
      return sizes.map((size) => ({ dtype: x!.dtype, shape: withAxis(x!.shape, axis, size) }));
    },
    gradient: ({ outputs, attrs: { axis }, grads }) => [joinParts(outputs, grads, axis)],
    lower: (g, { names, attrs }) =>
      attrs.sizes.length === 1
        ? names
        : g.ops(attrs.sizes.length, 'Split', [...names, g.shape(attrs.sizes)], { axis: attrs.axis }),
  },
  chunk: {
    shape: ([x], { axis, count }) => {
      const size = divDims(x!.shape[axis]!, count);
      if (size === undefined)
        throw new ShapeError('chunk', `axis ${axis} of ${formatShape(x!.shape)} does not divide into ${count} parts`);
      return Array.from({ length: count }, () => ({ dtype: x!.dtype, shape: withAxis(x!.shape, axis, size) }));
    },
    gradient: ({ outputs, attrs: { axis }, grads }) => [joinParts(outputs, grads, axis)],
    lower: (g, { names, attrs: { axis, count } }) =>
      count === 1 ? names : g.ops(count, 'Split', names, { axis, num_outputs: count }),
  },
  slice: {
    shape: ([x], { axis, start, end }) => {
      const [from, to] = sliceBounds(x!.shape[axis]!, start, end);
      return [{ dtype: x!.dtype, shape: withAxis(x!.shape, axis, subDims(to, from)) }];
    },
    gradient: ({ inputs: [x], attrs: { axis, start, end }, grads: [g] }) => {
      const [from, to] = sliceBounds(x!.dim(axis), start, end);
      const rest = subDims(x!.dim(axis), to);
      const pad = (size: Dim): Tensor[] => (size === 0 ? [] : [full(withAxis(x!.shape, axis, size), 0)]);
      return [concat([...pad(from), g!, ...pad(rest)], axis)];
    },
    lower: (g, { names, attrs: { axis, start, end } }) => [
      g.op('Slice', [...names, g.ints([start]), g.ints([end ?? Number.MAX_SAFE_INTEGER]), g.ints([axis])]),
    ],
  },
  full: {
    shape: (_, { shape, dtype }) => [{ dtype, shape }],
    gradient: 'none',
    lower: (g, { attrs: { shape, value, dtype } }) => [g.op('Expand', [g.scalar(value, dtype), g.shape(shape)])],
  },
  iota: {
    shape: (_, { length }) => [{ dtype: 'int64', shape: [length] }],
    gradient: 'none',
    lower: (g, { attrs }) => {
      const end = g.op('Squeeze', [g.shape([attrs.length])]);
      return [g.op('Range', [g.scalar(0, 'int64'), end, g.scalar(1, 'int64')])];
    },
  },
};

/** As `permute`; of what has just been permuted, in one step. */
function reordered(t: Tensor, order: readonly number[]): Tensor {
  const { node } = t;
  if (node.kind !== 'op' || node.op !== 'permute') return t.permute(order);
  const { order: first } = (node as OpNode<'permute'>).attrs;
  return node.inputs[0]!.permute(order.map((axis) => first[axis]!));
}

/** The gradient of a tensor that was taken apart: missing parts are zero. */
function joinParts(parts: readonly TensorType[], grads: readonly (Tensor | null)[], axis: number): Tensor {
  return concat(
    parts.map((part, i) => grads[i] ?? full(part.shape, 0)),
    axis,
  );
}

/** Joins tensors along an axis; the other sizes must match. */
export function concat(tensors: readonly Tensor[], axis: number): Tensor {
  const [first] = tensors;
  if (!first) throw new ShapeError('concat', 'needs at least one tensor');
  return apply('concat', tensors, { axis: normalizeAxis('concat', axis, first.rank) });
}

/** Joins tensors of equal shapes along a new axis. */
export function stack(tensors: readonly Tensor[], axis = 0): Tensor {
  const [first] = tensors;
  if (!first) throw new ShapeError('stack', 'needs at least one tensor');
  for (const x of tensors)
    if (!sameShape(x.shape, first.shape))
      throw new ShapeError('stack', `shapes ${formatShape(first.shape)} and ${formatShape(x.shape)} differ`);
  const at = normalizeAxis('stack', axis, first.rank + 1);
  return concat(
    tensors.map((x) => x.unsqueeze(at)),
    at,
  );
}

/** A tensor with one value everywhere. */
export function full(shape: Shape, value: number, dtype: DType = 'float32'): Tensor {
  return apply('full', [], { shape, value, dtype });
}

/** 0, 1, …, length − 1 as int64. */
export function iota(length: Dim): Tensor {
  return apply('iota', [], { length });
}
