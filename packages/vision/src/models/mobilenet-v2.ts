import { dropout, type Layer, type Linear, Module, sequential } from '@rivulet/nn';
import type { Tensor } from '@rivulet/tensor';
import { convNorm, type Padding, relu6 } from '../layers/conv-norm.ts';
import { divisible } from '../layers/divisible.ts';
import { globalPool, normalLinear } from '../layers/head.ts';
import { run } from '../layers/named.ts';
import { Backbone } from './backbone.ts';

export interface MobileNetV2Config {
  readonly numClasses: number;
  /** Channels as a multiple of the paper's. Default 1. */
  readonly widthMult?: number;
  /** Default 'symmetric', as in torchvision. */
  readonly padding?: Padding;
  /** Probability of dropout before the classifier. Default 0.2. */
  readonly dropout?: number;
}

/** Expansion, channels, repetitions and stride of the paper's table 2. */
const BLOCKS = [
  [1, 16, 1, 1], [6, 24, 2, 2], [6, 32, 3, 2], [6, 64, 4, 2], [6, 96, 3, 1], [6, 160, 3, 2], [6, 320, 1, 1],
] as const; // biome-ignore format: a table

class InvertedResidual extends Module {
  readonly conv: (Layer | Layer[])[];
  readonly #residual: boolean;

  constructor(inputs: number, outputs: number, stride: number, expansion: number, padding: Padding) {
    super();
    const hidden = inputs * expansion;
    const expand = expansion === 1 ? [] : [convNorm(inputs, hidden, 1, { activation: relu6 })];
    const depthwise = convNorm(hidden, hidden, 3, { stride, groups: hidden, activation: relu6, padding });
    this.conv = [...expand, depthwise, ...convNorm(hidden, outputs, 1)];
    this.#residual = stride === 1 && inputs === outputs;
  }

  forward(x: Tensor): Tensor {
    const y = sequential(x, this.conv.flat());
    return this.#residual ? x.add(y) : y;
  }
}

/** MobileNetV2 (https://arxiv.org/abs/1801.04381). Parameters as in torchvision's `MobileNetV2`. */
export class MobileNetV2 extends Backbone {
  readonly features: (Layer | Layer[])[];
  readonly classifier: [Layer, Linear];
  readonly #width: number;

  constructor({ numClasses, widthMult = 1, padding = 'symmetric', dropout: p = 0.2 }: MobileNetV2Config) {
    super();
    let inputs = divisible(32 * widthMult);
    this.#width = divisible(1280 * Math.max(1, widthMult));
    const stem = convNorm(3, inputs, 3, { stride: 2, activation: relu6, padding });
    const blocks = BLOCKS.flatMap(([expansion, channels, count, stride]) =>
      Array.from({ length: count }, (_, i) => {
        const outputs = divisible(channels * widthMult);
        const block = new InvertedResidual(inputs, outputs, i === 0 ? stride : 1, expansion, padding);
        inputs = outputs;
        return block;
      }),
    );
    this.features = [stem, ...blocks, convNorm(inputs, this.#width, 1, { activation: relu6 })];
    this.classifier = [(x) => dropout(x, p), normalLinear(this.#width, numClasses)];
  }

  stages(): readonly Layer[] {
    return this.features.map((stage) => (Array.isArray(stage) ? run(stage) : stage));
  }

  forwardHead(features: Tensor): Tensor {
    return sequential(globalPool(features), this.classifier);
  }

  resetClassifier(numClasses: number): void {
    this.classifier[1] = normalLinear(this.#width, numClasses);
  }
}
