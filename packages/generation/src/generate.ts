import { beamSearch } from './beam-search.ts';
import { deadlineAfter, eitherOf, inTime } from './deadline.ts';
import { assistant, promptLookup } from './drafters.ts';
import type { GenerationEvent } from './events.ts';
import type { DecodingSession, LanguageModel } from './language-model.ts';
import { type Drafter, GuessingSource } from './logit-source.ts';
import { oneByOne } from './one-by-one.ts';
import { checkTokenIds, type GenerateOptions, type ResolvedOptions, resolveOptions } from './options.ts';
import { type LogitsProcessor, logitsProcessors } from './processors.ts';

/** One generation, its options and limits settled. */
export interface Run {
  readonly vocabSize: number;
  readonly session: DecodingSession;
  readonly options: ResolvedOptions;
  readonly maxNewTokens: number;
  readonly eosTokenIds: readonly number[];
  /** The tokens that stand before the first made one. */
  readonly context: readonly number[];
  readonly processors: readonly LogitsProcessor[];
  readonly guesses?: GuessingSource;
  readonly signal?: AbortSignal;
  /** Aborted when the time is over: the text ends there. */
  readonly deadline?: AbortSignal;
}

/**
 * Continues a prompt, one event at a time. The model computes only when the next event is asked for; once `signal` is aborted
 * it makes no further step, and the events just end. The time of `maxTime` begins with the first event.
 * @throws TypeError or RangeError for options that are unknown, out of range or contradictory, before the model is opened;
 *   RangeError where the model gives NaN or the options leave no token to choose, with the step.
 */
export async function* generate(
  model: LanguageModel,
  given: ArrayLike<number>,
  options: GenerateOptions = {},
  signal?: AbortSignal,
): AsyncGenerator<GenerationEvent> {
  const resolved = resolveOptions(options);
  const { vocabSize, bosTokenId } = model;
  checkTokenIds(resolved, vocabSize);
  const prompt = given.length === 0 && bosTokenId !== undefined ? [bosTokenId] : given;
  if (signal?.aborted) return;
  yield { type: 'generation-start' };
  if (signal?.aborted) return;
  const contextLength = model.continuesPrompt ? prompt.length : 1;
  const wanted = resolved.maxLength === undefined ? resolved.maxNewTokens : resolved.maxLength - contextLength;
  const maxNewTokens = Math.min(wanted, model.maxNewTokens ?? Number.POSITIVE_INFINITY, room(model, prompt.length));
  if (maxNewTokens < 1) {
    yield { type: 'generation-end', tokens: [], score: 0, reason: 'length' };
    return;
  }
  const rows = Math.max(resolved.numBeams, resolved.numReturnSequences);
  const { priority } = resolved;
  const deadline = deadlineAfter(resolved.maxTime);
  const stop = eitherOf(signal, deadline);
  const opened = (): Promise<DecodingSession> =>
    model.open(prompt, { rows, maxNewTokens, priority, ...(stop && { signal: stop }) });
  const session = await inTime(opened, deadline);
  if (!session) {
    if (!signal?.aborted) yield { type: 'generation-end', tokens: [], score: 0, reason: 'time' };
    return;
  }
  let drafter: Drafter | undefined;
  try {
    if (signal?.aborted) return;
    drafter = await drafterFor(resolved, prompt, vocabSize);
    if (signal?.aborted) return;
    const context = model.continuesPrompt ? Array.from(prompt) : [session.firstToken];
    const eosTokenIds = resolved.eosTokenId === undefined ? model.eosTokenIds : [resolved.eosTokenId].flat();
    const maxLength = context.length + maxNewTokens;
    const processors = logitsProcessors(resolved, { eosTokenIds, contextLength: context.length, maxLength });
    const run: Run = {
      vocabSize,
      session,
      options: resolved,
      maxNewTokens,
      eosTokenIds,
      context,
      processors,
      ...(drafter && { guesses: new GuessingSource(session, drafter, vocabSize) }),
      ...(signal && { signal }),
      ...(deadline && { deadline }),
    };
    yield* resolved.numBeams > 1 ? beamSearch(run) : oneByOne(run);
  } catch (error) {
    if (!signal?.aborted) throw error;
  } finally {
    session.dispose();
    drafter?.dispose();
  }
}

/** How many tokens the context has room for behind the prompt. */
function room({ continuesPrompt, contextLength }: LanguageModel, promptLength: number): number {
  if (!continuesPrompt || contextLength === undefined) return Number.POSITIVE_INFINITY;
  if (promptLength < contextLength) return contextLength - promptLength;
  throw new RangeError(
    `the prompt has ${promptLength} tokens; this model reads and writes at most ${contextLength} together`,
  );
}

async function drafterFor(
  options: ResolvedOptions,
  prompt: ArrayLike<number>,
  vocabSize: number,
): Promise<Drafter | undefined> {
  const { assistantModel, numAssistantTokens, promptLookupNumTokens, maxMatchingNgramSize } = options;
  if (assistantModel) return assistant(assistantModel, prompt, numAssistantTokens, vocabSize);
  if (promptLookupNumTokens > 0) return promptLookup(Array.from(prompt), promptLookupNumTokens, maxMatchingNgramSize);
  return undefined;
}
