import { Embedding, LayerNorm, Module } from '@rivulet/nn';
import { iota, type Tensor } from '@rivulet/tensor';
import { Block } from '@rivulet/transformer';

export interface GPTSize {
  readonly layers: number;
  readonly width: number;
  readonly heads: number;
  /** Every text has this length. */
  readonly time: number;
  readonly vocab: number;
  /** Whether layers and norms have biases. Default true. */
  readonly bias?: boolean;
}

/** A GPT as small as its page: learned positions, pre-norm blocks. bench/peers/gpt.py is the same one. */
export class GPT extends Module {
  readonly wte: Embedding;
  readonly wpe: Embedding;
  readonly blocks: Block[];
  readonly norm: LayerNorm;
  readonly #size: GPTSize;

  constructor(size: GPTSize) {
    super();
    this.#size = size;
    this.wte = new Embedding(size.vocab, size.width, { deviation: 0.02 });
    this.wpe = new Embedding(size.time, size.width, { deviation: 0.02 });
    const { bias = true } = size;
    const config = { embedDim: size.width, numHeads: size.heads, bias, eps: 1e-5 };
    this.blocks = Array.from({ length: size.layers }, () => new Block(config));
    this.norm = new LayerNorm(size.width, { bias });
  }

  /** ids [B, T] → [B·T, V], the output tied to the embedding. */
  forward(x: Tensor): Tensor {
    let h = this.wte.forward(x).add(this.wpe.forward(iota(this.#size.time)));
    for (const block of this.blocks) h = block.forward(h, { causal: true });
    return this.norm.forward(h).reshape([-1, this.#size.width]).matmul(this.wte.weight, { transposeB: true });
  }
}
