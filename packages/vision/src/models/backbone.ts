import { type Layer, Module, sequential } from '@rivulet/nn';
import type { Tensor } from '@rivulet/tensor';
import { globalPool } from '../layers/head.ts';

/** What every image model does: images → features → logits, with the steps in between for those who build on it. */
export abstract class Backbone extends Module {
  /** The steps of `forwardFeatures`, in order; `featureMaps` counts them from 0. */
  abstract stages(): readonly Layer[];

  /** The last step's features → logits [N, classes] */
  abstract forwardHead(features: Tensor): Tensor;

  /** Puts a new, untrained head for `numClasses` in the place of the old one. */
  abstract resetClassifier(numClasses: number): void;

  /** [N, C, H, W] → features, [N, C', H', W'] of a convolutional model */
  forwardFeatures(x: Tensor): Tensor {
    return sequential(x, this.stages());
  }

  /** [N, C, H, W] → logits [N, classes] */
  forward(x: Tensor): Tensor {
    return this.forwardHead(this.forwardFeatures(x));
  }

  /** The last step's features → a vector each, [N, E]: the mean over all places. */
  poolFeatures(features: Tensor): Tensor {
    return features.rank === 4 ? globalPool(features) : features.flatten(1);
  }

  /** [N, C, H, W] → a vector each, [N, E]: what the classifier sees, or its mean over all places */
  forwardEmbedding(x: Tensor): Tensor {
    return this.poolFeatures(this.forwardFeatures(x));
  }

  /**
   * The outputs of the chosen stages, in the order asked for: what detectors and segmenters take.
   * @throws RangeError where the model has no such stage.
   */
  featureMaps(x: Tensor, levels: readonly number[]): Tensor[] {
    const stages = this.stages();
    for (const level of levels)
      if (!Number.isInteger(level) || level < 0 || level >= stages.length)
        throw new RangeError(`featureMaps: level ${level} is not in 0 to ${stages.length - 1}`);
    const maps: Tensor[] = [];
    let y = x;
    for (const stage of stages.slice(0, Math.max(-1, ...levels) + 1)) {
      y = sequential(y, [stage]);
      maps.push(y);
    }
    return levels.map((level) => maps[level]!);
  }
}
