import { TokenizerFormatError } from '../format.ts';
import type { TiktokenOptions } from '../tiktoken.ts';

const END = '<|endoftext|>';
const PROMPT_END = '<|endofprompt|>';

/** The published encodings with their special tokens (https://github.com/openai/tiktoken, openai_public.py). */
const encodings: Readonly<Record<string, TiktokenOptions>> = {
  cl100k: {
    pattern: 'cl100k',
    specialTokens: {
      [END]: 100_257,
      '<|fim_prefix|>': 100_258,
      '<|fim_middle|>': 100_259,
      '<|fim_suffix|>': 100_260,
      [PROMPT_END]: 100_276,
    },
  },
  o200k: { pattern: 'o200k', specialTokens: { [END]: 199_999, [PROMPT_END]: 200_018 } },
  p50k: { pattern: 'p50k', specialTokens: { [END]: 50_256 } },
  r50k: { pattern: 'r50k', specialTokens: { [END]: 50_256 } },
};

/** What a file of this name needs; options count more. @throws TokenizerFormatError where the split is not known. */
export function tiktokenEncoding(name: string, options: Partial<TiktokenOptions> = {}): TiktokenOptions {
  const known = Object.keys(encodings).find((encoding) => name.includes(encoding));
  const encoding = known === undefined ? undefined : encodings[known]!;
  const pattern = options.pattern ?? encoding?.pattern;
  if (!pattern)
    throw new TokenizerFormatError(
      'tiktoken.pattern',
      `the name of the file says none of ${Object.keys(encodings).join(', ')}: give the split pattern`,
    );
  return { pattern, specialTokens: options.specialTokens ?? encoding?.specialTokens ?? {} };
}
