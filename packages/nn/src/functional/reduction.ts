import { formatShape, ShapeError, sameShape, type Tensor } from '@rivulet/tensor';

/** What becomes of the single losses: their mean (default), their sum, or nothing. */
export type Reduction = 'mean' | 'sum' | 'none';

export interface ReductionOptions {
  /** Default 'mean'. */
  readonly reduction?: Reduction;
}

/** The losses reduced to [], or as they are. @throws RangeError for a reduction that there is not. */
export function reduceLoss(op: string, losses: Tensor, reduction: Reduction = 'mean'): Tensor {
  switch (reduction) {
    case 'mean':
      return losses.mean();
    case 'sum':
      return losses.sum();
    case 'none':
      return losses;
    default:
      throw new RangeError(`${op}: reduction must be 'mean', 'sum' or 'none', got '${reduction as string}'`);
  }
}

/** @throws ShapeError where the two do not have the same shape: broadcasting a target is a mistake more often than a wish. */
export function wantSameShape(op: string, input: Tensor, target: Tensor): void {
  if (!sameShape(input.shape, target.shape))
    throw new ShapeError(
      op,
      `input ${formatShape(input.shape)} and target ${formatShape(target.shape)} must have the same shape`,
    );
}
