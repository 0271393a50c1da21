import type { OperatorFunction } from 'rxjs';
import { described, mapSettled, type SettledOptions } from './settled.ts';

/** What `segment` needs of a model: the parts of one input. */
export interface Segmenting<I, S> {
  segment(input: I): Promise<S>;
}

export interface Segmented<I, S> {
  readonly index: number;
  readonly input: I;
  readonly segmentation: S;
}

/**
 * The parts of every input, in order: of an image the class of each pixel. Window: `concurrency`; errors as of `classify`.
 *
 *     source:  --"a.png"------"b.png"------|
 *     segment: ---------{0}----------{1}---|
 */
export function segment<I, S>(
  model: Segmenting<I, S>,
  options: SettledOptions = {},
): OperatorFunction<I, Segmented<I, S>> {
  return mapSettled(
    async (input: I, index) => ({ index, input, segmentation: await model.segment(input) }),
    described,
    options,
  );
}
