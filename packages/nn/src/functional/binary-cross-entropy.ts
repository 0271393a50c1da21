import type { Tensor } from '@rivulet/tensor';
import { type ReductionOptions, reduceLoss, wantSameShape } from './reduction.ts';

export interface BinaryCrossEntropyOptions extends ReductionOptions {
  /** Factors of the single losses; they broadcast. */
  readonly weight?: Tensor;
}

/**
 * −(t·log(p) + (1 − t)·log(1 − p)) of probabilities p and targets t in [0, 1], as `torch.nn.functional.binary_cross_entropy`:
 * a logarithm is at least −100. From logits, `binaryCrossEntropyWithLogits` is exact; this is not, near 0 and 1.
 * @throws ShapeError where the shapes differ.
 */
export function binaryCrossEntropy(
  input: Tensor,
  target: Tensor,
  { weight, reduction }: BinaryCrossEntropyOptions = {},
): Tensor {
  wantSameShape('binaryCrossEntropy', input, target);
  const one = input.mul(-1).add(1);
  const losses = target
    .mul(boundedLog(input))
    .add(target.mul(-1).add(1).mul(boundedLog(one)))
    .neg();
  return reduceLoss('binaryCrossEntropy', weight ? losses.mul(weight) : losses, reduction);
}

/** log(p), at least −100; at 0 it has no gradient, where it would be infinite. */
function boundedLog(p: Tensor): Tensor {
  const zero = p.equal(0);
  return zero.where(-100, zero.where(1, p).log().clip(-100));
}

export interface BinaryCrossEntropyWithLogitsOptions extends BinaryCrossEntropyOptions {
  /** Factors of the positive targets' part, one per class; they broadcast. Above 1 they raise recall. */
  readonly posWeight?: Tensor;
}

/**
 * The same of sigmoid(input), without overflow, as `torch.nn.functional.binary_cross_entropy_with_logits`.
 * @throws ShapeError where the shapes differ.
 */
export function binaryCrossEntropyWithLogits(
  input: Tensor,
  target: Tensor,
  { weight, posWeight, reduction }: BinaryCrossEntropyWithLogitsOptions = {},
): Tensor {
  wantSameShape('binaryCrossEntropyWithLogits', input, target);
  // (1 − t)·x + (1 + (w − 1)·t)·softplus(−x)
  const positive = posWeight ? target.mul(posWeight.sub(1)).add(1) : null;
  const soft = input.neg().softplus();
  const losses = target
    .mul(-1)
    .add(1)
    .mul(input)
    .add(positive ? positive.mul(soft) : soft);
  return reduceLoss('binaryCrossEntropyWithLogits', weight ? losses.mul(weight) : losses, reduction);
}
