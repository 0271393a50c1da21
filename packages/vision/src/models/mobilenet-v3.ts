import { dropout, type Layer, type Linear, sequential } from '@rivulet/nn';
import type { Tensor } from '@rivulet/tensor';
import { convNorm, relu } from '../layers/conv-norm.ts';
import { divisible } from '../layers/divisible.ts';
import { globalPool, normalLinear } from '../layers/head.ts';
import { InvertedResidual } from '../layers/inverted-residual.ts';
import { run } from '../layers/named.ts';
import { SqueezeExcitation } from '../layers/squeeze-excitation.ts';
import { Backbone } from './backbone.ts';

export interface MobileNetV3Config {
  readonly size: 'small' | 'large';
  readonly numClasses: number;
  /** Channels as a multiple of the paper's. Default 1. */
  readonly widthMult?: number;
  /** Probability of dropout in the head. Default 0.2. */
  readonly dropout?: number;
}

/** Kernel, expanded channels, channels, squeezed (1) or not, hard swish (1) or ReLU, stride: the paper's tables 1 and 2. */
const BLOCKS = {
  large: [
    [3, 16, 16, 0, 0, 1], [3, 64, 24, 0, 0, 2], [3, 72, 24, 0, 0, 1], [5, 72, 40, 1, 0, 2], [5, 120, 40, 1, 0, 1],
    [5, 120, 40, 1, 0, 1], [3, 240, 80, 0, 1, 2], [3, 200, 80, 0, 1, 1], [3, 184, 80, 0, 1, 1], [3, 184, 80, 0, 1, 1],
    [3, 480, 112, 1, 1, 1], [3, 672, 112, 1, 1, 1], [5, 672, 160, 1, 1, 2], [5, 960, 160, 1, 1, 1], [5, 960, 160, 1, 1, 1],
  ],
  small: [
    [3, 16, 16, 1, 0, 2], [3, 72, 24, 0, 0, 2], [3, 88, 24, 0, 0, 1], [5, 96, 40, 1, 1, 2], [5, 240, 40, 1, 1, 1],
    [5, 240, 40, 1, 1, 1], [5, 120, 48, 1, 1, 1], [5, 144, 48, 1, 1, 1], [5, 288, 96, 1, 1, 2], [5, 576, 96, 1, 1, 1],
    [5, 576, 96, 1, 1, 1],
  ],
} as const; // biome-ignore format: a table

const hardSwish = (x: Tensor): Tensor => x.hardSwish();
const NORM = { eps: 1e-3, momentum: 0.01 };

/** MobileNetV3 (https://arxiv.org/abs/1905.02244). Parameters as in torchvision's `MobileNetV3`. */
export class MobileNetV3 extends Backbone {
  readonly features: (Layer | Layer[])[];
  readonly classifier: [Linear, Layer, Layer, Linear];
  readonly #width: number;

  constructor({ size, numClasses, widthMult = 1, dropout: p = 0.2 }: MobileNetV3Config) {
    super();
    let inputs = divisible(16 * widthMult);
    const stem = convNorm(3, inputs, 3, { stride: 2, activation: hardSwish, norm: NORM });
    const blocks = BLOCKS[size].map(([kernel, expanded, channels, squeezed, hard, stride]) => {
      const hidden = divisible(expanded * widthMult);
      const outputs = divisible(channels * widthMult);
      const squeeze = squeezed
        ? new SqueezeExcitation(hidden, divisible(Math.floor(hidden / 4)), relu, (x) => x.hardSigmoid())
        : undefined;
      const activation = hard ? hardSwish : relu;
      const block = new InvertedResidual({ inputs, hidden, outputs, kernel, stride, activation, norm: NORM, squeeze });
      inputs = outputs;
      return block;
    });
    this.features = [stem, ...blocks, convNorm(inputs, 6 * inputs, 1, { activation: hardSwish, norm: NORM })];
    this.#width = divisible((size === 'large' ? 1280 : 1024) * widthMult);
    this.classifier = [
      normalLinear(6 * inputs, this.#width),
      hardSwish,
      (x) => dropout(x, p),
      normalLinear(this.#width, numClasses),
    ];
  }

  stages(): readonly Layer[] {
    return this.features.map((stage) => (Array.isArray(stage) ? run(stage) : stage));
  }

  forwardHead(features: Tensor): Tensor {
    return sequential(globalPool(features), this.classifier);
  }

  resetClassifier(numClasses: number): void {
    this.classifier[3] = normalLinear(this.#width, numClasses);
  }
}
