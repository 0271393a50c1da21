import type { OperatorFunction } from 'rxjs';
import { described, mapSettled, type SettledOptions } from './settled.ts';

/** What `embedInputs` needs of a model: the vector of one input. An `ImageEmbedder` has it. */
export interface InputEmbedder<I> {
  embed(input: I): Promise<Float32Array>;
}

export interface EmbeddedInput<I> {
  readonly index: number;
  readonly input: I;
  /** Of the model's width. */
  readonly vector: Float32Array;
}

/**
 * A vector for every input, such as an image, in order: similar ones have similar vectors. Window: `concurrency`; errors as of
 * `classify`. For texts see `embed`.
 *
 *     source:       --"a.png"------"b.png"------|
 *     embedInputs:  ---------{0}----------{1}---|
 */
export function embedInputs<I>(
  model: InputEmbedder<I>,
  options: SettledOptions = {},
): OperatorFunction<I, EmbeddedInput<I>> {
  return mapSettled(
    async (input: I, index) => ({ index, input, vector: await model.embed(input) }),
    described,
    options,
  );
}
