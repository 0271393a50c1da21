import { apply } from '../apply.ts';
import { formatShape, sameDim } from '../dim.ts';
import { ShapeError } from '../errors.ts';
import type { None, Rules } from './rule.ts';
import { wantIndices } from './wants.ts';

export interface CrossEntropyOps {
  /** logits [N, V], targets int [N] → losses [N], log-probabilities [N, V]. */
  crossEntropy: { labelSmoothing: number };
  /** x [N, V], columns int [N], values [N] → x with values added at those columns. */
  addAtColumns: None;
}

export const crossEntropyRules: Rules<CrossEntropyOps> = {
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
