import { beamSearch } from './beam-search.ts';
import type { GenerationEvent } from './events.ts';
import type { DecodingSession, LanguageModel } from './language-model.ts';
import { type GenerateOptions, type ResolvedOptions, resolveOptions } from './options.ts';
import { sampleToken, uniformSource } from './sampler.ts';
import { argmax, logSumExp } from './scores.ts';

/**
 * Continues a prompt, one event at a time. The model computes only when the next event is asked for; once `signal` is aborted
 * it makes no further step, and the events just end.
 * @throws TypeError or RangeError for options that are unknown, out of range or contradictory, before the model is opened.
 */
export async function* generate(
  model: LanguageModel,
  prompt: ArrayLike<number>,
  options: GenerateOptions = {},
  signal?: AbortSignal,
): AsyncGenerator<GenerationEvent> {
  const resolved = resolveOptions(options);
  const maxNewTokens = Math.min(resolved.maxNewTokens, model.maxNewTokens ?? Number.POSITIVE_INFINITY);
  if (signal?.aborted) return;
  yield { type: 'generation-start' };
  if (signal?.aborted) return;
  if (maxNewTokens < 1) {
    yield { type: 'generation-end', tokens: [], score: 0, reason: 'length' };
    return;
  }
  const session = await model.open(prompt);
  try {
    if (signal?.aborted) return;
    const search = resolved.numBeams > 1 ? beamSearch : oneByOne;
    yield* search(model, session, { ...resolved, maxNewTokens }, signal);
  } finally {
    session.dispose();
  }
}

/** Greedy search, or sampling. */
async function* oneByOne(
  model: LanguageModel,
  session: DecodingSession,
  options: ResolvedOptions,
  signal?: AbortSignal,
): AsyncGenerator<GenerationEvent> {
  const ends = new Set(model.eosTokenIds);
  const uniform = uniformSource(options.seed);
  const tokens: number[] = [];
  let logProb = 0;
  let reason: 'eos' | 'length' = 'length';
  let length = 0;
  while (length < options.maxNewTokens) {
    const logits = await session.step([tokens.at(-1) ?? session.firstToken], [0]);
    if (signal?.aborted) return;
    const row = logits.subarray(0, model.vocabSize);
    const normalizer = logSumExp(row);
    const id = options.doSample ? sampleToken(row, options, uniform) : argmax(row);
    logProb += row[id]! - normalizer;
    length++;
    if (ends.has(id)) {
      reason = 'eos';
      break;
    }
    tokens.push(id);
    yield { type: 'token', id };
    if (signal?.aborted) return;
  }
  yield { type: 'generation-end', tokens, score: logProb / length ** options.lengthPenalty, reason };
}
