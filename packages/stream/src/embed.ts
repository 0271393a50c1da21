import type { OperatorFunction } from 'rxjs';
import { mapSettled, type SettledOptions } from './settled.ts';
import type { TokenizedText } from './text.ts';

/** What `embed` needs of a model; `CausalLM` has it. */
export interface Embedder {
  embed(ids: ArrayLike<number>, options?: { readonly signal?: AbortSignal }): Promise<Float32Array>;
}

export interface Embedded {
  readonly index: number;
  readonly text: string;
  /** Of the model's width. */
  readonly vector: Float32Array;
}

/**
 * A vector for every text, in order. With `concurrency` above 1 a model that takes texts together, as `CausalLM` does, reads those of
 * like length in one run. Window: `concurrency`.
 *
 *     source:  --{0}-----{1}-----|
 *     embed:   -----{0}-----{1}--|
 *
 * An error of one item, such as a text without tokens, fails the stream with an `ItemError`, unless `onItemError` takes it: then the
 * item is left out.
 */
export function embed(model: Embedder, options: SettledOptions = {}): OperatorFunction<TokenizedText, Embedded> {
  return mapSettled(
    async ({ index, text, ids }: TokenizedText, _index, signal) => ({
      index,
      text,
      vector: await model.embed(ids, { signal }),
    }),
    ({ text }) => text,
    options,
  );
}
