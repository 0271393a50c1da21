import { apply, full, parameter, type Tensor } from '@rivulet/tensor';
import { ones } from '../init.ts';
import { Module } from '../module.ts';

export interface LayerNormConfig {
  /** Default 1e-5. */
  readonly eps?: number;
  /** Whether something is added after the scaling. Default true. */
  readonly bias?: boolean;
}

/** Normalizes the last axis (https://arxiv.org/abs/1607.06450). Parameters as in `torch.nn.LayerNorm`. */
export class LayerNorm extends Module {
  readonly weight: Tensor; // [E]
  readonly bias: Tensor | null; // [E]
  readonly #eps: number;

  constructor(width: number, { eps = 1e-5, bias = true }: LayerNormConfig = {}) {
    super();
    this.weight = ones(parameter(width));
    this.bias = bias ? parameter(width) : null;
    this.#eps = eps;
  }

  /** [..., E] → [..., E] */
  forward(x: Tensor): Tensor {
    const bias = this.bias ?? full(this.weight.shape, 0);
    return apply('layerNorm', [x, this.weight, bias], { eps: this.#eps });
  }
}
