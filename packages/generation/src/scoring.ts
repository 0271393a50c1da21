import type { LanguageModel } from './language-model.ts';
import { logitRow, peakOf } from './scores.ts';

/** How likely a model finds a text. */
export interface TextScore {
  /** The log-probability of each token after those before it; the first has none where the model continues its prompt. */
  readonly logProbs: readonly number[];
  /** Their sum. */
  readonly logLikelihood: number;
  /** e to the mean of −logProb: of how many tokens the model was in doubt, on average. */
  readonly perplexity: number;
}

/** Tokens of one step: as fast as all together, and their logits take a bounded place. */
const PART = 128;

/**
 * The log-likelihood of a text. For a model that continues its prompt, `ids` is the whole text, and its first token is given;
 * otherwise `prompt` is the source, and every token of `ids` counts. Many tokens go into one step where the model can.
 * @throws RangeError where no token is left to be judged, a token is not in the vocabulary, or the model gives NaN.
 */
export async function score(
  model: LanguageModel,
  ids: ArrayLike<number>,
  prompt?: ArrayLike<number>,
): Promise<TextScore> {
  const all = Array.from(ids);
  const { vocabSize } = model;
  for (const [i, id] of all.entries())
    if (!Number.isInteger(id) || id < 0 || id >= vocabSize)
      throw new RangeError(`token ${i} of the text is ${id}, but the model's vocabulary has ${vocabSize} tokens`);
  if (!prompt && !model.continuesPrompt)
    throw new TypeError('score needs the prompt (the source) for a model that does not continue its prompt');
  const judged = prompt ? all : all.slice(1);
  if (judged.length === 0) throw new RangeError(`score needs ${prompt ? 1 : 2} tokens or more, got ${all.length}`);
  const session = await model.open(prompt ?? all.slice(0, 1));
  try {
    const fed = [session.firstToken, ...judged.slice(0, -1)];
    const logProbs: number[] = [];
    for (let from = 0; from < fed.length; ) {
      const part = fed.slice(from, from + (session.stepMany ? PART : 1));
      const logits = session.stepMany ? await session.stepMany(part) : await session.step(part, [0]);
      for (let i = 0; i < part.length; i++) {
        const row = logitRow(logits, i, vocabSize, session.peaks);
        logProbs.push(row.values[judged[from + i]!]! - peakOf(row, from + i + 1).logSumExp);
      }
      from += part.length;
    }
    const logLikelihood = logProbs.reduce((sum, x) => sum + x, 0);
    return { logProbs, logLikelihood, perplexity: Math.exp(-logLikelihood / judged.length) };
  } finally {
    session.dispose();
  }
}
