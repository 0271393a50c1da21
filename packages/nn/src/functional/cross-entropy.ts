import { apply, formatShape, full, ShapeError, sameDim, sameShape, type Tensor } from '@rivulet/tensor';
import { classAt } from './indices.ts';
import { type Reduction, type ReductionOptions, reduceLoss } from './reduction.ts';

export interface NLLOptions extends ReductionOptions {
  /** Targets with this value count neither in the loss nor in the mean. Default −100. */
  readonly ignoreIndex?: number;
  /** A factor per class, [V]. The mean is weighted by the targets' factors, as PyTorch's. */
  readonly weight?: Tensor;
}

export interface CrossEntropyOptions extends NLLOptions {
  /** The share of probability spread over all classes (https://arxiv.org/abs/1512.00567, §7). Default 0. */
  readonly labelSmoothing?: number;
}

export interface CrossEntropy {
  /** The mean over the counted targets, []. 0 where none counts. */
  readonly loss: Tensor;
  /** The sum over the counted targets, []. */
  readonly sum: Tensor;
  /** How many targets count, or with class weights the sum of their factors, float32 []. */
  readonly count: Tensor;
}

/** Losses by position, 0 where ignored, and what each counts in the mean. */
interface Rows {
  readonly losses: Tensor;
  readonly counted: Tensor;
}

/** As `crossEntropy`, with the sum and the count that corpus figures need. */
export function crossEntropyParts(logits: Tensor, targets: Tensor, options: CrossEntropyOptions = {}): CrossEntropy {
  return parts(rowsOf(logits, targets, options));
}

/**
 * Cross entropy of logits [..., V], as torch.nn.functional.cross_entropy (which has the classes at axis 1), against
 * class numbers [...] (int32 or int64), or probabilities [..., V] (float32). A mean of nothing is 0.
 * @throws ShapeError where the shapes do not fit, RangeError for label smoothing outside [0, 1]; the run fails where a target
 * is outside the classes.
 */
export function crossEntropy(logits: Tensor, targets: Tensor, options: CrossEntropyOptions = {}): Tensor {
  const shape = isSoft(targets) ? targets.shape.slice(0, -1) : targets.shape;
  return reduced('crossEntropy', rowsOf(logits, targets, options), shape, options.reduction);
}

/** Whether targets are probabilities, not class numbers. */
const isSoft = (targets: Tensor): boolean => targets.dtype === 'float32';

const rowsOf = (logits: Tensor, targets: Tensor, options: CrossEntropyOptions): Rows =>
  isSoft(targets) ? softRows(logits, targets, options) : hardRows(logits, targets, options);

/**
 * −logProbs at the targets: logProbs [..., V], targets [...] int32 or int64, as torch.nn.functional.nll_loss (which has the
 * classes at axis 1). @throws ShapeError where the shapes do not fit; the run fails where a target is outside the classes.
 */
export function nllLoss(
  logProbs: Tensor,
  targets: Tensor,
  { ignoreIndex = -100, weight, reduction }: NLLOptions = {},
): Tensor {
  wantClasses('nllLoss', logProbs, weight);
  const { safe, counted } = ignoring(targets, ignoreIndex);
  const rows = logProbs.reshape([-1, logProbs.dim(-1)]);
  if (!sameDim(rows.dim(0), safe.dim(0)))
    throw new ShapeError(
      'nllLoss',
      `log-probabilities ${formatShape(logProbs.shape)} and targets ${formatShape(targets.shape)}: wants [..., V] and [...]`,
    );
  const picked = rows.gatherAlong(1, classAt(safe, rows.dim(1)).unsqueeze(1)).squeeze(1);
  const factors = weight ? counted.mul(weight.gather(safe)) : counted;
  const losses = picked.neg().mul(factors);
  return reduced('nllLoss', { losses, counted: factors }, targets.shape, reduction);
}

function parts({ losses, counted }: Rows): CrossEntropy {
  const [sum, count] = [losses.sum(), counted.sum()];
  const none = count.equal(0);
  return { loss: sum.div(none.where(1, count)), sum, count };
}

function reduced(op: string, rows: Rows, shape: Tensor['shape'], reduction: Reduction = 'mean'): Tensor {
  return reduction === 'mean' ? parts(rows).loss : reduceLoss(op, rows.losses.reshape(shape), reduction);
}

function hardRows(logits: Tensor, targets: Tensor, options: CrossEntropyOptions): Rows {
  const { ignoreIndex = -100, labelSmoothing = 0, weight } = options;
  wantSmoothing(labelSmoothing);
  wantClasses('crossEntropy', logits, weight);
  const { safe, counted } = ignoring(targets, ignoreIndex);
  const rows = logits.reshape([-1, logits.dim(-1)]);
  const smoothing = weight ? 0 : labelSmoothing;
  const plain = apply('crossEntropy', [rows, safe], { labelSmoothing: smoothing });
  if (!weight) return { losses: plain.mul(counted), counted };
  const factors = counted.mul(weight.gather(safe));
  const hard = plain.mul(factors);
  if (labelSmoothing === 0) return { losses: hard, counted: factors };
  // Every class takes its share with its own factor; the mean stays weighted by the targets' factors.
  const uniform = rows.logSoftmax(1).mul(weight).mean(1).neg().mul(counted);
  return { losses: hard.mul(1 - labelSmoothing).add(uniform.mul(labelSmoothing)), counted: factors };
}

/** Targets are probabilities: nothing is ignored, and the mean is over all positions. */
function softRows(logits: Tensor, targets: Tensor, { labelSmoothing = 0, weight }: CrossEntropyOptions): Rows {
  wantSmoothing(labelSmoothing);
  if (!sameShape(logits.shape, targets.shape))
    throw new ShapeError(
      'crossEntropy',
      `logits ${formatShape(logits.shape)} and probabilities ${formatShape(targets.shape)} must have the same shape`,
    );
  wantWeight('crossEntropy', logits, weight);
  const classes = logits.dim(-1);
  const aims = labelSmoothing === 0 ? targets : targets.mul(1 - labelSmoothing).add(labelSmoothing / logits.size(-1));
  const terms = logits.logSoftmax(-1).mul(aims).reshape([-1, classes]);
  const losses = (weight ? terms.mul(weight) : terms).sum(1).neg();
  return { losses, counted: full(losses.shape, 1) };
}

/** Targets in one list, with class 0 in place of the ignored ones, which count 0. */
function ignoring(targets: Tensor, ignoreIndex: number): { safe: Tensor; counted: Tensor } {
  const flat = targets.rank === 1 ? targets : targets.reshape([-1]);
  const ignored = flat.equal(ignoreIndex);
  return { safe: ignored.where(full([], 0, flat.dtype), flat), counted: ignored.not().cast('float32') };
}

function wantSmoothing(share: number): void {
  if (!(share >= 0 && share <= 1)) throw new RangeError(`crossEntropy: labelSmoothing must be in [0, 1], got ${share}`);
}

function wantClasses(op: string, scores: Tensor, weight: Tensor | undefined): void {
  if (scores.rank === 0) throw new ShapeError(op, `the scores have no axis of classes: ${formatShape(scores.shape)}`);
  wantWeight(op, scores, weight);
}

function wantWeight(op: string, scores: Tensor, weight: Tensor | undefined): void {
  if (weight && (weight.rank !== 1 || !sameDim(weight.dim(0), scores.dim(-1))))
    throw new ShapeError(
      op,
      `the weights ${formatShape(weight.shape)} are not one per class of ${formatShape(scores.shape)}`,
    );
}
