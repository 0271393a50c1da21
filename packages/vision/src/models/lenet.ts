import { avgPool, Conv2d, type Layer, Linear, sequential } from '@rivulet/nn';
import type { Tensor } from '@rivulet/tensor';
import { type Activation, activationOf } from '../layers/activation.ts';
import { run } from '../layers/named.ts';
import { Backbone } from './backbone.ts';

export interface LeNetConfig {
  readonly numClasses: number;
  /** Default 1. */
  readonly channels?: number;
  /** Height and width of the images, a multiple of 4. Default 28. */
  readonly imageSize?: number;
  /** Default 'tanh', as in the paper. */
  readonly activation?: Activation;
}

/**
 * LeNet-5 (http://yann.lecun.com/exdb/publis/pdf/lecun-01a.pdf), with plain mean pooling, all connections in the second
 * convolution and a linear output, as it is taught today.
 */
export class LeNet5 extends Backbone {
  readonly conv1: Conv2d;
  readonly conv2: Conv2d;
  readonly fc1: Linear;
  readonly fc2: Linear;
  fc3: Linear;
  readonly #activation: Layer;

  /** @throws RangeError where the image has another size. */
  constructor({ numClasses, channels = 1, imageSize = 28, activation = 'tanh' }: LeNetConfig) {
    super();
    if (imageSize % 4 !== 0 || imageSize < 12)
      throw new RangeError(`imageSize must be a multiple of 4 from 12, got ${imageSize}`);
    this.conv1 = new Conv2d(channels, 6, 5, { padding: 2 });
    this.conv2 = new Conv2d(6, 16, 5);
    this.fc1 = new Linear(16 * (imageSize / 4 - 2) ** 2, 120);
    this.fc2 = new Linear(120, 84);
    this.fc3 = new Linear(84, numClasses);
    this.#activation = activationOf(activation);
  }

  /** Strides 2 and 4. */
  stages(): readonly Layer[] {
    const pool: Layer = (x) => avgPool(x, 2);
    return [run([this.conv1, this.#activation, pool]), run([this.conv2, this.#activation, pool])];
  }

  forwardHead(features: Tensor): Tensor {
    const f = this.#activation;
    return sequential(features.flatten(1), [this.fc1, f, this.fc2, f, this.fc3]);
  }

  resetClassifier(numClasses: number): void {
    this.fc3 = new Linear(84, numClasses);
  }
}
