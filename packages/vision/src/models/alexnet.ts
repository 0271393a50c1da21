import { adaptiveAvgPool, Conv2d, dropout, type Layer, Linear, maxPool, sequential } from '@rivulet/nn';
import type { Tensor } from '@rivulet/tensor';
import { relu } from '../layers/conv-norm.ts';
import { Backbone } from './backbone.ts';

export interface AlexNetConfig {
  readonly numClasses: number;
  /** Default 0.5. */
  readonly dropout?: number;
}

/** AlexNet on one device (https://arxiv.org/abs/1404.5997). Parameters as in torchvision's `AlexNet`. */
export class AlexNet extends Backbone {
  readonly features: Layer[];
  readonly classifier: Layer[];

  constructor({ numClasses, dropout: p = 0.5 }: AlexNetConfig) {
    super();
    const pool: Layer = (x) => maxPool(x, 3, { stride: 2 });
    const drop: Layer = (x) => dropout(x, p);
    this.features = [
      new Conv2d(3, 64, 11, { stride: 4, padding: 2 }),
      relu,
      pool,
      new Conv2d(64, 192, 5, { padding: 2 }),
      relu,
      pool,
      new Conv2d(192, 384, 3, { padding: 1 }),
      relu,
      new Conv2d(384, 256, 3, { padding: 1 }),
      relu,
      new Conv2d(256, 256, 3, { padding: 1 }),
      relu,
      pool,
    ];
    this.classifier = [
      drop,
      new Linear(256 * 36, 4096),
      relu,
      drop,
      new Linear(4096, 4096),
      relu,
      new Linear(4096, numClasses),
    ];
  }

  stages(): readonly Layer[] {
    return this.features;
  }

  forwardHead(features: Tensor): Tensor {
    return sequential(adaptiveAvgPool(features, 6).flatten(1), this.classifier);
  }

  resetClassifier(numClasses: number): void {
    this.classifier[6] = new Linear(4096, numClasses);
  }
}
