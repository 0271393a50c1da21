import { apply, parameter, type Tensor } from '@rivulet/tensor';
import { ones } from '../init.ts';
import { Module } from '../module.ts';

/** Normalizes the last axis (https://arxiv.org/abs/1607.06450). Parameters as in `torch.nn.LayerNorm`. */
export class LayerNorm extends Module {
  readonly weight: Tensor; // [E]
  readonly bias: Tensor; // [E]
  readonly #eps: number;

  constructor(width: number, { eps = 1e-5 }: { eps?: number } = {}) {
    super();
    this.weight = ones(parameter(width));
    this.bias = parameter(width);
    this.#eps = eps;
  }

  /** [..., E] → [..., E] */
  forward(x: Tensor): Tensor {
    return apply('layerNorm', [x, this.weight, this.bias], { eps: this.#eps });
  }
}
