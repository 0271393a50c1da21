import { dropout, type Layer, Linear, sequential } from '@rivulet/nn';
import type { Tensor } from '@rivulet/tensor';
import { type Activation, activationOf } from '../layers/activation.ts';
import { Backbone } from './backbone.ts';

export interface MLPConfig {
  readonly numClasses: number;
  /** Default 1. */
  readonly channels?: number;
  /** Height and width of the images, in pixels. Default 28. */
  readonly imageSize?: number;
  /** Widths of the hidden layers. Default [256]; none: logistic regression. */
  readonly hidden?: readonly number[];
  /** Default 'relu'. */
  readonly activation?: Activation;
  /** Probability of dropout behind every hidden layer. Default 0. */
  readonly dropout?: number;
}

/** A multi-layer perceptron on the pixels. Names `features.{0,3,6,…}` and `classifier`. */
export class MLP extends Backbone {
  readonly features: Layer[];
  classifier: Linear;
  readonly #width: number;

  constructor(config: MLPConfig) {
    super();
    const { numClasses, channels = 1, imageSize = 28, hidden = [256], activation = 'relu', dropout: p = 0 } = config;
    let width = channels * imageSize ** 2;
    const f = activationOf(activation);
    this.features = hidden.flatMap((outputs) => {
      const layer = new Linear(width, outputs);
      width = outputs;
      return [layer, f, (x: Tensor) => dropout(x, p)];
    });
    this.#width = width;
    this.classifier = new Linear(width, numClasses);
  }

  /** The hidden layers, each [N, width]. */
  stages(): readonly Layer[] {
    const flat: Layer = (x) => x.flatten(1);
    return [flat, ...this.features.flatMap((_, i) => (i % 3 === 0 ? [this.#hidden(i)] : []))];
  }

  #hidden(at: number): Layer {
    return (x) => sequential(x, this.features.slice(at, at + 3));
  }

  forwardHead(features: Tensor): Tensor {
    return this.classifier.forward(features);
  }

  resetClassifier(numClasses: number): void {
    this.classifier = new Linear(this.#width, numClasses);
  }
}
