import { Conv2d, dropout, type Layer, Module, maxPool, normal, sequential, uniform } from '@rivulet/nn';
import { concat, type Tensor } from '@rivulet/tensor';
import { relu } from '../layers/conv-norm.ts';
import { globalPool, withoutBias } from '../layers/head.ts';
import { Backbone } from './backbone.ts';

export interface SqueezeNetConfig {
  /** 1.1 needs less than half of the work of the paper's 1.0. */
  readonly version: '1.0' | '1.1';
  readonly numClasses: number;
  /** Probability of dropout before the classifier. Default 0.5. */
  readonly dropout?: number;
}

/** Convolutions, pooling and squeezed channels of the fire modules. */
const FEATURES = {
  '1.0': [7, 'pool', 16, 16, 32, 'pool', 32, 48, 48, 64, 'pool', 64],
  '1.1': [3, 'pool', 16, 16, 'pool', 32, 32, 'pool', 48, 48, 64, 64],
} as const;

class Fire extends Module {
  readonly squeeze: Conv2d;
  readonly expand1x1: Conv2d;
  readonly expand3x3: Conv2d;

  constructor(inputs: number, squeezed: number) {
    super();
    this.squeeze = uniformConv(inputs, squeezed, 1);
    this.expand1x1 = uniformConv(squeezed, 4 * squeezed, 1);
    this.expand3x3 = uniformConv(squeezed, 4 * squeezed, 3, { padding: 1 });
  }

  forward(x: Tensor): Tensor {
    const y = this.squeeze.forward(x).relu();
    return concat([this.expand1x1.forward(y).relu(), this.expand3x3.forward(y).relu()], 1);
  }
}

/** SqueezeNet (https://arxiv.org/abs/1602.07360). Parameters as in torchvision's `SqueezeNet`. */
export class SqueezeNet extends Backbone {
  readonly features: Layer[];
  readonly classifier: [Layer, Conv2d, Layer, Layer];

  constructor({ version, numClasses, dropout: p = 0.5 }: SqueezeNetConfig) {
    super();
    let width = version === '1.0' ? 96 : 64;
    const [kernel, ...rest] = FEATURES[version];
    const layers = rest.map((squeezed): Layer => {
      if (squeezed === 'pool') return (x) => maxPool(x, 3, { stride: 2, ceilMode: true });
      const fire = new Fire(width, squeezed);
      width = 8 * squeezed;
      return fire;
    });
    this.features = [uniformConv(3, version === '1.0' ? 96 : 64, kernel, { stride: 2 }), relu, ...layers];
    this.classifier = [(x) => dropout(x, p), classifier(numClasses), relu, globalPool];
  }

  stages(): readonly Layer[] {
    return this.features;
  }

  forwardHead(features: Tensor): Tensor {
    return sequential(features, this.classifier);
  }

  resetClassifier(numClasses: number): void {
    this.classifier[1] = classifier(numClasses);
  }
}

function uniformConv(inputs: number, outputs: number, kernel: number, options = {}): Conv2d {
  const conv = withoutBias(new Conv2d(inputs, outputs, kernel, options));
  uniform(conv.weight, Math.sqrt(6 / (inputs * kernel ** 2)));
  return conv;
}

function classifier(numClasses: number): Conv2d {
  const conv = withoutBias(new Conv2d(512, numClasses, 1));
  normal(conv.weight, 0.01);
  return conv;
}
