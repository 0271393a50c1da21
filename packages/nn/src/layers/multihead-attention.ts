import { parameter, type Tensor } from '@rivulet/tensor';
import { type AttentionOptions, attention, mergeHeads, splitHeads } from '../functional/attention.ts';
import { linear } from '../functional/linear.ts';
import { xavierUniform } from '../init.ts';
import { Module, storageOf } from '../module.ts';
import { Linear } from './linear.ts';

export interface MultiheadAttentionConfig {
  readonly embedDim: number;
  readonly numHeads: number;
  readonly bias?: boolean;
}

/**
 * Multi-head attention (https://arxiv.org/abs/1706.03762, §3.2.2).
 * Parameters are named, laid out and initialized as in `torch.nn.MultiheadAttention`.
 */
export class MultiheadAttention extends Module {
  readonly in_proj_weight: Tensor; // [3E, E]: rows of q, k, v
  readonly in_proj_bias: Tensor | null; // [3E]
  readonly out_proj: Linear;
  readonly #numHeads: number;

  constructor({ embedDim, numHeads, bias = true }: MultiheadAttentionConfig) {
    super();
    if (embedDim % numHeads !== 0)
      throw new RangeError(`embedDim ${embedDim} is not divisible by numHeads ${numHeads}`);
    this.in_proj_weight = xavierUniform(parameter(3 * embedDim, embedDim));
    this.in_proj_bias = bias ? parameter(3 * embedDim) : null;
    this.out_proj = new Linear(embedDim, embedDim, { bias });
    if (this.out_proj.bias) storageOf(this.out_proj.bias).data.fill(0 as never);
    this.#numHeads = numHeads;
  }

  /** x [B, L, E] attends to memory [B, S, E] (itself by default) → [B, L, E]. */
  forward(x: Tensor, memory: Tensor = x, options: AttentionOptions = {}): Tensor {
    return this.attend(x, this.project(memory), options);
  }

  /** Keys and values of a memory [B, S, E], [B, H, S, D] each: computed once where many queries come one by one. */
  project(memory: Tensor): { k: Tensor; v: Tensor } {
    const [, wk, wv] = this.in_proj_weight.chunk(3, 0);
    const [, bk, bv] = this.in_proj_bias?.chunk(3, 0) ?? [null, null, null];
    return {
      k: splitHeads(linear(memory, wk!, bk!), this.#numHeads),
      v: splitHeads(linear(memory, wv!, bv!), this.#numHeads),
    };
  }

  /** x [B, L, E] attends to projected keys and values → [B, L, E]. */
  attend(x: Tensor, { k, v }: { k: Tensor; v: Tensor }, options: AttentionOptions = {}): Tensor {
    const wq = this.in_proj_weight.chunk(3, 0)[0]!;
    const bq = this.in_proj_bias?.chunk(3, 0)[0] ?? null;
    const q = splitHeads(linear(x, wq, bq), this.#numHeads);
    return this.out_proj.forward(mergeHeads(attention(q, k, v, options)));
  }
}
