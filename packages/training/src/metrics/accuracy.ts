import type { HostTensor } from '@rivulet/tensor';
import { type Classes, eachPair, wantClass } from './classes.ts';

export interface AccuracyOptions {
  /** Targets with this value do not count. */
  readonly ignoreIndex?: number;
}

/** The share of predictions that are right, 0 to 1; NaN of none. */
export class Accuracy {
  readonly #ignoreIndex: number | undefined;
  #right = 0;
  #count = 0;

  constructor({ ignoreIndex }: AccuracyOptions = {}) {
    this.#ignoreIndex = ignoreIndex;
  }

  /** @throws RangeError where the lists differ in length. */
  update(predictions: Classes, targets: Classes): void {
    eachPair('Accuracy', predictions, targets, this.#ignoreIndex, (prediction, target) => {
      this.#count++;
      if (prediction === target) this.#right++;
    });
  }

  compute(): number {
    return this.#right / this.#count;
  }

  reset(): void {
    this.#right = this.#count = 0;
  }
}

export interface TopKOptions extends AccuracyOptions {
  readonly k: number;
}

/** The share of targets that are among the k classes with the highest scores; of equal scores, the first classes count. */
export class TopKAccuracy {
  readonly #k: number;
  readonly #ignoreIndex: number | undefined;
  #right = 0;
  #count = 0;

  constructor({ k, ignoreIndex }: TopKOptions) {
    if (!Number.isInteger(k) || k < 1)
      throw new RangeError(`TopKAccuracy: k must be an integer of 1 or more, got ${k}`);
    this.#k = k;
    this.#ignoreIndex = ignoreIndex;
  }

  /** @param scores [..., V]. @throws RangeError where they do not fit the targets, or a target is no class. */
  update(scores: HostTensor, targets: Classes): void {
    const classes = scores.dims.at(-1) ?? 0;
    if (scores.data.length !== classes * targets.length)
      throw new RangeError(`TopKAccuracy: scores [${scores.dims.join(', ')}] for ${targets.length} targets`);
    eachPair('TopKAccuracy', targets, targets, this.#ignoreIndex, (_, target, i) => {
      wantClass('TopKAccuracy', 'target', target, classes, i);
      const row = i * classes;
      const own = Number(scores.data[row + target]);
      let rank = 0;
      for (let c = 0; c < classes; c++) {
        const other = Number(scores.data[row + c]);
        if (other > own || (other === own && c < target)) rank++;
      }
      this.#count++;
      if (rank < this.#k && !Number.isNaN(own)) this.#right++;
    });
  }

  /** 0 to 1; NaN of none. */
  compute(): number {
    return this.#right / this.#count;
  }

  reset(): void {
    this.#right = this.#count = 0;
  }
}
