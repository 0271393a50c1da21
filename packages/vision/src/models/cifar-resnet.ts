import { avgPool, BatchNorm2d, type Conv2d, type Layer, Linear, Module } from '@rivulet/nn';
import type { Tensor } from '@rivulet/tensor';
import { kaimingConv } from '../layers/conv-norm.ts';
import { globalPool } from '../layers/head.ts';
import { run } from '../layers/named.ts';
import { Backbone } from './backbone.ts';

export interface CifarResNetConfig {
  /** Blocks of each stage: 3 for ResNet-20, 18 for ResNet-110. */
  readonly blocks: number;
  readonly numClasses: number;
}

class Block extends Module {
  readonly conv1: Conv2d;
  readonly bn1: BatchNorm2d;
  readonly conv2: Conv2d;
  readonly bn2: BatchNorm2d;
  readonly #grows: boolean;
  readonly #extra: number;

  constructor(inputs: number, outputs: number, stride: number) {
    super();
    this.conv1 = kaimingConv(inputs, outputs, 3, { stride, padding: 1, bias: false });
    this.bn1 = new BatchNorm2d(outputs);
    this.conv2 = kaimingConv(outputs, outputs, 3, { padding: 1, bias: false });
    this.bn2 = new BatchNorm2d(outputs);
    this.#grows = stride !== 1;
    this.#extra = (outputs - inputs) / 2;
  }

  forward(x: Tensor): Tensor {
    const y = this.bn1.forward(this.conv1.forward(x)).relu();
    return this.bn2.forward(this.conv2.forward(y)).add(this.#shortcut(x)).relu();
  }

  /** Option A: every second place, and channels of zeros on both sides. */
  #shortcut(x: Tensor): Tensor {
    if (!this.#grows) return x;
    const extra = [this.#extra, this.#extra] as const;
    return avgPool(x, 1, { stride: 2 }).pad([extra, [0, 0], [0, 0]]);
  }
}

/**
 * The residual networks for 32x32 images of https://arxiv.org/abs/1512.03385, section 4.2, with shortcuts without parameters.
 * Names as in akamaster/pytorch_resnet_cifar10.
 */
export class CifarResNet extends Backbone {
  readonly conv1: Conv2d;
  readonly bn1: BatchNorm2d;
  readonly layer1: Block[];
  readonly layer2: Block[];
  readonly layer3: Block[];
  linear: Linear;

  constructor({ blocks, numClasses }: CifarResNetConfig) {
    super();
    const stage = (inputs: number, outputs: number): Block[] =>
      Array.from({ length: blocks }, (_, i) =>
        i === 0 ? new Block(inputs, outputs, outputs / inputs) : new Block(outputs, outputs, 1),
      );
    this.conv1 = kaimingConv(3, 16, 3, { padding: 1, bias: false });
    this.bn1 = new BatchNorm2d(16);
    this.layer1 = stage(16, 16);
    this.layer2 = stage(16, 32);
    this.layer3 = stage(32, 64);
    this.linear = new Linear(64, numClasses);
  }

  stages(): readonly Layer[] {
    const stem: Layer = (x) => this.bn1.forward(this.conv1.forward(x)).relu();
    return [stem, ...[this.layer1, this.layer2, this.layer3].map(run)];
  }

  forwardHead(features: Tensor): Tensor {
    return this.linear.forward(globalPool(features));
  }

  resetClassifier(numClasses: number): void {
    this.linear = new Linear(64, numClasses);
  }
}
