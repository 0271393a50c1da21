import type { Tensor } from '@rivulet/tensor';
import { type Reduction, reduceLoss, wantSameShape } from './reduction.ts';

export interface KLDivOptions {
  /** 'batchmean' is the divergence itself: the sum over the first axis' size. Default 'mean', over all elements, as PyTorch's. */
  readonly reduction?: Reduction | 'batchmean';
  /** The target holds log-probabilities too. Default false. */
  readonly logTarget?: boolean;
}

/**
 * The Kullback-Leibler divergence of the target from the input, as `torch.nn.functional.kl_div`: target·(log(target) − input).
 * @param input log-probabilities.
 * @throws ShapeError where the shapes differ.
 */
export function klDiv(
  input: Tensor,
  target: Tensor,
  { reduction = 'mean', logTarget = false }: KLDivOptions = {},
): Tensor {
  wantSameShape('klDiv', input, target);
  const losses = logTarget ? target.exp().mul(target.sub(input)) : timesLog(target).sub(target.mul(input));
  if (reduction === 'batchmean') {
    const size = input.dim(0);
    if (typeof size === 'number') return losses.sum().div(size);
    return losses.reshape([size, -1]).sum(1).mean();
  }
  return reduceLoss('klDiv', losses, reduction);
}

/** x·log(x), 0 at 0. */
function timesLog(x: Tensor): Tensor {
  const zero = x.equal(0);
  return x.mul(zero.where(1, x).log());
}
