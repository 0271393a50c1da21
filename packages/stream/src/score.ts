import { type LanguageModel, score as scoreText, type TextScore } from '@rivulet/generation';
import type { OperatorFunction } from 'rxjs';
import { mapSettled, type SettledOptions } from './settled.ts';
import type { TokenizedText } from './text.ts';

/** A text to be judged. */
export interface ScoredText extends TokenizedText {
  /** The source's ids, for a model that reads one: how likely the text is as its translation. */
  readonly prompt?: ArrayLike<number>;
}

/** How likely the model finds an item's text. */
export interface Scored extends TextScore {
  readonly index: number;
  readonly text: string;
}

/**
 * The log-likelihood and perplexity of every text, in order; with `concurrency` above 1 a model that serves many sessions judges
 * them together. Window: `concurrency`.
 *
 *     source:  --{0}-----{1}-----|
 *     score:   -----{0}-----{1}--|
 *
 * An error of one item, such as a text with fewer than two tokens, fails the stream with an `ItemError`, unless `onItemError` takes
 * it: then the item is left out.
 */
export function score(model: LanguageModel, options: SettledOptions = {}): OperatorFunction<ScoredText, Scored> {
  return mapSettled(
    async ({ index, text, ids, prompt }: ScoredText) => ({ index, text, ...(await scoreText(model, ids, prompt)) }),
    ({ text }) => text,
    options,
  );
}
