import type { DecodingSession, LanguageModel } from './language-model.ts';
import type { Drafter } from './logit-source.ts';
import { type LogitRow, logitRow, peakOf } from './scores.ts';

/**
 * Guesses that what followed the last tokens before follows them again. Of the longest match, the latest place counts.
 * `prompt` is searched too, whether or not the text continues it: summaries and translations copy from their source.
 */
export function promptLookup(prompt: readonly number[], most: number, maxMatch: number): Drafter {
  return {
    most,
    async draft(made, count) {
      const all = [...prompt, ...made];
      for (let size = Math.min(maxMatch, all.length - 1); size >= 1; size--) {
        const suffix = all.length - size;
        for (let from = suffix - 1; from >= 0; from--) {
          let matches = true;
          for (let i = 0; i < size && matches; i++) matches = all[from + i] === all[suffix + i];
          if (matches) return all.slice(from + size, from + size + count);
        }
      }
      return [];
    },
    dispose() {},
  };
}

/** Guesses what a smaller model with the same vocabulary finds likeliest. */
export async function assistant(
  model: LanguageModel,
  prompt: ArrayLike<number>,
  most: number,
  vocabSize: number,
): Promise<Drafter> {
  if (model.vocabSize !== vocabSize)
    throw new RangeError(`assistantModel has ${model.vocabSize} tokens, the model has ${vocabSize}`);
  const { contextLength = Number.POSITIVE_INFINITY } = model.continuesPrompt ? model : {};
  if (prompt.length >= contextLength) return { most: 0, draft: async () => [], dispose() {} }; // it has nothing to say
  const session = await model.open(prompt);
  const { rewind } = session;
  if (!rewind) {
    session.dispose();
    throw new TypeError('assistantModel needs sessions with rewind()');
  }
  const fed: number[] = []; // after the first token
  let started = false;
  return {
    most,
    async draft(made, count) {
      const left =
        Math.min(model.maxNewTokens ?? Number.POSITIVE_INFINITY, contextLength - prompt.length) - made.length;
      const room = Math.min(count, left);
      if (room <= 0) return [];
      let same = 0;
      while (same < fed.length && fed[same] === made[same]) same++;
      // Logits come from feeding, so the last made token is fed anew where nothing else is.
      const keep = Math.max(0, Math.min(same, made.length - 1));
      if (keep < fed.length) rewind.call(session, fed.length - keep);
      fed.length = keep;
      const missing = made.slice(fed.length);
      if (!started) missing.unshift(session.firstToken);
      let row = await feed(session, missing, vocabSize);
      started = true;
      fed.push(...made.slice(fed.length));
      const guesses: number[] = [];
      while (guesses.length < room) {
        guesses.push(peakOf(row, made.length + guesses.length + 1).best); // refuses NaN
        if (guesses.length === room) break;
        row = await feed(session, [guesses.at(-1)!], vocabSize);
        fed.push(guesses.at(-1)!);
      }
      return guesses;
    },
    dispose: () => session.dispose(),
  };
}

/** Feeds tokens to the only row; the logits after the last. */
async function feed(session: DecodingSession, tokens: readonly number[], vocabSize: number): Promise<LogitRow> {
  if (session.stepMany && tokens.length > 1) {
    const logits = await session.stepMany(tokens);
    return logitRow(logits, tokens.length - 1, vocabSize, session.peaks);
  }
  let logits = new Float32Array(0);
  for (const token of tokens) logits = (await session.step([token], [0])) as typeof logits;
  return logitRow(logits, 0, vocabSize, session.peaks);
}
