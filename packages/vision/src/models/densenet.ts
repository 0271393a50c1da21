import {
  avgPool,
  BatchNorm2d,
  Conv2d,
  dropout,
  type Layer,
  Linear,
  Module,
  maxPool,
  normal,
  sequential,
} from '@rivulet/nn';
import { concat, type Tensor } from '@rivulet/tensor';
import { relu } from '../layers/conv-norm.ts';
import { globalPool, withoutBias } from '../layers/head.ts';
import { Named } from '../layers/named.ts';
import { Backbone } from './backbone.ts';

export interface DenseNetConfig {
  /** Channels that every layer adds. */
  readonly growth: number;
  /** Layers of each block. */
  readonly blocks: readonly number[];
  /** Channels of the stem. */
  readonly stem: number;
  readonly numClasses: number;
  /** Probability of dropout behind every layer. Default 0. */
  readonly dropout?: number;
  /** For images of 32x32 as in the paper's section 4.2: a stem of 3x3 that does not shrink them. Default false. */
  readonly cifar?: boolean;
}

class DenseLayer extends Module {
  readonly norm1: BatchNorm2d;
  readonly conv1: Conv2d;
  readonly norm2: BatchNorm2d;
  readonly conv2: Conv2d;
  readonly #dropout: number;

  constructor(inputs: number, growth: number, p: number) {
    super();
    this.norm1 = new BatchNorm2d(inputs);
    this.conv1 = kaiming(inputs, 4 * growth, 1);
    this.norm2 = new BatchNorm2d(4 * growth);
    this.conv2 = kaiming(4 * growth, growth, 3, { padding: 1 });
    this.#dropout = p;
  }

  /** [N, C, H, W] → [N, C + growth, H, W] */
  forward(x: Tensor): Tensor {
    const y = sequential(x, [this.norm1, relu, this.conv1, this.norm2, relu, this.conv2]);
    return concat([x, dropout(y, this.#dropout)], 1);
  }
}

/** Densely connected networks (https://arxiv.org/abs/1608.06993), DenseNet-BC. Parameters as in torchvision's `DenseNet`. */
export class DenseNet extends Backbone {
  readonly features: Named;
  classifier: Linear;
  readonly #stages: readonly Layer[];
  readonly #width: number;

  constructor({ growth, blocks, stem, numClasses, dropout: p = 0, cifar = false }: DenseNetConfig) {
    super();
    let width = stem;
    const conv0 = cifar ? kaiming(3, stem, 3, { padding: 1 }) : kaiming(3, stem, 7, { stride: 2, padding: 3 });
    const stages = [
      new Named({
        conv0,
        norm0: new BatchNorm2d(stem),
        relu0: relu,
        pool0: (x) => (cifar ? x : maxPool(x, 3, { stride: 2, padding: 1 })),
      }),
      ...blocks.map((layers, i) => {
        const before = i === 0 ? {} : { [`transition${i}`]: transition(width) };
        if (i > 0) width = Math.floor(width / 2);
        const names = Array.from({ length: layers }, (_, j) => `denselayer${j + 1}`);
        const dense = names.map((name, j) => [name, new DenseLayer(width + j * growth, growth, p)] as const);
        width += layers * growth;
        const last = i === blocks.length - 1 ? { norm5: new BatchNorm2d(width), relu5: relu } : {};
        return new Named({ ...before, [`denseblock${i + 1}`]: new Named(Object.fromEntries(dense)), ...last });
      }),
    ];
    this.#stages = stages;
    this.#width = width;
    this.features = new Named(Object.assign({}, ...stages));
    this.classifier = withoutBias(new Linear(width, numClasses));
  }

  /** The stem at stride 4 and the blocks at strides 4, 8, 16, 32; a quarter of that for `cifar`. */
  stages(): readonly Layer[] {
    return this.#stages;
  }

  forwardHead(features: Tensor): Tensor {
    return this.classifier.forward(globalPool(features));
  }

  resetClassifier(numClasses: number): void {
    this.classifier = withoutBias(new Linear(this.#width, numClasses));
  }
}

const transition = (width: number): Named =>
  new Named({
    norm: new BatchNorm2d(width),
    relu,
    conv: kaiming(width, Math.floor(width / 2), 1),
    pool: (x) => avgPool(x, 2),
  });

/** Started by the inputs, where the other networks count the outputs. */
function kaiming(inputs: number, outputs: number, kernel: number, options = {}): Conv2d {
  const conv = new Conv2d(inputs, outputs, kernel, { ...options, bias: false });
  normal(conv.weight, Math.sqrt(2 / (inputs * kernel ** 2)));
  return conv;
}
