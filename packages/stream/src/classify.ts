import type { OperatorFunction } from 'rxjs';
import { checkWhole } from './check.ts';
import { described, mapSettled, type SettledOptions } from './settled.ts';

export interface Label {
  readonly label: string;
  /** A probability, 0 to 1. */
  readonly score: number;
}

/** What `classify` needs of a model: the labels of one input, best first. */
export interface Classifier<I> {
  classify(input: I): Promise<readonly Label[]>;
}

export interface Classified<I> {
  readonly index: number;
  readonly input: I;
  readonly labels: readonly Label[];
}

export interface ClassifyOptions extends SettledOptions {
  /** How many labels to give. Default 1. */
  readonly topK?: number;
}

/**
 * The likeliest labels of every input, in order. Window: `concurrency`; a model that joins the calls it gets while it works, as an
 * `ImageClassifier` does, then runs them in batches.
 *
 *     source:    --"a.png"------"b.png"------|
 *     classify:  ---------{0}----------{1}---|
 *
 * An error of one item fails the stream with an `ItemError`, unless `onItemError` takes it: then the item is left out.
 */
export function classify<I>(
  classifier: Classifier<I>,
  options: ClassifyOptions = {},
): OperatorFunction<I, Classified<I>> {
  const { topK = 1 } = options;
  checkWhole('topK', topK);
  return mapSettled(
    async (input: I, index) => ({ index, input, labels: (await classifier.classify(input)).slice(0, topK) }),
    described,
    options,
  );
}
