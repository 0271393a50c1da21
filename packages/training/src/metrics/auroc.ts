import type { Classes } from './classes.ts';

/**
 * The area under the ROC curve of a two-class decision: how probably a positive scores higher than a negative, ties half.
 * All scores are kept.
 */
export class AUROC {
  #scores: number[] = [];
  #positive: boolean[] = [];

  /** @param targets 1 for positives, 0 for negatives. @throws RangeError for other targets, NaN, and lists of different lengths. */
  update(scores: ArrayLike<number>, targets: Classes): void {
    if (scores.length !== targets.length)
      throw new RangeError(`AUROC: ${scores.length} scores for ${targets.length} targets`);
    for (let i = 0; i < scores.length; i++) {
      const target = Number(targets[i]);
      if (target !== 0 && target !== 1) throw new RangeError(`AUROC: target ${i} is ${target}, expected 0 or 1`);
      if (Number.isNaN(scores[i])) throw new RangeError(`AUROC: score ${i} is NaN`);
    }
    for (let i = 0; i < scores.length; i++) {
      this.#scores.push(scores[i]!);
      this.#positive.push(Number(targets[i]) === 1);
    }
  }

  /** NaN unless there are positives and negatives. */
  compute(): number {
    const order = Array.from(this.#scores.keys()).sort((a, b) => this.#scores[a]! - this.#scores[b]!);
    let [wins, negatives, positives] = [0, 0, 0];
    for (let from = 0; from < order.length; ) {
      let to = from;
      let ties = { positive: 0, negative: 0 };
      for (; to < order.length && this.#scores[order[to]!] === this.#scores[order[from]!]; to++)
        ties = this.#positive[order[to]!]
          ? { ...ties, positive: ties.positive + 1 }
          : { ...ties, negative: ties.negative + 1 };
      wins += ties.positive * (negatives + ties.negative / 2);
      negatives += ties.negative;
      positives += ties.positive;
      from = to;
    }
    return wins / (positives * negatives);
  }

  reset(): void {
    this.#scores = [];
    this.#positive = [];
  }
}
