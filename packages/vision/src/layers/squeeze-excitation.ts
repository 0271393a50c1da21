import type { Conv2d } from '@rivulet/nn';
import { adaptiveAvgPool, Module } from '@rivulet/nn';
import type { Tensor } from '@rivulet/tensor';
import { kaimingConv } from './conv-norm.ts';

/** Weighs channels by what all places hold (https://arxiv.org/abs/1709.01507); names as torchvision's `SqueezeExcitation`. */
export class SqueezeExcitation extends Module {
  readonly fc1: Conv2d;
  readonly fc2: Conv2d;
  readonly #activation: (x: Tensor) => Tensor;
  readonly #gate: (x: Tensor) => Tensor;

  constructor(channels: number, squeezed: number, activation: (x: Tensor) => Tensor, gate: (x: Tensor) => Tensor) {
    super();
    this.fc1 = kaimingConv(channels, squeezed, 1);
    this.fc2 = kaimingConv(squeezed, channels, 1);
    this.#activation = activation;
    this.#gate = gate;
  }

  /** [N, C, H, W] → the same */
  forward(x: Tensor): Tensor {
    const hidden = this.#activation(this.fc1.forward(adaptiveAvgPool(x, 1)));
    return x.mul(this.#gate(this.fc2.forward(hidden)));
  }
}
