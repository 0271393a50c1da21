import { adaptiveAvgPool, BatchNorm2d, dropout, type Layer, maxPool, sequential } from '@rivulet/nn';
import type { Tensor } from '@rivulet/tensor';
import { kaimingConv, relu } from '../layers/conv-norm.ts';
import { normalLinear } from '../layers/head.ts';
import { run } from '../layers/named.ts';
import { Backbone } from './backbone.ts';

export interface VGGConfig {
  /** Convolutions of each of the five parts. */
  readonly layers: readonly number[];
  readonly batchNorm: boolean;
  readonly numClasses: number;
  /** Probability of dropout in the head. Default 0.5. */
  readonly dropout?: number;
}

const WIDTHS = [64, 128, 256, 512, 512];

/** VGG (https://arxiv.org/abs/1409.1556), with or without batch norm. Parameters as in torchvision's `VGG`. */
export class VGG extends Backbone {
  readonly features: Layer[];
  readonly classifier: Layer[];
  readonly #ends: number[] = [];

  constructor({ layers, batchNorm, numClasses, dropout: p = 0.5 }: VGGConfig) {
    super();
    let inputs = 3;
    this.features = [];
    layers.forEach((count, part) => {
      const outputs = WIDTHS[part]!;
      for (let i = 0; i < count; i++) {
        const conv = kaimingConv(inputs, outputs, 3, { padding: 1 });
        this.features.push(conv, ...(batchNorm ? [new BatchNorm2d(outputs)] : []), relu);
        inputs = outputs;
      }
      this.features.push((x) => maxPool(x, 2));
      this.#ends.push(this.features.length);
    });
    const drop: Layer = (x) => dropout(x, p);
    this.classifier = [
      normalLinear(512 * 49, 4096),
      relu,
      drop,
      normalLinear(4096, 4096),
      relu,
      drop,
      normalLinear(4096, numClasses),
    ];
  }

  /** Five parts, each ending with its pooling: strides 2 to 32. */
  stages(): readonly Layer[] {
    return this.#ends.map((end, i) => run(this.features.slice(this.#ends[i - 1] ?? 0, end)));
  }

  forwardHead(features: Tensor): Tensor {
    return sequential(adaptiveAvgPool(features, 7).flatten(1), this.classifier);
  }

  resetClassifier(numClasses: number): void {
    this.classifier[6] = normalLinear(4096, numClasses);
  }
}
