/** How tokens are chosen. Names and defaults as in Hugging Face's generation_config.json, in camel case. */
export interface GenerateOptions {
  /** The most tokens to make, the end token included. Default 128. */
  readonly maxNewTokens?: number;
  /** Hypotheses that are followed at once; 1: none beside the best. Default 1. */
  readonly numBeams?: number;
  /** A hypothesis counts with its summed log-probability divided by length^lengthPenalty. Default 1. */
  readonly lengthPenalty?: number;
  /** Beam search ends with numBeams finished hypotheses, whether or not a live one could win. Default false. */
  readonly earlyStopping?: boolean;
  /** Draws tokens instead of taking the likeliest. Default false. */
  readonly doSample?: boolean;
  /** Divides the logits before sampling. Default 1. */
  readonly temperature?: number;
  /** Samples among this many of the likeliest tokens; 0: all. Default 0. */
  readonly topK?: number;
  /** Samples among the fewest tokens whose probability reaches this. Default 1. */
  readonly topP?: number;
  /** Of the sampling. Default 0. */
  readonly seed?: number;
}

export type ResolvedOptions = Required<GenerateOptions>;

const defaults: ResolvedOptions = {
  maxNewTokens: 128,
  numBeams: 1,
  lengthPenalty: 1,
  earlyStopping: false,
  doSample: false,
  temperature: 1,
  topK: 0,
  topP: 1,
  seed: 0,
};

/** Fills in the defaults. @throws TypeError or RangeError naming an option that is unknown, out of range or contradicts another. */
export function resolveOptions(options: GenerateOptions): ResolvedOptions {
  for (const key of Object.keys(options))
    if (!Object.hasOwn(defaults, key))
      throw new TypeError(`generate has no option '${key}'; it has: ${Object.keys(defaults).join(', ')}`);
  const given = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
  const all = { ...defaults, ...given } as ResolvedOptions;
  const want = (ok: boolean, option: keyof ResolvedOptions, expected: string): void => {
    if (!ok) throw new RangeError(`${option} must be ${expected}, got ${all[option]}`);
  };
  want(Number.isInteger(all.maxNewTokens) && all.maxNewTokens >= 1, 'maxNewTokens', 'a whole number from 1');
  want(Number.isInteger(all.numBeams) && all.numBeams >= 1, 'numBeams', 'a whole number from 1');
  for (const flag of ['earlyStopping', 'doSample'] as const)
    want(typeof all[flag] === 'boolean', flag, 'true or false');
  want(Number.isFinite(all.lengthPenalty), 'lengthPenalty', 'a number');
  want(Number.isFinite(all.temperature) && all.temperature > 0, 'temperature', 'a number above 0');
  want(Number.isInteger(all.topK) && all.topK >= 0, 'topK', 'a whole number from 0');
  want(Number.isFinite(all.topP) && all.topP > 0 && all.topP <= 1, 'topP', 'above 0 and at most 1');
  want(Number.isSafeInteger(all.seed), 'seed', 'a whole number');
  if (all.doSample && all.numBeams > 1) throw new RangeError('doSample and numBeams > 1 exclude each other');
  if (!all.doSample)
    for (const option of ['temperature', 'topK', 'topP'] as const)
      if (given[option] !== undefined && given[option] !== defaults[option])
        throw new RangeError(`${option} has no effect without doSample: true`);
  return all;
}
