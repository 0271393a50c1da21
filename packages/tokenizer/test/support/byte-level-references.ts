import { Tiktoken } from 'tiktoken';
import { Tokenizer as HuggingFace } from 'tokenizers';
import { type Tokenizer, tokenizerFromJSON, tokenizerFromTiktoken } from '../../src/index.ts';

/** tiktoken's own patterns (openai_public.py), for the reference. */
export const tiktokenPatterns = {
  cl100k: String.raw`(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`,
  p50k: String.raw`'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`,
  o200k: [
    String.raw`[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?`,
    String.raw`[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?`,
    String.raw`\p{N}{1,3}`,
    String.raw` ?[^\s\p{L}\p{N}]+[\r\n/]*`,
    String.raw`\s*[\r\n]+`,
    String.raw`\s+(?!\S)`,
    String.raw`\s+`,
  ].join('|'),
} as const;

/** The vocabularies in ../shared/tokenizers that this compares, with the path of each. */
export const vocabularies: Readonly<Record<string, string>> = {
  cl100k: 'tokenizers/tiktoken/cl100k_base.tiktoken',
  p50k: 'tokenizers/tiktoken/p50k_base.tiktoken',
  o200k: 'tokenizers/tiktoken/o200k_base.tiktoken',
  gpt2: 'tokenizers/hf/gpt2.json',
};

export interface Pair {
  readonly ours: Tokenizer;
  readonly reference: (text: string) => Promise<ArrayLike<number>>;
}

/** Ours and the reference, of the text of a vocabulary's file. */
export function pairOf(name: string, file: string): Pair {
  if (name in tiktokenPatterns) {
    const reference = new Tiktoken(file, {}, tiktokenPatterns[name as keyof typeof tiktokenPatterns]);
    return {
      ours: tokenizerFromTiktoken(new TextEncoder().encode(file), { pattern: name }),
      reference: async (text) => reference.encode(text, [], []),
    };
  }
  const reference = HuggingFace.fromString(file);
  return { ours: tokenizerFromJSON(file), reference: async (text) => (await reference.encode(text)).getIds() };
}
