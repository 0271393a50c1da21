import { formatShape, ShapeError, sameShape, type Tensor } from '@rivulet/tensor';
import { type ReductionOptions, reduceLoss, wantSameShape } from './reduction.ts';

/** x·y / max(|x|·|y|, 1e-8) along an axis, as `torch.nn.functional.cosine_similarity`. */
export function cosineSimilarity(a: Tensor, b: Tensor, axis = -1): Tensor {
  const length = (x: Tensor): Tensor => x.square().sum(axis).maximum(1e-16).sqrt();
  return a
    .mul(b)
    .sum(axis)
    .div(length(a).mul(length(b)));
}

export interface CosineEmbeddingOptions extends ReductionOptions {
  /** Pairs that should differ cost nothing below this similarity. Default 0. */
  readonly margin?: number;
}

/**
 * 1 − cos for pairs with target 1, max(0, cos − margin) for those with −1; a and b [N, E], target [N], as
 * `torch.nn.functional.cosine_embedding_loss`. @throws ShapeError where the shapes do not fit.
 */
export function cosineEmbeddingLoss(
  a: Tensor,
  b: Tensor,
  target: Tensor,
  { margin = 0, reduction }: CosineEmbeddingOptions = {},
): Tensor {
  wantSameShape('cosineEmbeddingLoss', a, b);
  if (!sameShape(a.shape.slice(0, -1), target.shape))
    throw new ShapeError(
      'cosineEmbeddingLoss',
      `pairs of ${formatShape(a.shape)} and target ${formatShape(target.shape)}: wants [N, E] and [N]`,
    );
  const cosine = cosineSimilarity(a, b);
  const losses = target.greater(0).where(cosine.mul(-1).add(1), cosine.sub(margin).relu());
  return reduceLoss('cosineEmbeddingLoss', losses, reduction);
}

export interface TripletMarginOptions extends ReductionOptions {
  /** Default 1. */
  readonly margin?: number;
}

/**
 * max(0, |anchor − positive| − |anchor − negative| + margin), all [N, E], as `torch.nn.functional.triplet_margin_loss` with
 * p = 2 (differences get 1e-6 added, as there). @throws ShapeError where the shapes differ.
 */
export function tripletMarginLoss(
  anchor: Tensor,
  positive: Tensor,
  negative: Tensor,
  { margin = 1, reduction }: TripletMarginOptions = {},
): Tensor {
  wantSameShape('tripletMarginLoss', anchor, positive);
  wantSameShape('tripletMarginLoss', anchor, negative);
  const distance = (other: Tensor): Tensor => anchor.sub(other).add(1e-6).norm(2, -1);
  const losses = distance(positive).sub(distance(negative)).add(margin).relu();
  return reduceLoss('tripletMarginLoss', losses, reduction);
}
