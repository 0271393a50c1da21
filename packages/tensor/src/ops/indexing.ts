import { apply } from '../apply.ts';
import { type Dim, formatShape, type Shape, sameDim, sameShape } from '../dim.ts';
import { ShapeError } from '../errors.ts';
import type { Tensor } from '../tensor.ts';
import { full } from './layout.ts';
import type { Rules } from './rule.ts';
import { described, NUMBERS, wantIndices, wantSameType, wantType } from './wants.ts';

export interface IndexingOps {
  /** table [.., V, ..] by indices of any shape, which takes the place of the axis. Axis 0: [V, …] → [...indices, …]. */
  gather: { axis: number };
  /** As `gather` of axis 0; the row `paddingIndex` gets no gradient. */
  embedding: { paddingIndex: number | null };
  /** indices [N], updates [N, …] → zeros [rows, …] with the updates added; indices may repeat. */
  scatterAddRows: { rows: Dim };
  /** x, indices of the same rank → out[i][j] = x[indices[i][j]][j], for axis 0. */
  gatherAlong: { axis: number };
  /** x, indices, source: x[indices[i][j]][j] += source[i][j], for axis 0; indices may repeat. */
  scatterAdd: { axis: number };
}

/** indices [...], gradient [..., rest] → the gradient of the table. */
function tableGradient(indices: Tensor, gradient: Tensor, table: Tensor): Tensor {
  const updates = gradient.reshape([-1, ...table.shape.slice(1)]);
  return apply('scatterAddRows', [indices.reshape([-1]), updates], { rows: table.dim(0) });
}

/** Brings `count` axes from `at` to the front. */
function toFront(x: Tensor, at: number, count: number): Tensor {
  const axes = x.shape.map((_, i) => i);
  return x.permute([...axes.splice(at, count), ...axes]);
}

/** Sizes of indices must not exceed those of x, but for the axis itself. */
function wantAlong(op: string, x: Shape, indices: Shape, axis: number): void {
  const fits =
    x.length === indices.length &&
    x.every((dim, i) => {
      const size = indices[i]!;
      return i === axis || (typeof dim === 'number' && typeof size === 'number' ? size <= dim : sameDim(dim, size));
    });
  if (!fits)
    throw new ShapeError(op, `indices ${formatShape(indices)} do not fit ${formatShape(x)} along axis ${axis}`);
}

export const indexing: Rules<IndexingOps> = {
  gather: {
    shape: ([table, indices], { axis }) => {
      wantIndices('gather', indices!);
      if (table!.shape.length === 0) throw new ShapeError('gather', 'the table has no axis');
      const { shape } = table!;
      return [{ dtype: table!.dtype, shape: [...shape.slice(0, axis), ...indices!.shape, ...shape.slice(axis + 1)] }];
    },
    gradient: ({ inputs: [table, indices], attrs: { axis }, grads: [g], wanted }) => {
      if (!wanted[0]) return [null, null];
      if (axis === 0) return [tableGradient(indices!, g!, table!), null];
      const rows = toFront(g!, axis, indices!.rank);
      const front = tableGradient(indices!, rows, toFront(table!, axis, 1));
      const back = front.shape.map((_, i) => (i < axis ? i + 1 : i === axis ? 0 : i));
      return [front.permute(back), null];
    },
    lower: (g, { names, attrs }) => [g.op('Gather', names, { axis: attrs.axis })],
  },
  embedding: {
    shape: ([table, ids], { paddingIndex }) => {
      wantIndices('embedding', ids!);
      wantType('embedding', table!, ['float32']);
      const [rows] = table!.shape;
      if (table!.shape.length !== 2 || rows === undefined)
        throw new ShapeError('embedding', `the table must be [V, E], got ${formatShape(table!.shape)}`);
      const outside = paddingIndex !== null && (paddingIndex < 0 || (typeof rows === 'number' && paddingIndex >= rows));
      if (outside)
        throw new ShapeError('embedding', `the padding index ${paddingIndex} is no row of a table of ${rows}`);
      return [{ dtype: 'float32', shape: [...ids!.shape, table!.shape[1]!] }];
    },
    gradient: ({ inputs: [table, ids], attrs: { paddingIndex }, grads: [g], wanted }) => {
      if (!wanted[0]) return [null, null];
      if (paddingIndex === null) return [tableGradient(ids!, g!, table!), null];
      const real = ids!.notEqual(paddingIndex).cast('float32').unsqueeze(-1);
      return [tableGradient(ids!, g!.mul(real), table!), null];
    },
    lower: (g, { names }) => [g.op('Gather', names, { axis: 0 })],
  },
  scatterAddRows: {
    shape: ([indices, updates], { rows }) => {
      wantIndices('scatterAddRows', indices!);
      if (indices!.shape.length !== 1 || !sameDim(indices!.shape[0]!, updates!.shape[0] ?? 0))
        throw new ShapeError(
          'scatterAddRows',
          `indices ${formatShape(indices!.shape)} do not index the rows of ${formatShape(updates!.shape)}`,
        );
      return [{ dtype: updates!.dtype, shape: [rows, ...updates!.shape.slice(1)] }];
    },
    gradient: ({ inputs: [indices], grads: [g], wanted }) => [null, wanted[1] ? g!.gather(indices!) : null],
    // ScatterElements, because ScatterND with reduction=add loses updates of repeated indices with several threads.
    lower: (g, { names: [indices, updates], inputs, outputs }) => {
      const { shape, dtype } = inputs[1]!;
      const column = g.op('Reshape', [indices!, g.shape([shape[0]!, ...shape.slice(1).map(() => 1)])]);
      const spread = g.op('Expand', [column, g.shape(shape)]);
      const zeros = g.op('Expand', [g.scalar(0, dtype), g.shape(outputs[0]!.shape)]);
      return [g.op('ScatterElements', [zeros, spread, updates!], { axis: 0, reduction: 'add' })];
    },
  },
  gatherAlong: {
    shape: ([x, indices], { axis }) => {
      wantIndices('gatherAlong', indices!);
      wantAlong('gatherAlong', x!.shape, indices!.shape, axis);
      return [{ dtype: x!.dtype, shape: indices!.shape }];
    },
    gradient: ({ inputs: [x, indices], attrs, grads: [g], wanted }) => [
      wanted[0] ? apply('scatterAdd', [full(x!.shape, 0), indices!, g!], attrs) : null,
      null,
    ],
    lower: (g, { names, attrs }) => [g.op('GatherElements', names, { axis: attrs.axis })],
  },
  scatterAdd: {
    shape: ([x, indices, source], { axis }) => {
      wantIndices('scatterAdd', indices!);
      wantSameType('scatterAdd', [x!, source!]);
      wantType('scatterAdd', x!, NUMBERS);
      wantAlong('scatterAdd', x!.shape, indices!.shape, axis);
      if (!sameShape(indices!.shape, source!.shape))
        throw new ShapeError('scatterAdd', `${described(indices!)} indices for ${described(source!)}`);
      return [x!];
    },
    gradient: ({ inputs: [, indices], attrs: { axis }, grads: [g], wanted }) => [
      wanted[0] ? g! : null,
      null,
      wanted[2] ? g!.gatherAlong(axis, indices!) : null,
    ],
    lower: (g, { names, attrs }) => [g.op('ScatterElements', names, { axis: attrs.axis, reduction: 'add' })],
  },
};

/**
 * Rows of a table [V, E] by ids (int32 or int64) [...] → [..., E]. The run fails where an id is outside the table.
 * @param paddingIndex a row that gets no gradient.
 */
export function embedding(table: Tensor, ids: Tensor, { paddingIndex }: { paddingIndex?: number } = {}): Tensor {
  return apply('embedding', [table, ids], { paddingIndex: paddingIndex ?? null });
}
