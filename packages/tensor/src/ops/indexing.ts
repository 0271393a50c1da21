import { type Dim, formatShape, type Shape, sameDim } from '../dim.ts';
import { ShapeError } from '../errors.ts';
import { apply } from '../tensor.ts';
import type { None, Rules, TensorType } from './rule.ts';

export interface IndexingOps {
  /** table [V, …], indices of any shape → [...indices, …]. */
  gather: None;
  /** indices [N], updates [N, …] → zeros [rows, …] with the updates added; indices may repeat. */
  scatterAddRows: { rows: Dim };
  /** logits [N, V], targets int [N] → losses [N], log-probabilities [N, V]. */
  crossEntropy: { labelSmoothing: number };
}

function wantIndices(op: string, indices: TensorType): void {
  if (indices.dtype !== 'int32' && indices.dtype !== 'int64')
    throw new ShapeError(op, `indices must be int32 or int64, got ${indices.dtype}`);
}

export const indexing: Rules<IndexingOps> = {
  gather: {
    shape: ([table, indices]) => {
      wantIndices('gather', indices!);
      return [{ dtype: table!.dtype, shape: [...indices!.shape, ...table!.shape.slice(1)] }];
    },
    gradient: ({ inputs: [table, indices], grads: [g], wanted }) => {
      if (!wanted[0]) return [null, null];
      const rest: Shape = table!.shape.slice(1);
      const updates = g!.reshape([-1, ...rest]);
      return [apply('scatterAddRows', [indices!.reshape([-1]), updates], { rows: table!.dim(0) }), null];
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
      const { shape } = inputs[1]!;
      const column = g.op('Reshape', [indices!, g.shape([shape[0]!, ...shape.slice(1).map(() => 1)])]);
      const spread = g.op('Expand', [column, g.shape(shape)]);
      const zeros = g.op('Expand', [g.scalar(0, 'float32'), g.shape(outputs[0]!.shape)]);
      return [g.op('ScatterElements', [zeros, spread, updates!], { axis: 0, reduction: 'add' })];
    },
  },
  crossEntropy: {
    shape: ([logits, targets]) => {
      wantIndices('crossEntropy', targets!);
      if (logits!.shape.length !== 2 || targets!.shape.length !== 1 || !sameDim(logits!.shape[0]!, targets!.shape[0]!))
        throw new ShapeError(
          'crossEntropy',
          `logits ${formatShape(logits!.shape)} and targets ${formatShape(targets!.shape)}: wants [N, V] and [N]`,
        );
      return [{ dtype: 'float32', shape: targets!.shape }, logits!];
    },
    gradient: ({
      inputs: [logits, targets],
      outputs: [, logProbs],
      attrs: { labelSmoothing: e },
      grads: [g, direct],
    }) => {
      if (direct) throw new ShapeError('crossEntropy', 'its log-probabilities have no gradient; use logSoftmax');
      // d/dlogits = p − ((1 − e)·onehot + e/V), times the row's gradient.
      const row = g!.unsqueeze(1);
      const smooth = logProbs!.exp().sub(e / logits!.size(1));
      return [apply('addAtColumns', [smooth.mul(row), targets!, g!.mul(e - 1)], {}), null];
    },
    lower: (g, { names, inputs, attrs: { labelSmoothing: e } }) => {
      // Along the last axis LogSoftmax is three times faster than inside SoftmaxCrossEntropyLoss, which moves the classes.
      const [logits, targets] = names as [string, string];
      const logProbs = g.op('LogSoftmax', [logits], { axis: -1 });
      const axis = g.ints([1]);
      const classes = g.scalar(inputs[0]!.size(1), inputs[1]!.dtype);
      const negative = g.op('Less', [targets, g.scalar(0, inputs[1]!.dtype)]);
      // A negative index would count from the end; outside the classes it fails.
      const column = g.op('Unsqueeze', [g.op('Where', [negative, classes, targets]), axis]);
      const loss = g.op('Neg', [g.op('Squeeze', [g.op('GatherElements', [logProbs, column], { axis: 1 }), axis])]);
      if (e === 0) return [loss, logProbs];
      const uniform = g.op('Neg', [g.op('ReduceMean', [logProbs, axis], { keepdims: 0 })]);
      const parts = [g.op('Mul', [loss, g.float(1 - e)]), g.op('Mul', [uniform, g.float(e)])];
      return [g.op('Add', parts), logProbs];
    },
  },
};

export interface ColumnOps {
  /** x [N, V], columns int [N], values [N] → x with values added at those columns. */
  addAtColumns: None;
}

export const columns: Rules<ColumnOps> = {
  addAtColumns: {
    shape: ([x]) => [x!],
    gradient: 'none', // only ever used inside a gradient
    lower: (g, { names: [x, at, values] }) => {
      const axis = g.ints([1]);
      const update = [g.op('Unsqueeze', [at!, axis]), g.op('Unsqueeze', [values!, axis])];
      return [g.op('ScatterElements', [x!, ...update], { axis: 1, reduction: 'add' })];
    },
  },
};
