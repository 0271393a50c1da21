import {
  adaptiveAvgPool,
  BatchNorm2d,
  Conv2d,
  dropout,
  type Layer,
  Linear,
  Module,
  maxPool,
  sequential,
  truncatedNormal,
} from '@rivulet/nn';
import { concat, type Tensor } from '@rivulet/tensor';
import { relu } from '../layers/conv-norm.ts';
import { globalPool } from '../layers/head.ts';
import { Named, run } from '../layers/named.ts';
import { Backbone } from './backbone.ts';

export interface GoogLeNetConfig {
  readonly numClasses: number;
  /** Probability of dropout before the classifier. Default 0.2. */
  readonly dropout?: number;
  /** The same within the auxiliary classifiers. Default: `dropout`, or 0.7 where that is not given. */
  readonly dropoutAux?: number;
}

/** Channels of the 1x1, of the 3x3 (reduced, full), of the "5x5" (reduced, full) and of the pooled branch. */
type Branches = readonly [number, number, number, number, number, number];

/** Four looks at the same place; the branch that the paper gives 5x5 has 3x3, as torchvision's weights do. */
class Inception extends Module {
  readonly branch1: Named;
  readonly branch2: Named[];
  readonly branch3: Named[];
  readonly branch4: [Layer, Named];

  constructor(inputs: number, [one, reduced3, three, reduced5, five, pooled]: Branches) {
    super();
    this.branch1 = unit(inputs, one, 1);
    this.branch2 = [unit(inputs, reduced3, 1), unit(reduced3, three, 3, { padding: 1 })];
    this.branch3 = [unit(inputs, reduced5, 1), unit(reduced5, five, 3, { padding: 1 })];
    this.branch4 = [(x) => maxPool(x, 3, { stride: 1, padding: 1, ceilMode: true }), unit(inputs, pooled, 1)];
  }

  forward(x: Tensor): Tensor {
    const branches = [[this.branch1], this.branch2, this.branch3, this.branch4];
    return concat(
      branches.map((layers) => sequential(x, layers)),
      1,
    );
  }
}

/** A classifier on features half way, so that gradients reach the layers before it. */
class InceptionAux extends Module {
  readonly conv: Named;
  readonly fc1: Linear;
  fc2: Linear;
  readonly #dropout: number;

  constructor(inputs: number, numClasses: number, p: number) {
    super();
    this.conv = unit(inputs, 128, 1);
    this.fc1 = linear(2048, 1024);
    this.fc2 = linear(1024, numClasses);
    this.#dropout = p;
  }

  forward(x: Tensor): Tensor {
    const y = this.conv.forward(adaptiveAvgPool(x, 4)).flatten(1);
    return this.fc2.forward(dropout(this.fc1.forward(y).relu(), this.#dropout));
  }
}

/**
 * GoogLeNet, Inception v1 (https://arxiv.org/abs/1409.4842), with batch norm. Parameters as in torchvision's `GoogLeNet`, whose
 * ImageNet weights want images normalized by mean 0.5 and deviation 0.5.
 */
export class GoogLeNet extends Backbone {
  readonly conv1: Named;
  readonly conv2: Named;
  readonly conv3: Named;
  readonly inception3a: Inception;
  readonly inception3b: Inception;
  readonly inception4a: Inception;
  readonly inception4b: Inception;
  readonly inception4c: Inception;
  readonly inception4d: Inception;
  readonly inception4e: Inception;
  readonly inception5a: Inception;
  readonly inception5b: Inception;
  readonly aux1: InceptionAux;
  readonly aux2: InceptionAux;
  fc: Linear;
  readonly #dropout: number;

  constructor({ numClasses, dropout: p, dropoutAux = p ?? 0.7 }: GoogLeNetConfig) {
    super();
    this.conv1 = unit(3, 64, 7, { stride: 2, padding: 3 });
    this.conv2 = unit(64, 64, 1);
    this.conv3 = unit(64, 192, 3, { padding: 1 });
    this.inception3a = new Inception(192, [64, 96, 128, 16, 32, 32]);
    this.inception3b = new Inception(256, [128, 128, 192, 32, 96, 64]);
    this.inception4a = new Inception(480, [192, 96, 208, 16, 48, 64]);
    this.inception4b = new Inception(512, [160, 112, 224, 24, 64, 64]);
    this.inception4c = new Inception(512, [128, 128, 256, 24, 64, 64]);
    this.inception4d = new Inception(512, [112, 144, 288, 32, 64, 64]);
    this.inception4e = new Inception(528, [256, 160, 320, 32, 128, 128]);
    this.inception5a = new Inception(832, [256, 160, 320, 32, 128, 128]);
    this.inception5b = new Inception(832, [384, 192, 384, 48, 128, 128]);
    this.aux1 = new InceptionAux(512, numClasses, dropoutAux);
    this.aux2 = new InceptionAux(528, numClasses, dropoutAux);
    this.fc = linear(1024, numClasses);
    this.#dropout = p ?? 0.2;
  }

  /** Strides 2, 4, 8, 16 and 32. */
  stages(): readonly Layer[] {
    return [
      this.conv1,
      run([pool, this.conv2, this.conv3]),
      run([pool, this.inception3a, this.inception3b]),
      run([pool, this.inception4a, this.inception4b, this.inception4c, this.inception4d, this.inception4e]),
      run([pool2, this.inception5a, this.inception5b]),
    ];
  }

  forwardHead(features: Tensor): Tensor {
    return this.fc.forward(dropout(globalPool(features), this.#dropout));
  }

  /** As `forward`, with what the auxiliary classifiers say: the paper trains on logits + 0.3·(aux1 + aux2). Each [N, classes]. */
  forwardWithAuxiliary(x: Tensor): { readonly logits: Tensor; readonly aux1: Tensor; readonly aux2: Tensor } {
    const early = sequential(x, [...this.stages().slice(0, 3), pool, this.inception4a]);
    const middle = sequential(early, [this.inception4b, this.inception4c, this.inception4d]);
    const late = sequential(middle, [this.inception4e, pool2, this.inception5a, this.inception5b]);
    return { logits: this.forwardHead(late), aux1: this.aux1.forward(early), aux2: this.aux2.forward(middle) };
  }

  resetClassifier(numClasses: number): void {
    this.fc = linear(1024, numClasses);
    this.aux1.fc2 = linear(1024, numClasses);
    this.aux2.fc2 = linear(1024, numClasses);
  }
}

const pool: Layer = (x) => maxPool(x, 3, { stride: 2, ceilMode: true });
const pool2: Layer = (x) => maxPool(x, 2, { ceilMode: true });

function unit(inputs: number, outputs: number, kernel: number, options = {}): Named {
  const conv = new Conv2d(inputs, outputs, kernel, { ...options, bias: false });
  truncatedNormal(conv.weight, 0.01);
  return new Named({ conv, bn: new BatchNorm2d(outputs, { eps: 1e-3 }), relu });
}

function linear(inputs: number, outputs: number): Linear {
  const layer = new Linear(inputs, outputs);
  truncatedNormal(layer.weight, 0.01);
  return layer;
}
