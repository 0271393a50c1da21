import { type Layer, Linear, Module, maxPool, sequential } from '@rivulet/nn';
import { concat, type Tensor } from '@rivulet/tensor';
import { type ConvNormOptions, convNorm, relu } from '../layers/conv-norm.ts';
import { globalPool } from '../layers/head.ts';
import { run } from '../layers/named.ts';
import { Backbone } from './backbone.ts';

export interface ShuffleNetV2Config {
  /** Channels of the three stages and of the last convolution. */
  readonly channels: readonly [number, number, number, number];
  readonly numClasses: number;
}

class ShuffleUnit extends Module {
  readonly branch1: Layer[];
  readonly branch2: Layer[];

  constructor(inputs: number, outputs: number, stride: number) {
    super();
    const half = outputs / 2;
    const pointwise = (channels: number): Layer[] => conv(channels, half, 1, { activation: relu });
    const depthwise = (channels: number): Layer[] => conv(channels, channels, 3, { stride, groups: channels });
    this.branch1 = stride === 1 ? [] : [...depthwise(inputs), ...pointwise(inputs)];
    this.branch2 = [...pointwise(stride === 1 ? half : inputs), ...depthwise(half), ...pointwise(half)];
  }

  /** One half of the channels passes by (or through a branch of its own where the image shrinks); then both are mixed. */
  forward(x: Tensor): Tensor {
    const [left, right] = this.branch1.length === 0 ? x.chunk(2, 1) : [sequential(x, this.branch1), x];
    const y = concat([left!, sequential(right!, this.branch2)], 1);
    const [images, channels, rows, columns] = y.shape as readonly [number, number, number, number];
    return y
      .reshape([images, 2, channels / 2, rows, columns])
      .transpose(1, 2)
      .reshape([images, channels, rows, columns]);
  }
}

/** ShuffleNet V2 (https://arxiv.org/abs/1807.11164). Parameters as in torchvision's `ShuffleNetV2`. */
export class ShuffleNetV2 extends Backbone {
  readonly conv1: Layer[];
  readonly stage2: ShuffleUnit[];
  readonly stage3: ShuffleUnit[];
  readonly stage4: ShuffleUnit[];
  readonly conv5: Layer[];
  fc: Linear;
  readonly #width: number;

  constructor({ channels: [second, third, fourth, last], numClasses }: ShuffleNetV2Config) {
    super();
    const stage = (inputs: number, outputs: number, count: number): ShuffleUnit[] =>
      Array.from({ length: count }, (_, i) => new ShuffleUnit(i === 0 ? inputs : outputs, outputs, i === 0 ? 2 : 1));
    this.conv1 = conv(3, 24, 3, { stride: 2, activation: relu });
    this.stage2 = stage(24, second, 4);
    this.stage3 = stage(second, third, 8);
    this.stage4 = stage(third, fourth, 4);
    this.conv5 = conv(fourth, last, 1, { activation: relu });
    this.#width = last;
    this.fc = new Linear(last, numClasses);
  }

  /** The stem at stride 2, three stages at strides 8, 16 and 32, the last convolution. */
  stages(): readonly Layer[] {
    const pool: Layer = (x) => maxPool(x, 3, { stride: 2, padding: 1 });
    return [run(this.conv1), run([pool, ...this.stage2]), ...[this.stage3, this.stage4, this.conv5].map(run)];
  }

  forwardHead(features: Tensor): Tensor {
    return this.fc.forward(globalPool(features));
  }

  resetClassifier(numClasses: number): void {
    this.fc = new Linear(this.#width, numClasses);
  }
}

const conv = (inputs: number, outputs: number, kernel: number, options: ConvNormOptions = {}): Layer[] =>
  convNorm(inputs, outputs, kernel, { ...options, start: 'own' });
