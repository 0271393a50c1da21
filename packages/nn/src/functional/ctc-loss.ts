import {
  concat,
  type Dim,
  formatShape,
  full,
  iota,
  ShapeError,
  sameDim,
  scan,
  stack,
  type Tensor,
} from '@rivulet/tensor';
import { classAt } from './indices.ts';
import { type ReductionOptions, reduceLoss } from './reduction.ts';

export interface CTCOptions extends ReductionOptions {
  /** The class that stands for no label. Default 0. */
  readonly blank?: number;
  /** Gives 0 instead of Infinity where the input is too short for its labels. Default false. */
  readonly zeroInfinity?: boolean;
}

/** The logarithm of 0, finite so that no difference of infinities arises; what is below half of it is impossible. */
const NEVER = -1e30;

/**
 * Connectionist temporal classification (https://www.cs.toronto.edu/~graves/icml_2006.pdf), as `torch.nn.functional.ctc_loss`:
 * −log of the probability of all alignments of the labels. 'mean' divides by the number of labels first.
 * Impossible alignments have no gradient (PyTorch's is NaN without `zeroInfinity`).
 * @param logProbs [T, N, C], from logSoftmax.
 * @param targets labels [N, S] (int32 or int64); what lies past a row's length does not matter.
 * @param inputLengths [N], at most T each.
 * @param targetLengths [N], at most S each.
 * @throws ShapeError where the shapes do not fit; the run fails for labels outside the classes and lengths out of range.
 */
export function ctcLoss(
  logProbs: Tensor,
  targets: Tensor,
  inputLengths: Tensor,
  targetLengths: Tensor,
  { blank = 0, zeroInfinity = false, reduction = 'mean' }: CTCOptions = {},
): Tensor {
  wantShapes(logProbs, targets, inputLengths, targetLengths);
  const [steps, batch, classes] = logProbs.shape as [Dim, Dim, Dim];
  if (typeof classes === 'number' && !(Number.isInteger(blank) && blank >= 0 && blank < classes))
    throw new RangeError(`ctcLoss: blank must be one of ${classes} classes, got ${blank}`);
  const labels = targets.dim(1);
  const frames = within(inputLengths, steps);
  const lengths = within(targetLengths, labels);

  // Labels with blanks around and between: [N, L], L = 2S + 1.
  const present = iota(labels).less(lengths.unsqueeze(1));
  const blanks = full([batch, labels], blank, 'int64');
  const known = present.where(classAt(targets.cast('int64'), classes), blanks);
  const states = concat([stack([blanks, known], 2).reshape([batch, -1]), full([batch, 1], blank, 'int64')], 1);
  const count = states.dim(1);
  // A label may follow the one before without a blank, unless they are the same.
  const before = shifted(states, 2, blank);
  const skips = states.notEqual(blank).and(states.notEqual(before));
  const emissions = logProbs.gatherAlong(2, states.unsqueeze(0).expand([steps, batch, count])); // [T, N, L]
  const active = iota(steps).unsqueeze(1).less(frames).unsqueeze(2); // [T, N, 1]

  // Before the first frame all is at the first blank, from where the first label is one step.
  const start = iota(count).equal(0).where(full([], 0), full([], NEVER)).unsqueeze(0).expand([batch, count]);
  const { final } = scan(
    ([alpha], [emission, on]) => {
      const stay = alpha!;
      const [next, skip] = [shifted(stay, 1, NEVER), skips.where(shifted(stay, 2, NEVER), full([], NEVER))];
      const reached = stack([stay, next, skip], 0).logSumExp(0).add(emission!);
      return { carry: [on!.where(reached, stay)], outputs: [] };
    },
    { initial: [start], sequences: [emissions, active] },
  );

  // It ends at the last label or the blank behind it.
  const last = lengths.mul(2).unsqueeze(1);
  const ends = iota(count)
    .equal(last)
    .or(iota(count).equal(last.sub(1)));
  const total = ends.where(final[0]!, full([], NEVER)).logSumExp(1).neg();
  const impossible = total.greater(-NEVER / 2);
  const losses = impossible.where(zeroInfinity ? 0 : Number.POSITIVE_INFINITY, total);
  return reduceLoss(
    'ctcLoss',
    reduction === 'mean' ? losses.div(lengths.maximum(1).cast('float32')) : losses,
    reduction,
  );
}

/** Moved right along the last axis by `by`, filled up with a value. */
function shifted(x: Tensor, by: number, value: number): Tensor {
  const padding = full([x.dim(0), by], value, x.dtype);
  return concat([padding, x], 1).slice(1, 0, -by);
}

/** Lengths as int64; the run fails where one is not from 0 to `most`. */
function within(lengths: Tensor, most: Dim): Tensor {
  const allowed = concat([full([1], 0, 'int64'), iota(most).add(1)], 0);
  return allowed.gather(classAt(lengths.cast('int64'), allowed.dim(0)));
}

function wantShapes(logProbs: Tensor, targets: Tensor, inputLengths: Tensor, targetLengths: Tensor): void {
  const batch = logProbs.rank === 3 ? logProbs.dim(1) : undefined;
  const fits =
    batch !== undefined &&
    targets.rank === 2 &&
    sameDim(targets.dim(0), batch) &&
    [inputLengths, targetLengths].every((lengths) => lengths.rank === 1 && sameDim(lengths.dim(0), batch));
  if (!fits)
    throw new ShapeError(
      'ctcLoss',
      `logProbs ${formatShape(logProbs.shape)}, targets ${formatShape(targets.shape)}, lengths ` +
        `${formatShape(inputLengths.shape)} and ${formatShape(targetLengths.shape)}: wants [T, N, C], [N, S], [N] and [N]`,
    );
}
