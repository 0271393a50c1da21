import type { Constraint } from './constraint.ts';
import type { LanguageModel } from './language-model.ts';
import type { StreamingDecoder } from './stop-strings.ts';

/** How tokens are chosen. Names and defaults as in Hugging Face's generation_config.json, in camel case. */
export interface GenerateOptions {
  /** The most tokens to make, the end token included. Default 128. */
  readonly maxNewTokens?: number;
  /** The most tokens, those of the prompt (or the start token) included; in place of `maxNewTokens`. */
  readonly maxLength?: number;
  /** Seconds after which no further step is made: what there is by then is the text, its reason 'time'. Default: no limit. */
  readonly maxTime?: number;
  /** No end token before there are this many tokens, those of the prompt (or the start token) included. Default 0. */
  readonly minLength?: number;
  /** No end token before this many tokens are made. Default 0. */
  readonly minNewTokens?: number;
  /** The tokens that end a text, in place of the model's; none: []. */
  readonly eosTokenId?: number | readonly number[];
  /** Hypotheses that are followed at once; 1: none beside the best. Default 1. */
  readonly numBeams?: number;
  /** Beams in this many groups of the same size, each kept away from the tokens of those before it. Default 1. */
  readonly numBeamGroups?: number;
  /** What a token costs for every beam of an earlier group that has it in the same place. Above 0 with `numBeamGroups`. */
  readonly diversityPenalty?: number;
  /** A hypothesis counts with its summed log-probability divided by length^lengthPenalty. Default 1. */
  readonly lengthPenalty?: number;
  /**
   * When beam search ends, once numBeams hypotheses are finished: true, at once; false, when no live one is better at its
   * present length; 'never', when no live one can become better. Default false.
   */
  readonly earlyStopping?: boolean | 'never';
  /** How many texts to return: the best of the beams, or samples. Default 1. */
  readonly numReturnSequences?: number;
  /** Draws tokens instead of taking the likeliest. Default false. */
  readonly doSample?: boolean;
  /** Divides the logits before sampling. Default 1. */
  readonly temperature?: number;
  /** Samples among this many of the likeliest tokens, and those that equal the last of them; 0: all. Default 0. */
  readonly topK?: number;
  /** Samples among the fewest tokens whose probability reaches this (https://arxiv.org/abs/1904.09751). Default 1. */
  readonly topP?: number;
  /** Samples among tokens with at least this share of the likeliest's probability (https://arxiv.org/abs/2407.01082). Default 0. */
  readonly minP?: number;
  /** Samples among the tokens of the most typical surprise that reach this probability (https://arxiv.org/abs/2202.00666). Default 1. */
  readonly typicalP?: number;
  /** Samples among tokens with at least this probability (https://arxiv.org/abs/2210.15191). Default 0. */
  readonly epsilonCutoff?: number;
  /** As `epsilonCutoff`, lower where the distribution is flat (https://arxiv.org/abs/2210.15191). Default 0. */
  readonly etaCutoff?: number;
  /** Of the sampling. Default 0. */
  readonly seed?: number;
  /** Above 1: tokens that occurred, in the prompt too, become less likely. Default 1. */
  readonly repetitionPenalty?: number;
  /** Subtracted from the logit of every token that was made. Default 0. */
  readonly presencePenalty?: number;
  /** Subtracted from a token's logit for every time it was made. Default 0. */
  readonly frequencyPenalty?: number;
  /** No sequence of this many tokens occurs twice. Default 0: any may. */
  readonly noRepeatNgramSize?: number;
  /** Added to the logits of these tokens: { id: bias }. */
  readonly logitBias?: Readonly<Record<number, number>>;
  /** Added to the logit of a sequence's last token where the others precede it: [[ids, bias], …]. */
  readonly sequenceBias?: readonly (readonly [ids: readonly number[], bias: number])[];
  /** Sequences of tokens that must not come. */
  readonly badWordsIds?: readonly (readonly number[])[];
  /** The token that comes first after a lone start token. */
  readonly forcedBosTokenId?: number;
  /** The token that comes last where the greatest length is reached. */
  readonly forcedEosTokenId?: number | readonly number[];
  /** Tokens that never come. */
  readonly suppressTokens?: readonly number[];
  /** Tokens that do not come first. */
  readonly beginSuppressTokens?: readonly number[];
  /** Token events and ends have log-probabilities. Default false. */
  readonly outputLogprobs?: boolean;
  /** Token events have the log-probabilities of this many of the likeliest tokens; implies `outputLogprobs`. Default 0. */
  readonly topLogprobs?: number;
  /** Texts that end the generation and do not come out, wherever they begin and end within tokens. Needs `decoder`. */
  readonly stopStrings?: readonly string[];
  /** Turns ids into text for `stopStrings`; @rivulet/tokenizer's tokenizers are such. */
  readonly decoder?: StreamingDecoder;
  /** What the text must look like: see `regexConstraint`, `jsonSchemaConstraint` and `grammarConstraint`. */
  readonly constraint?: Constraint;
  /** Guesses this many next tokens from where the last ones occurred before; the text stays the same. Default 0: no guesses. */
  readonly promptLookupNumTokens?: number;
  /** The most tokens that prompt lookup compares. Default 2. */
  readonly maxMatchingNgramSize?: number;
  /** A smaller model with the same vocabulary that guesses the next tokens; the text stays the same. */
  readonly assistantModel?: LanguageModel;
  /** How many tokens the assistant guesses at once. Default 5. */
  readonly numAssistantTokens?: number;
  /** Where many texts share a model and some wait for room, those with a higher one go first. Default 0. */
  readonly priority?: number;
}

type WithDefault =
  | 'maxNewTokens'
  | 'minLength'
  | 'minNewTokens'
  | 'numBeams'
  | 'numBeamGroups'
  | 'diversityPenalty'
  | 'lengthPenalty'
  | 'earlyStopping'
  | 'numReturnSequences'
  | 'doSample'
  | 'temperature'
  | 'topK'
  | 'topP'
  | 'minP'
  | 'typicalP'
  | 'epsilonCutoff'
  | 'etaCutoff'
  | 'seed'
  | 'repetitionPenalty'
  | 'presencePenalty'
  | 'frequencyPenalty'
  | 'noRepeatNgramSize'
  | 'outputLogprobs'
  | 'topLogprobs'
  | 'promptLookupNumTokens'
  | 'maxMatchingNgramSize'
  | 'numAssistantTokens'
  | 'priority';

/** The options with their defaults; those without a default stay absent. */
export type ResolvedOptions = GenerateOptions & Required<Pick<GenerateOptions, WithDefault>>;

const defaults: Required<Pick<GenerateOptions, WithDefault>> = {
  maxNewTokens: 128,
  minLength: 0,
  minNewTokens: 0,
  numBeams: 1,
  numBeamGroups: 1,
  diversityPenalty: 0,
  lengthPenalty: 1,
  earlyStopping: false,
  numReturnSequences: 1,
  doSample: false,
  temperature: 1,
  topK: 0,
  topP: 1,
  minP: 0,
  typicalP: 1,
  epsilonCutoff: 0,
  etaCutoff: 0,
  seed: 0,
  repetitionPenalty: 1,
  presencePenalty: 0,
  frequencyPenalty: 0,
  noRepeatNgramSize: 0,
  outputLogprobs: false,
  topLogprobs: 0,
  promptLookupNumTokens: 0,
  maxMatchingNgramSize: 2,
  numAssistantTokens: 5,
  priority: 0,
};

type Rule = readonly [ok: (value: unknown) => boolean, expected: string];

const whole = (from: number): Rule => [
  (x) => Number.isInteger(x) && (x as number) >= from,
  `a whole number from ${from}`,
];
const number: Rule = [Number.isFinite, 'a number'];
const positive: Rule = [(x) => Number.isFinite(x) && (x as number) > 0, 'a number above 0'];
const share: Rule = [(x) => typeof x === 'number' && x > 0 && x <= 1, 'above 0 and at most 1'];
const fraction: Rule = [(x) => typeof x === 'number' && x >= 0 && x < 1, 'from 0 and below 1'];
const flag: Rule = [(x) => typeof x === 'boolean', 'true or false'];
const isId = (x: unknown): boolean => Number.isInteger(x) && (x as number) >= 0;
const isIds = (x: unknown): boolean => Array.isArray(x) && x.every(isId);
const isWord = (x: unknown): boolean => isIds(x) && (x as unknown[]).length > 0;
const id: Rule = [isId, 'a token id'];
const ids: Rule = [isIds, 'a list of token ids'];
const idOrIds: Rule = [(x) => isId(x) || isIds(x), 'a token id or a list of them'];
const has =
  (...methods: string[]) =>
  (x: unknown): boolean =>
    typeof x === 'object' &&
    x !== null &&
    methods.every((m) => typeof (x as Record<string, unknown>)[m] === 'function');

/** One rule for every option there is. */
const rules: { readonly [K in keyof Required<GenerateOptions>]: Rule } = {
  maxNewTokens: whole(1),
  maxLength: whole(1),
  maxTime: positive,
  minLength: whole(0),
  minNewTokens: whole(0),
  eosTokenId: idOrIds,
  numBeams: whole(1),
  numBeamGroups: whole(1),
  diversityPenalty: [(x) => Number.isFinite(x) && (x as number) >= 0, 'a number from 0'],
  lengthPenalty: number,
  earlyStopping: [(x) => typeof x === 'boolean' || x === 'never', "true, false or 'never'"],
  numReturnSequences: whole(1),
  doSample: flag,
  temperature: positive,
  topK: whole(0),
  topP: share,
  minP: [(x) => typeof x === 'number' && x >= 0 && x <= 1, 'from 0 to 1'],
  typicalP: share,
  epsilonCutoff: fraction,
  etaCutoff: fraction,
  seed: [Number.isSafeInteger, 'a whole number'],
  repetitionPenalty: positive,
  presencePenalty: number,
  frequencyPenalty: number,
  noRepeatNgramSize: whole(0),
  logitBias: [
    (x) =>
      typeof x === 'object' &&
      x !== null &&
      Object.entries(x).every(([k, v]) => isId(Number(k)) && !Number.isNaN(v) && typeof v === 'number'),
    'an object { token id: number }',
  ],
  sequenceBias: [
    (x) =>
      Array.isArray(x) &&
      x.every(
        (entry) =>
          Array.isArray(entry) &&
          entry.length === 2 &&
          isWord(entry[0]) &&
          typeof entry[1] === 'number' &&
          !Number.isNaN(entry[1]),
      ),
    'a list of [token ids, number]',
  ],
  badWordsIds: [(x) => Array.isArray(x) && x.every(isWord), 'a list of lists of token ids, none empty'],
  forcedBosTokenId: id,
  forcedEosTokenId: idOrIds,
  suppressTokens: ids,
  beginSuppressTokens: ids,
  outputLogprobs: flag,
  topLogprobs: whole(0),
  stopStrings: [
    (x) => Array.isArray(x) && x.length > 0 && x.every((s) => typeof s === 'string' && s !== ''),
    'a list of strings, none empty',
  ],
  decoder: [has('decodeStream'), 'an object with decodeStream()'],
  constraint: [has('start'), 'a constraint'],
  promptLookupNumTokens: whole(0),
  maxMatchingNgramSize: whole(1),
  assistantModel: [has('open'), 'a language model'],
  numAssistantTokens: whole(1),
  priority: number,
};

/** The names of all options. */
export const optionNames: readonly string[] = Object.keys(rules);

/** Fills in the defaults. @throws TypeError or RangeError naming an option that is unknown, out of range or contradicts another. */
export function resolveOptions(options: GenerateOptions): ResolvedOptions {
  const given: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(options)) {
    if (!Object.hasOwn(rules, key))
      throw new TypeError(`generate has no option '${key}'; it has: ${Object.keys(rules).join(', ')}`);
    if (value === undefined) continue;
    const [ok, expected] = rules[key as keyof typeof rules];
    if (!ok(value)) throw new RangeError(`${key} must be ${expected}, got ${shown(value)}`);
    given[key] = value;
  }
  const all: ResolvedOptions = { ...defaults, ...given };
  rejectContradictions(all, (option) => {
    const value = all[option];
    return given[option] !== undefined && value !== (defaults as GenerateOptions)[option];
  });
  return { ...all, outputLogprobs: all.outputLogprobs || all.topLogprobs > 0 };
}

function shown(value: unknown): string {
  return typeof value === 'object' ? JSON.stringify(value).slice(0, 80) : String(value);
}

/** `set`: whether an option was given and is not its default. */
function rejectContradictions(all: ResolvedOptions, set: (option: keyof GenerateOptions) => boolean): void {
  const want = (ok: boolean, message: string): void => {
    if (!ok) throw new RangeError(message);
  };
  const beams = all.numBeams > 1;
  want(!(all.doSample && beams), 'doSample and numBeams > 1 exclude each other');
  want(all.maxLength === undefined || !set('maxNewTokens'), 'maxLength and maxNewTokens exclude each other');
  if (all.maxLength === undefined)
    want(
      all.minNewTokens <= all.maxNewTokens,
      `minNewTokens ${all.minNewTokens} is above maxNewTokens ${all.maxNewTokens}`,
    );
  else want(all.minLength <= all.maxLength, `minLength ${all.minLength} is above maxLength ${all.maxLength}`);
  if (!all.doSample)
    for (const option of ['temperature', 'topK', 'topP', 'minP', 'typicalP', 'epsilonCutoff', 'etaCutoff'] as const)
      want(!set(option), `${option} has no effect without doSample: true`);
  const { numBeamGroups, numBeams, numReturnSequences } = all;
  want(
    numBeams % numBeamGroups === 0,
    `numBeams ${numBeams} must be a multiple of numBeamGroups, got ${numBeamGroups}`,
  );
  want(
    numBeamGroups > 1 === all.diversityPenalty > 0,
    'numBeamGroups above 1 and diversityPenalty above 0 need each other',
  );
  if (!all.doSample)
    want(
      numReturnSequences <= numBeams,
      `numReturnSequences ${numReturnSequences} needs doSample: true or as many numBeams, got ${numBeams}`,
    );
  want(!all.stopStrings || all.decoder !== undefined, 'stopStrings needs a decoder');
  want(!(beams && all.stopStrings), 'stopStrings and numBeams > 1 exclude each other');
  want(!(beams && all.constraint), 'constraint and numBeams > 1 exclude each other');
  const guess = all.assistantModel ? 'assistantModel' : all.promptLookupNumTokens > 0 ? 'promptLookupNumTokens' : '';
  want(
    !(all.assistantModel && all.promptLookupNumTokens > 0),
    'assistantModel and promptLookupNumTokens exclude each other',
  );
  if (guess) {
    want(!beams, `${guess} and numBeams > 1 exclude each other`);
    want(numReturnSequences === 1, `${guess} and numReturnSequences > 1 exclude each other`);
  }
}

/** @throws RangeError naming an option with a token that the model has not. */
export function checkTokenIds(options: ResolvedOptions, vocabSize: number): void {
  const named: Partial<Record<keyof GenerateOptions, readonly number[]>> = {
    eosTokenId: options.eosTokenId === undefined ? [] : [options.eosTokenId].flat(),
    forcedBosTokenId: options.forcedBosTokenId === undefined ? [] : [options.forcedBosTokenId],
    forcedEosTokenId: options.forcedEosTokenId === undefined ? [] : [options.forcedEosTokenId].flat(),
    suppressTokens: options.suppressTokens ?? [],
    beginSuppressTokens: options.beginSuppressTokens ?? [],
    badWordsIds: (options.badWordsIds ?? []).flat(),
    sequenceBias: (options.sequenceBias ?? []).flatMap(([tokens]) => tokens),
    logitBias: Object.keys(options.logitBias ?? {}).map(Number),
  };
  for (const [option, tokens] of Object.entries(named))
    for (const token of tokens)
      if (token >= vocabSize)
        throw new RangeError(`${option} has token ${token}, but the model's vocabulary has ${vocabSize} tokens`);
}
