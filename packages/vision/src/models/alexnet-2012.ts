import {
  Conv2d,
  dropout,
  type Layer,
  Linear,
  localResponseNorm,
  maxPool,
  normal,
  sequential,
  storageOf,
} from '@rivulet/nn';
import type { Tensor } from '@rivulet/tensor';
import { relu } from '../layers/conv-norm.ts';
import { run } from '../layers/named.ts';
import type { AlexNetConfig } from './alexnet.ts';
import { Backbone } from './backbone.ts';

const pool: Layer = (x) => maxPool(x, 3, { stride: 2 });
/** k 2, n 5, α 10⁻⁴ of the sum and β 0.75, as published. */
const norm: Layer = (x) => localResponseNorm(x, { size: 5, alpha: 5e-4, beta: 0.75, k: 2 });

/**
 * AlexNet as published (https://papers.nips.cc/paper/4824-imagenet-classification-with-deep-convolutional-neural-networks), for images
 * of 224 × 224: what lay on two devices are groups, and responses are normalized by their neighbours. Names as in Caffe's.
 */
export class AlexNet2012 extends Backbone {
  readonly conv1: Conv2d;
  readonly conv2: Conv2d;
  readonly conv3: Conv2d;
  readonly conv4: Conv2d;
  readonly conv5: Conv2d;
  readonly fc6: Linear;
  readonly fc7: Linear;
  fc8: Linear;
  readonly #dropout: number;

  constructor({ numClasses, dropout: p = 0.5 }: AlexNetConfig) {
    super();
    this.conv1 = started(new Conv2d(3, 96, 11, { stride: 4, padding: 2 }), 0);
    this.conv2 = started(new Conv2d(96, 256, 5, { padding: 2, groups: 2 }), 1);
    this.conv3 = started(new Conv2d(256, 384, 3, { padding: 1 }), 0);
    this.conv4 = started(new Conv2d(384, 384, 3, { padding: 1, groups: 2 }), 1);
    this.conv5 = started(new Conv2d(384, 256, 3, { padding: 1, groups: 2 }), 1);
    this.fc6 = started(new Linear(256 * 36, 4096), 1);
    this.fc7 = started(new Linear(4096, 4096), 1);
    this.fc8 = started(new Linear(4096, numClasses), 0);
    this.#dropout = p;
  }

  /** Strides 8, 16, 16, 16 and 32. */
  stages(): readonly Layer[] {
    return [
      run([this.conv1, relu, norm, pool]),
      run([this.conv2, relu, norm, pool]),
      run([this.conv3, relu]),
      run([this.conv4, relu]),
      run([this.conv5, relu, pool]),
    ];
  }

  /** features [N, 256, 6, 6] → logits [N, classes] */
  forwardHead(features: Tensor): Tensor {
    const drop: Layer = (x) => dropout(x, this.#dropout);
    return sequential(features.flatten(1), [this.fc6, relu, drop, this.fc7, relu, drop, this.fc8]);
  }

  resetClassifier(numClasses: number): void {
    this.fc8 = started(new Linear(4096, numClasses), 0);
  }
}

/** Weights of deviation 0.01; biases of 1 give the ReLUs behind them something to pass on from the start. */
function started<L extends Conv2d | Linear>(layer: L, bias: number): L {
  normal(layer.weight, 0.01);
  if (layer.bias) storageOf(layer.bias).data.fill(bias as never);
  return layer;
}
