import { dropout, type Layer, Linear, sequential, uniform } from '@rivulet/nn';
import type { Tensor } from '@rivulet/tensor';
import { convNorm } from '../layers/conv-norm.ts';
import { divisible } from '../layers/divisible.ts';
import { globalPool, withoutBias } from '../layers/head.ts';
import { InvertedResidual } from '../layers/inverted-residual.ts';
import { run } from '../layers/named.ts';
import { SqueezeExcitation } from '../layers/squeeze-excitation.ts';
import { Backbone } from './backbone.ts';

export interface EfficientNetConfig {
  readonly numClasses: number;
  /** Channels and blocks as multiples of B0's. Default 1. */
  readonly widthMult?: number;
  readonly depthMult?: number;
  /** Probability of dropout before the classifier. Default 0.2. */
  readonly dropout?: number;
  /** Probability that training leaves out a block, growing to this from 0 with the depth. Default 0.2. */
  readonly dropPath?: number;
}

/** Expansion, kernel, stride, channels and repetitions of the paper's table 1. */
const STAGES = [
  [1, 3, 1, 16, 1], [6, 3, 2, 24, 2], [6, 5, 2, 40, 2], [6, 3, 2, 80, 3], [6, 5, 1, 112, 3], [6, 5, 2, 192, 4], [6, 3, 1, 320, 1],
] as const; // biome-ignore format: a table

const silu = (x: Tensor): Tensor => x.silu();

/** EfficientNet (https://arxiv.org/abs/1905.11946). Parameters as in torchvision's `EfficientNet`. */
export class EfficientNet extends Backbone {
  readonly features: Layer[][];
  readonly classifier: [Layer, Linear];
  readonly #width: number;

  constructor({ numClasses, widthMult = 1, depthMult = 1, dropout: p = 0.2, dropPath = 0.2 }: EfficientNetConfig) {
    super();
    let inputs = divisible(32 * widthMult);
    const counts = STAGES.map(([, , , , count]) => Math.ceil(count * depthMult));
    const total = counts.reduce((a, b) => a + b, 0);
    let done = 0;
    const stem = convNorm(3, inputs, 3, { stride: 2, activation: silu });
    const stages = STAGES.map(([expansion, kernel, stride, channels], stage) =>
      Array.from({ length: counts[stage]! }, (_, i) => {
        const hidden = divisible(inputs * expansion);
        const block = new InvertedResidual({
          inputs,
          hidden,
          outputs: divisible(channels * widthMult),
          kernel,
          stride: i === 0 ? stride : 1,
          activation: silu,
          squeeze: new SqueezeExcitation(hidden, Math.max(1, Math.floor(inputs / 4)), silu, (x) => x.sigmoid()),
          dropPath: (dropPath * done++) / total,
        });
        inputs = divisible(channels * widthMult);
        return block;
      }),
    );
    this.#width = 4 * inputs;
    this.features = [stem, ...stages, convNorm(inputs, this.#width, 1, { activation: silu })];
    this.classifier = [(x) => dropout(x, p), classifier(this.#width, numClasses)];
  }

  stages(): readonly Layer[] {
    return this.features.map(run);
  }

  forwardHead(features: Tensor): Tensor {
    return sequential(globalPool(features), this.classifier);
  }

  resetClassifier(numClasses: number): void {
    this.classifier[1] = classifier(this.#width, numClasses);
  }
}

function classifier(width: number, numClasses: number): Linear {
  const layer = withoutBias(new Linear(width, numClasses));
  uniform(layer.weight, 1 / Math.sqrt(numClasses));
  return layer;
}
