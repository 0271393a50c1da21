import { parameter, type Tensor } from '@rivulet/tensor';
import { linear } from '../functional/linear.ts';
import { uniform } from '../init.ts';
import { Module } from '../module.ts';

/** y = x·weightᵀ + bias. Parameters, names and initial distribution as in `torch.nn.Linear`. */
export class Linear extends Module {
  readonly weight: Tensor; // [O, I]
  readonly bias: Tensor | null; // [O]

  constructor(inFeatures: number, outFeatures: number, { bias = true }: { bias?: boolean } = {}) {
    super();
    const bound = 1 / Math.sqrt(inFeatures);
    this.weight = uniform(parameter(outFeatures, inFeatures), bound);
    this.bias = bias ? uniform(parameter(outFeatures), bound) : null;
  }

  /** [..., I] → [..., O] */
  forward(x: Tensor): Tensor {
    return linear(x, this.weight, this.bias);
  }
}
