import type { Tensor } from '@rivulet/tensor';

/**
 * What choosing a token needs of logits [N, V]: `best` int32 [N], where the largest stands (the first of ties), and `logSum` [N],
 * log Σ exp(logit − largest), from which a token's log-probability follows without a look at the others. `logSum` is NaN where a
 * logit is NaN or the largest is infinite.
 */
export function logitPeaks(logits: Tensor): { best: Tensor; logSum: Tensor } {
  return { best: logits.argmax(-1).cast('int32'), logSum: logits.logSoftmax(-1).max(-1).neg() };
}
