import { type Classes, eachPair, wantClass } from './classes.ts';

export interface ConfusionOptions {
  /** How many classes there are. */
  readonly classes: number;
  /** Targets with this value do not count. */
  readonly ignoreIndex?: number;
}

/** How often which class was taken for which. The figures below are made of it. */
export class ConfusionMatrix {
  readonly classes: number;
  readonly #ignoreIndex: number | undefined;
  readonly #counts: Float64Array;

  /** @throws RangeError unless there is a class or more. */
  constructor({ classes, ignoreIndex }: ConfusionOptions) {
    if (!Number.isInteger(classes) || classes < 1)
      throw new RangeError(`the number of classes must be an integer of 1 or more, got ${classes}`);
    this.classes = classes;
    this.#ignoreIndex = ignoreIndex;
    this.#counts = new Float64Array(classes * classes);
  }

  /** @throws RangeError where the lists differ in length or hold what is no class; what came before it is counted. */
  update(predictions: Classes, targets: Classes): void {
    eachPair('ConfusionMatrix', predictions, targets, this.#ignoreIndex, (prediction, target, i) => {
      wantClass('ConfusionMatrix', 'target', target, this.classes, i);
      wantClass('ConfusionMatrix', 'prediction', prediction, this.classes, i);
      this.#counts[target * this.classes + prediction]!++;
    });
  }

  /** A row per true class, a column per prediction. */
  compute(): number[][] {
    const rows = Array.from({ length: this.classes }, (_, i) => i * this.classes);
    return rows.map((from) => Array.from(this.#counts.subarray(from, from + this.classes)));
  }

  reset(): void {
    this.#counts.fill(0);
  }
}

/** Per class: right, predicted, true. */
interface Tally {
  readonly hits: number;
  readonly predicted: number;
  readonly support: number;
}

function tallies(matrix: readonly (readonly number[])[]): Tally[] {
  return matrix.map((row, c) => ({
    hits: row[c]!,
    predicted: matrix.reduce((n, other) => n + other[c]!, 0),
    support: row.reduce((a, b) => a + b, 0),
  }));
}

export interface FScores {
  readonly precision: number;
  readonly recall: number;
  readonly f1: number;
}

export interface ClassScores {
  /** One per class, with the number of its targets. */
  readonly perClass: readonly (FScores & { readonly support: number })[];
  /** Of all decisions together: with one class per item that is the accuracy. */
  readonly micro: FScores;
  /** The mean over the classes that occur, predicted or true. */
  readonly macro: FScores;
  /** The mean over the classes, weighted by their targets. */
  readonly weighted: FScores;
}

/** Precision, recall and F1, as sklearn's precision_recall_fscore_support with 0 for 0/0. */
export class PrecisionRecall {
  readonly #matrix: ConfusionMatrix;

  constructor(options: ConfusionOptions) {
    this.#matrix = new ConfusionMatrix(options);
  }

  /** As `ConfusionMatrix.update`. */
  update(predictions: Classes, targets: Classes): void {
    this.#matrix.update(predictions, targets);
  }

  compute(): ClassScores {
    const rows = tallies(this.#matrix.compute());
    const perClass = rows.map((row) => ({ ...scores(row), support: row.support }));
    const seen = perClass.filter((_, c) => rows[c]!.predicted + rows[c]!.support > 0);
    const total = (key: keyof Tally): number => rows.reduce((n, row) => n + row[key], 0);
    const all = { hits: total('hits'), predicted: total('predicted'), support: total('support') };
    return {
      perClass,
      micro: scores(all),
      macro: mean(seen, () => 1),
      weighted: mean(perClass, ({ support }) => support),
    };
  }

  reset(): void {
    this.#matrix.reset();
  }
}

const ratio = (a: number, b: number): number => (b === 0 ? 0 : a / b);

const scores = ({ hits, predicted, support }: Tally): FScores => ({
  precision: ratio(hits, predicted),
  recall: ratio(hits, support),
  f1: ratio(2 * hits, predicted + support),
});

function mean<T extends FScores>(rows: readonly T[], weight: (row: T) => number): FScores {
  const total = rows.reduce((n, row) => n + weight(row), 0);
  const of = (key: keyof FScores): number =>
    ratio(
      rows.reduce((n, row) => n + weight(row) * row[key], 0),
      total,
    );
  return { precision: of('precision'), recall: of('recall'), f1: of('f1') };
}

export interface IoUScores {
  /** Intersection over union; NaN for a class that is neither predicted nor true. */
  readonly perClass: readonly number[];
  /** Over the other classes. */
  readonly mean: number;
}

/** Mean intersection over union, the figure of segmentation; predictions and targets are the pixels' classes. */
export class MeanIoU {
  readonly #matrix: ConfusionMatrix;

  constructor(options: ConfusionOptions) {
    this.#matrix = new ConfusionMatrix(options);
  }

  /** As `ConfusionMatrix.update`. */
  update(predictions: Classes, targets: Classes): void {
    this.#matrix.update(predictions, targets);
  }

  compute(): IoUScores {
    const perClass = tallies(this.#matrix.compute()).map(
      ({ hits, predicted, support }) => hits / (predicted + support - hits),
    );
    const known = perClass.filter((value) => !Number.isNaN(value));
    return { perClass, mean: known.reduce((a, b) => a + b, 0) / known.length };
  }

  reset(): void {
    this.#matrix.reset();
  }
}
