import type { AttentionOptions } from '@rivulet/nn';
import {
  attention,
  dropout,
  LayerNorm,
  Linear,
  Module,
  mergeHeads,
  splitHeads,
  storageOf,
  truncatedNormal,
} from '@rivulet/nn';
import type { Tensor } from '@rivulet/tensor';

export interface BlockConfig {
  /** Width of the tokens. */
  readonly embedDim: number;
  readonly numHeads: number;
  /** Width of the MLP as a multiple of embedDim. Default 4. */
  readonly mlpRatio?: number;
  /** Whether linear layers and norms have biases. Default true. */
  readonly bias?: boolean;
  /** Of the norms. Default 1e-6. */
  readonly eps?: number;
  /** Probability of dropout behind attention and MLP in training. Default 0. */
  readonly dropout?: number;
}

/** Self-attention with one projection for queries, keys and values; names as in timm's `Attention`. */
export class Attention extends Module {
  readonly qkv: Linear; // [3E, E]
  readonly proj: Linear;
  readonly #numHeads: number;

  constructor(embedDim: number, numHeads: number, bias: boolean) {
    super();
    if (embedDim % numHeads !== 0)
      throw new RangeError(`embedDim ${embedDim} is not divisible by numHeads ${numHeads}`);
    this.qkv = initialized(new Linear(embedDim, 3 * embedDim, { bias }));
    this.proj = initialized(new Linear(embedDim, embedDim, { bias }));
    this.#numHeads = numHeads;
  }

  /** [B, L, E] → [B, L, E] */
  forward(x: Tensor, options: AttentionOptions = {}): Tensor {
    const [q, k, v] = this.#heads(x);
    return this.proj.forward(mergeHeads(attention(q!, k!, v!, options)));
  }

  /** How much each position attends to each other, by head: [B, L, E] → [B, H, L, L], rows that sum to 1. To look at. */
  weights(x: Tensor): Tensor {
    const [q, k] = this.#heads(x);
    return q!
      .matmul(k!.transpose(-1, -2))
      .mul(1 / Math.sqrt(q!.size(-1)))
      .softmax(-1);
  }

  /** Queries, keys and values, each [B, H, L, D]. */
  #heads(x: Tensor): Tensor[] {
    return this.qkv
      .forward(x)
      .chunk(3, -1)
      .map((t) => splitHeads(t, this.#numHeads));
  }
}

/** Two linear layers around a GELU; names as in timm's `Mlp`. */
export class Mlp extends Module {
  readonly fc1: Linear;
  readonly fc2: Linear;

  constructor(width: number, hidden: number, bias: boolean) {
    super();
    this.fc1 = initialized(new Linear(width, hidden, { bias }));
    this.fc2 = initialized(new Linear(hidden, width, { bias }));
  }

  /** [..., E] → [..., E] */
  forward(x: Tensor): Tensor {
    return this.fc2.forward(this.fc1.forward(x).gelu());
  }
}

/** A pre-norm encoder block (https://arxiv.org/abs/2010.11929, fig. 1); names and initial values as in timm's `Block`. */
export class Block extends Module {
  readonly norm1: LayerNorm;
  readonly attn: Attention;
  readonly norm2: LayerNorm;
  readonly mlp: Mlp;
  readonly #dropout: number;

  constructor({ embedDim, numHeads, mlpRatio = 4, bias = true, eps = 1e-6, dropout = 0 }: BlockConfig) {
    super();
    this.norm1 = new LayerNorm(embedDim, { eps, bias });
    this.attn = new Attention(embedDim, numHeads, bias);
    this.norm2 = new LayerNorm(embedDim, { eps, bias });
    this.mlp = new Mlp(embedDim, Math.round(embedDim * mlpRatio), bias);
    this.#dropout = dropout;
  }

  /** [B, L, E] → [B, L, E] */
  forward(x: Tensor, options: AttentionOptions = {}): Tensor {
    const attended = x.add(dropout(this.attn.forward(this.norm1.forward(x), options), this.#dropout));
    return attended.add(dropout(this.mlp.forward(this.norm2.forward(attended)), this.#dropout));
  }
}

/** Weights normal with deviation 0.02, biases zero: how timm starts its transformers. */
function initialized(linear: Linear): Linear {
  truncatedNormal(linear.weight, 0.02);
  if (linear.bias) storageOf(linear.bias).data.fill(0 as never);
  return linear;
}
