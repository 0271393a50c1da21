import { type Layer, Linear } from '@rivulet/nn';
import type { Tensor } from '@rivulet/tensor';
import { convNorm, type Padding, relu6 } from '../layers/conv-norm.ts';
import { globalPool } from '../layers/head.ts';
import { Named } from '../layers/named.ts';
import { Backbone } from './backbone.ts';

export interface MobileNetV1Config {
  readonly numClasses: number;
  /** Channels as a multiple of the paper's. Default 1. */
  readonly widthMult?: number;
  /** Default 'tensorflow'. */
  readonly padding?: Padding;
}

/** Channels and stride of the stem and of the 13 separable blocks. */
const BLOCKS = [
  [32, 2], [64, 1], [128, 2], [128, 1], [256, 2], [256, 1], [512, 2],
  [512, 1], [512, 1], [512, 1], [512, 1], [512, 1], [1024, 2], [1024, 1],
] as const; // biome-ignore format: a table

/** MobileNet (https://arxiv.org/abs/1704.04861). Names `features.N.{dw,pw}.{conv,bn}` and `classifier`. */
export class MobileNetV1 extends Backbone {
  readonly features: Named[];
  classifier: Linear;
  readonly #width: number;

  constructor({ numClasses, widthMult = 1, padding = 'tensorflow' }: MobileNetV1Config) {
    super();
    const unit = (inputs: number, outputs: number, kernel: number, stride: number, groups = 1): Named => {
      const [conv, bn] = convNorm(inputs, outputs, kernel, { stride, groups, padding }) as [Layer, Layer];
      return new Named({ conv, bn, act: relu6 });
    };
    const widths = BLOCKS.map(([channels]) => Math.max(8, Math.floor(channels * widthMult)));
    this.features = BLOCKS.map(([, stride], i) => {
      if (i === 0) return unit(3, widths[0]!, 3, stride);
      const inputs = widths[i - 1]!;
      return new Named({ dw: unit(inputs, inputs, 3, stride, inputs), pw: unit(inputs, widths[i]!, 1, 1) });
    });
    this.#width = widths.at(-1)!;
    this.classifier = new Linear(this.#width, numClasses);
  }

  stages(): readonly Layer[] {
    return this.features;
  }

  forwardHead(features: Tensor): Tensor {
    return this.classifier.forward(globalPool(features));
  }

  resetClassifier(numClasses: number): void {
    this.classifier = new Linear(this.#width, numClasses);
  }
}
