import { apply, full, type Tensor } from '@rivulet/tensor';
import { dropoutMask } from './dropout.ts';

export interface AttentionOptions {
  /** Bool, broadcasts to [B, H, L, S]: true where a query may look. A row without any looks everywhere alike. */
  readonly mask?: Tensor;
  /** Broadcasts to [B, H, L, S] and is added to the scores before the softmax: relative positions and the like. */
  readonly bias?: Tensor;
  /** Query i sees keys up to i + S − L, so that the last query sees all. Default false. */
  readonly causal?: boolean;
  /** Default 1/√D. */
  readonly scale?: number;
  /** Probability that a weight is dropped in training. Default 0. */
  readonly dropout?: number;
}

/** Large enough to vanish in a softmax, small enough that sums of two stay finite. */
const HIDDEN = -1e30;

/**
 * Scaled dot-product attention (https://arxiv.org/abs/1706.03762, §3.2.1): softmax(q·kᵀ/√D)·v.
 * q [B, H, L, D], k [B, H, S, D], v [B, H, S, D] → [B, H, L, D].
 * @throws ShapeError where the shapes do not fit.
 */
export function attention(q: Tensor, k: Tensor, v: Tensor, options: AttentionOptions = {}): Tensor {
  const { scale = 1 / Math.sqrt(q.size(-1)), dropout = 0, causal = false } = options;
  const bias = attentionBias(options);
  const dropped = dropoutMask([...q.shape.slice(0, 3), k.dim(2)], dropout);
  const inputs = [q, k, v, ...(bias ? [bias] : []), ...(dropped ? [dropped] : [])];
  return apply('attention', inputs, { scale, bias: bias !== null, dropout: dropped !== null, causal });
}

/** What bias and mask add to the scores; null where that is nothing. */
function attentionBias({ mask, bias }: AttentionOptions): Tensor | null {
  const biases = [...(bias ? [bias] : []), ...(mask ? [mask.where(full([], 0), HIDDEN)] : [])];
  return biases.length === 0 ? null : biases.reduce((a, b) => a.add(b));
}

/** [B, L, E] → [B, H, L, E/H] */
export function splitHeads(x: Tensor, heads: number): Tensor {
  const [batch, length] = x.shape;
  return x.reshape([batch!, length!, heads, x.size(-1) / heads]).transpose(1, 2);
}

/** [B, H, L, D] → [B, L, H·D] */
export function mergeHeads(x: Tensor): Tensor {
  const [batch, heads, length, width] = x.shape;
  return x.transpose(1, 2).reshape([batch!, length!, (heads as number) * (width as number)]);
}
