import type { Spec } from './format.ts';
import { cl100kSplitter, gpt2Splitter, o200kSplitter, type Splitter } from './splitters.ts';

const makers: Readonly<Record<string, () => Splitter>> = {
  cl100k: cl100kSplitter,
  o200k: o200kSplitter,
  p50k: gpt2Splitter,
  r50k: gpt2Splitter,
};
const made = new Map<string, Splitter>();

/** The split of a known vocabulary, the same function for the same name; undefined for other names. */
export function namedSplitter(name: string): Splitter | undefined {
  if (!made.has(name) && Object.hasOwn(makers, name)) made.set(name, makers[name]!());
  return made.get(name);
}

/** The name of a split that `namedSplitter` gave. */
export function splitterName(splitter: Splitter): string | undefined {
  return [...made].find(([, one]) => one === splitter)?.[0];
}

const contractions = "(?i:'s|'t|'re|'ve|'m|'ll|'d)";
const behindWords = (lineEnds: string): string => ` ?[^\\s\\p{L}\\p{N}]+[${lineEnds}]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+`;
const cl100k = (digits: string): string =>
  `${contractions}|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|${digits}|${behindWords('\\r\\n')}`;
const upper = '[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]';
const lower = '[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]';
const o200kWord = (parts: string): string => `[^\\r\\n\\p{L}\\p{N}]?${parts}${contractions}?`;

/** Expressions as tokenizer.json writes them → what cuts as they do: Llama 3, Qwen 2, GPT-4o and those that took theirs over. */
const byExpression: ReadonlyMap<string, () => Splitter> = new Map([
  [cl100k('\\p{N}{1,3}'), cl100kSplitter],
  [cl100k('\\p{N}'), () => cl100kSplitter(1)],
  [
    `${o200kWord(`${upper}*${lower}+`)}|${o200kWord(`${upper}+${lower}*`)}|\\p{N}{1,3}|${behindWords('\\r\\n/')}`,
    o200kSplitter,
  ],
]);

/** What cuts a text's UTF-8 as a pre-tokenizer does that leaves it as it is; undefined for others. */
export function preTokenizerSplitter(spec: Spec): Splitter | undefined {
  if (spec.type === 'ByteLevel') return spec.use_regex === false ? undefined : gpt2Splitter();
  if (spec.type !== 'Sequence' || !Array.isArray(spec.pretokenizers) || spec.pretokenizers.length !== 2)
    return undefined;
  const [first, second] = spec.pretokenizers as [Spec, Spec];
  const plain = second.type === 'ByteLevel' && second.use_regex === false && second.add_prefix_space === false;
  if (!plain || first.type !== 'Split' || first.behavior !== 'Isolated' || first.invert === true) return undefined;
  return byExpression.get((first.pattern as { readonly Regex?: string }).Regex ?? '')?.();
}
