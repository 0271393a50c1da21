import { type GenerateOptions, optionNames, resolveOptions } from './options.ts';

/** Without sampling these have no effect; Hugging Face's files often have them all the same. */
const ofSampling = ['temperature', 'topK', 'topP', 'minP', 'typicalP', 'epsilonCutoff', 'etaCutoff'] as const;

/**
 * The options that a model's generation_config.json (Hugging Face's) sets. Fields that are null or that mean nothing here, such
 * as versions and cache settings, are left out.
 * @throws TypeError where it is no object; RangeError naming a field whose value is no such option's.
 */
export function generationConfig(json: unknown): GenerateOptions {
  if (typeof json !== 'object' || json === null || Array.isArray(json)) throw new TypeError('is no JSON object');
  const known = new Set(optionNames);
  const named = Object.entries(json).map(([field, value]) => [camelCase(field), value] as const);
  const options = Object.fromEntries(named.filter(([name, value]) => known.has(name) && value !== null));
  return withOptions(options, {});
}

/** A model's own options with a caller's over them: what they replace, or make pointless, goes. */
export function withOptions(own: GenerateOptions, given: GenerateOptions): GenerateOptions {
  const chosen = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
  const kept: Record<string, unknown> = { ...own };
  if (given.maxNewTokens !== undefined) delete kept.maxLength;
  if (given.maxLength !== undefined) delete kept.maxNewTokens;
  if (given.numBeams !== undefined && given.numBeams > 1) delete kept.doSample;
  const { doSample = false } = { ...kept, ...chosen } as GenerateOptions;
  if (!doSample) for (const option of ofSampling) delete kept[option];
  const all = { ...kept, ...chosen } as GenerateOptions;
  resolveOptions(all);
  return all;
}

function camelCase(field: string): string {
  return field.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
}
