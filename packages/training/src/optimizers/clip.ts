import { full, type Tensor } from '@rivulet/tensor';

/** The gradients scaled so that their common Euclidean norm is at most `maxNorm` (as torch's clip_grad_norm_), and that norm. */
export function clipByNorm(gradients: readonly Tensor[], maxNorm: number): { gradients: Tensor[]; norm: Tensor } {
  const norm = globalNorm(gradients);
  const scale = full([], maxNorm).div(norm.add(1e-6)).minimum(1);
  return { gradients: gradients.map((g) => g.mul(scale)), norm };
}

/** Every value of the gradients held in ±limit (as torch's clip_grad_value_). */
export function clipByValue(gradients: readonly Tensor[], limit: number): Tensor[] {
  return gradients.map((g) => g.clip(-limit, limit));
}

/** The Euclidean norm of all values together, []. */
export function globalNorm(tensors: readonly Tensor[]): Tensor {
  return tensors
    .map((t) => t.mul(t).sum())
    .reduce((a, b) => a.add(b))
    .sqrt();
}
