import { apply, applyAll, normalizeAxes } from '../apply.ts';
import { addDims, type Dim, formatShape, mulDims, type Shape } from '../dim.ts';
import { type DType, onnxType } from '../dtype.ts';
import { ShapeError } from '../errors.ts';
import type { Tensor } from '../tensor.ts';
import type { Rules } from './rule.ts';
import { wantCount } from './wants.ts';

export type PadMode = 'constant' | 'reflect' | 'edge';

/** Operations that copy elements to other places. */
export interface ArrangeOps {
  flip: { axes: readonly number[] };
  /** Per axis, the sizes before and after. 'reflect' leaves the edge out, 'edge' repeats it. */
  pad: { pads: readonly (readonly [Dim, Dim])[]; mode: PadMode; value: number };
  /** Zero below (upper) or above the diagonal of the last two axes. */
  triangle: { upper: boolean; diagonal: number };
  /** x as many times along every axis; as many counts as axes, or more. */
  repeat: { counts: Shape };
}

const ones = (count: number): number[] => Array<number>(count).fill(1);

export const arrange: Rules<ArrangeOps> = {
  flip: {
    shape: ([x]) => [x!],
    gradient: ({ attrs, grads: [g] }) => [apply('flip', [g!], attrs)],
    lower: (g, { names, attrs: { axes } }) => {
      if (axes.length === 0) return [g.op('Identity', names)];
      const each = (value: number): string => g.ints(axes.map(() => value));
      return [g.op('Slice', [...names, each(-1), each(-Number.MAX_SAFE_INTEGER), g.ints(axes), each(-1)])];
    },
  },
  pad: {
    shape: ([x], { pads, mode, value }) => {
      const { shape, dtype } = x!;
      if (!['constant', 'reflect', 'edge'].includes(mode))
        throw new ShapeError('pad', `the mode must be 'constant', 'reflect' or 'edge', got '${mode}'`);
      if (pads.length !== shape.length)
        throw new ShapeError('pad', `${pads.length} pairs of sizes for the axes of ${formatShape(shape)}`);
      if (dtype !== 'float32' && !Number.isInteger(value))
        throw new ShapeError('pad', `the value ${value} is no ${dtype}`);
      for (const [axis, pair] of pads.entries())
        for (const size of pair) {
          wantCount('pad', 'a size', size, 0);
          const dim = shape[axis]!;
          const least = mode === 'reflect' ? addDims(size, 1) : 1;
          if (mode !== 'constant' && size !== 0 && typeof dim === 'number' && typeof least === 'number' && dim < least)
            throw new ShapeError('pad', `mode '${mode}' has no ${size} elements to add to axis ${axis} of size ${dim}`);
        }
      return [{ dtype, shape: shape.map((dim, i) => addDims(dim, addDims(pads[i]![0], pads[i]![1]))) }];
    },
    gradient: ({ inputs: [x], attrs: { pads, mode }, grads: [g] }) => [
      pads.reduce((t, [before, after], axis) => unpad(t, axis, x!.dim(axis), before, after, mode), g!),
    ],
    lower: (g, { names, attrs: { pads, mode, value }, inputs: [x] }) => {
      const sizes = g.shape([...pads.map(([before]) => before), ...pads.map(([, after]) => after)]);
      const fill = mode === 'constant' ? [g.scalar(value, x!.dtype)] : [];
      return [g.op('Pad', [...names, sizes, ...fill], { mode })];
    },
  },
  triangle: {
    shape: ([x], { upper, diagonal }) => {
      const op = upper ? 'triu' : 'tril';
      if (x!.shape.length < 2) throw new ShapeError(op, `wants two axes or more, got ${formatShape(x!.shape)}`);
      if (!Number.isInteger(diagonal)) throw new ShapeError(op, `the diagonal must be an integer, got ${diagonal}`);
      return [x!];
    },
    gradient: ({ attrs, grads: [g] }) => [apply('triangle', [g!], attrs)],
    lower: (g, { names, attrs: { upper, diagonal }, inputs: [x] }) => {
      const cut = (value: string): string =>
        g.op('Trilu', [value, g.scalar(diagonal, 'int64')], { upper: upper ? 1 : 0 });
      if (['float32', 'int64', 'bool'].includes(x!.dtype)) return [cut(names[0]!)];
      // The runtime has a kernel for these types alone.
      return [g.op('Cast', [cut(g.op('Cast', names, { to: onnxType('int64') }))], { to: onnxType(x!.dtype) })];
    },
  },
  repeat: {
    shape: ([x], { counts }) => {
      if (counts.length < x!.shape.length)
        throw new ShapeError('repeat', `${counts.length} counts for the axes of ${formatShape(x!.shape)}`);
      for (const count of counts) wantCount('repeat', 'a count', count);
      const shape = [...ones(counts.length - x!.shape.length), ...x!.shape];
      return [{ dtype: x!.dtype, shape: shape.map((dim, i) => mulDims(dim, counts[i]!)) }];
    },
    expand: ([x], { counts }) => {
      const shape = [...ones(counts.length - x!.rank), ...x!.shape];
      const apart = x!.reshape(shape.flatMap((dim) => [1, dim]));
      const repeated = apart.expand(shape.flatMap((dim, i) => [counts[i]!, dim]));
      return [repeated.reshape(shape.map((dim, i) => mulDims(dim, counts[i]!)))];
    },
    lower: (g, { names: [x], inputs: [input], attrs: { counts } }) => {
      const added = counts.length - input!.rank;
      const value = added > 0 ? g.op('Reshape', [x!, g.shape([...ones(added), ...input!.shape])]) : x!;
      return [g.op('Tile', [value, g.shape(counts)])];
    },
  },
};

/** The gradient of padding along one axis: what was copied comes back to where it was copied from. */
function unpad(g: Tensor, axis: number, size: Dim, before: Dim, after: Dim, mode: PadMode): Tensor {
  const sizes = [before, size, after].filter((part) => part !== 0);
  if (sizes.length === 1) return g;
  const parts = applyAll('split', [g], { axis, sizes });
  const inner = parts[before === 0 ? 0 : 1]!;
  if (mode === 'constant') return inner;
  const less = (n: Dim): Dim => addDims(size, mulDims(n, -1));
  const place = (part: Tensor, from: Dim, to: Dim): Tensor =>
    apply('pad', [part], {
      pads: part.shape.map((_, i) => (i === axis ? [from, to] : [0, 0])),
      mode: 'constant',
      value: 0,
    });
  const reflect = mode === 'reflect';
  const back = (part: Tensor): Tensor =>
    reflect ? apply('flip', [part], { axes: [axis] }) : part.sum(axis, { keepDims: true });
  const [near, taken] = reflect ? [1, (n: Dim) => addDims(n, 1)] : [0, () => 1]; // where the copied ones stood
  let sum = inner;
  if (before !== 0) sum = sum.add(place(back(parts[0]!), near, less(taken(before))));
  if (after !== 0) sum = sum.add(place(back(parts.at(-1)!), less(taken(after)), near));
  return sum;
}

/** Reverses axes; all by default. */
export function flip(x: Tensor, axes?: number | readonly number[]): Tensor {
  return apply('flip', [x], { axes: normalizeAxes('flip', axes, x.rank) });
}

/** 1 on the diagonal of [rows, columns], else 0. */
export function eye(rows: Dim, columns: Dim = rows, dtype: DType = 'float32'): Tensor {
  const along = (length: Dim): Tensor => apply('iota', [], { length });
  return along(rows).unsqueeze(1).equal(along(columns)).cast(dtype);
}
