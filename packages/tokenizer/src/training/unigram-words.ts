import { scriptOf } from '../pre-tokenizers/unicode-scripts.ts';
import { alphabetOf } from './alphabet.ts';
import type { SymbolWords } from './learn-merges.ts';

/** Longer words are cut: what is computed over a word is a product of as many probabilities. */
const LONGEST = 64;
const META = 0x2581;

/** Distinct words as numbers of characters. */
export interface UnigramWords extends SymbolWords {
  /** Code points by their numbers. */
  readonly alphabet: readonly number[];
  /** Per character how often it occurs. */
  readonly frequencies: Float64Array;
  /** Per character its script; −1 goes with any. */
  readonly scripts: Int32Array;
}

/** Words are cut at characters outside the alphabet, which become unknown. */
export function unigramWords(
  words: ReadonlyMap<string, number>,
  options: { readonly initialAlphabet: readonly string[]; readonly limitAlphabet: number },
): UnigramWords {
  const alphabet = alphabetOf(words, options);
  const numbers = new Map(alphabet.map((code, number) => [code, number]));
  const frequencies = new Float64Array(alphabet.length);
  const ids: number[] = [];
  const starts = [0];
  const counts: number[] = [];
  for (const [word, count] of words) {
    const end = (): void => {
      if (ids.length === starts.at(-1)) return;
      starts.push(ids.length);
      counts.push(count);
    };
    for (let i = 0; i < word.length; i++) {
      const code = word.codePointAt(i)!;
      if (code > 0xffff) i++;
      const number = numbers.get(code);
      if (number === undefined) {
        end();
        continue;
      }
      ids.push(number);
      frequencies[number]! += count;
      if (ids.length - starts.at(-1)! === LONGEST) end();
    }
    end();
  }
  return {
    ids: Int32Array.from(ids),
    starts: Int32Array.from(starts),
    counts: Float64Array.from(counts),
    alphabet,
    frequencies,
    scripts: Int32Array.from(alphabet, (code) => (code === META ? -1 : scriptOf(code))),
  };
}
