import type { ResolvedOptions } from './options.ts';

/**
 * Changes a row of scores in place. `tokens` are those that stand before the next one: prompt (or start token) and made ones.
 * Scores are logits in greedy search and sampling, log-probabilities in beam search.
 */
export type LogitsProcessor = (scores: Float32Array, tokens: readonly number[]) => void;

/** What processors know of the run. */
export interface ProcessorContext {
  readonly eosTokenIds: readonly number[];
  /** Tokens that stand before the first made one. */
  readonly contextLength: number;
  /** Most tokens, the context's counted. */
  readonly maxLength: number;
}

const BANNED = Number.NEGATIVE_INFINITY;

/** The processors that the options ask for, in Hugging Face's order; `presencePenalty` and `frequencyPenalty` after `repetitionPenalty`. */
export function logitsProcessors(options: ResolvedOptions, context: ProcessorContext): LogitsProcessor[] {
  const { eosTokenIds, contextLength, maxLength } = context;
  const all: LogitsProcessor[] = [];
  const ban = (ids: readonly number[]): LogitsProcessor => {
    return (scores) => {
      for (const id of ids) scores[id] = BANNED;
    };
  };
  const biases = [...(options.sequenceBias ?? []), ...logitBiases(options.logitBias)];
  if (biases.length > 0) all.push(sequenceBias(biases));
  if (options.repetitionPenalty !== 1) all.push(repetitionPenalty(options.repetitionPenalty));
  if (options.presencePenalty !== 0 || options.frequencyPenalty !== 0)
    all.push(countPenalty(options.presencePenalty, options.frequencyPenalty, contextLength));
  if (options.noRepeatNgramSize > 0) all.push(noRepeatNgram(options.noRepeatNgramSize));
  if (options.badWordsIds) {
    const words = options.badWordsIds.filter((word) => word.length > 1 || !eosTokenIds.includes(word[0]!));
    all.push(sequenceBias(words.map((word) => [word, BANNED])));
  }
  const minLength = Math.max(options.minLength, options.minNewTokens > 0 ? contextLength + options.minNewTokens : 0);
  if (minLength > contextLength) all.push(when((length) => length < minLength, ban(eosTokenIds)));
  if (options.forcedBosTokenId !== undefined)
    all.push(when((length) => length === 1, force([options.forcedBosTokenId])));
  if (options.forcedEosTokenId !== undefined) {
    const ids = [options.forcedEosTokenId].flat();
    all.push(when((length) => length === maxLength - 1, force(ids)));
  }
  if (options.suppressTokens) all.push(ban(options.suppressTokens));
  if (options.beginSuppressTokens) {
    const begin = contextLength + (contextLength === 1 && options.forcedBosTokenId !== undefined ? 1 : 0);
    all.push(when((length) => length === begin, ban(options.beginSuppressTokens)));
  }
  return all;
}

function when(applies: (length: number) => boolean, processor: LogitsProcessor): LogitsProcessor {
  return (scores, tokens) => {
    if (applies(tokens.length)) processor(scores, tokens);
  };
}

function force(ids: readonly number[]): LogitsProcessor {
  return (scores) => {
    scores.fill(BANNED);
    for (const id of ids) scores[id] = 0;
  };
}

type Bias = readonly [tokens: readonly number[], bias: number];

function logitBiases(bias: ResolvedOptions['logitBias']): Bias[] {
  return Object.entries(bias ?? {}).map(([id, value]): Bias => [[Number(id)], value]);
}

/** Adds a sequence's bias to its last token where the others stand before it. All are told from the scores as they came in. */
function sequenceBias(biases: readonly Bias[]): LogitsProcessor {
  const single = new Map<number, number>();
  const longer = biases.filter(([tokens]) => tokens.length > 1);
  for (const [tokens, bias] of biases)
    if (tokens.length === 1) single.set(tokens[0]!, (single.get(tokens[0]!) ?? 0) + bias);
  return (scores, tokens) => {
    const sums = new Map(single);
    for (const [sequence, bias] of longer) {
      const last = sequence.length - 1;
      if (sequence.length > tokens.length) continue; // Hugging Face's rule: one token more than the match needs
      const from = tokens.length - last;
      let matches = true;
      for (let i = 0; i < last && matches; i++) matches = tokens[from + i] === sequence[i];
      if (matches) sums.set(sequence[last]!, (sums.get(sequence[last]!) ?? 0) + bias);
    }
    for (const [id, bias] of sums) scores[id]! += bias;
  };
}

/** Makes every token that occurs less likely by a factor (https://arxiv.org/abs/1909.05858). */
function repetitionPenalty(penalty: number): LogitsProcessor {
  return (scores, tokens) => {
    for (const id of new Set(tokens)) {
      const score = scores[id];
      if (score !== undefined) scores[id] = score < 0 ? score * penalty : score / penalty;
    }
  };
}

/** Subtracts from every made token's logit: once, and once for every time it was made. The context does not count. */
function countPenalty(presence: number, frequency: number, contextLength: number): LogitsProcessor {
  return (scores, tokens) => {
    for (const id of new Set(tokens.slice(contextLength))) if (id < scores.length) scores[id]! -= presence;
    for (let i = contextLength; i < tokens.length; i++)
      if (tokens[i]! < scores.length) scores[tokens[i]!]! -= frequency;
  };
}

/** Bans each token that would repeat a sequence of `size` tokens. */
function noRepeatNgram(size: number): LogitsProcessor {
  return (scores, tokens) => {
    const prefix = tokens.length + 1 - size;
    for (let from = 0; from + size <= tokens.length; from++) {
      let matches = true;
      for (let i = 0; i < size - 1 && matches; i++) matches = tokens[from + i] === tokens[prefix + i];
      const id = tokens[from + size - 1]!;
      if (matches && id < scores.length) scores[id] = BANNED;
    }
  };
}
