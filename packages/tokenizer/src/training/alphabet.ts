import type { SymbolWords } from './learn-merges.ts';

export interface AlphabetOptions {
  readonly specialTokens: readonly string[];
  /** Characters that are in the vocabulary whether they occur or not. */
  readonly initialAlphabet: readonly string[];
  /** At most this many characters are kept: the most frequent ones. */
  readonly limitAlphabet: number;
  /** Written before symbols that do not start a word. */
  readonly prefix: string;
  /** Written behind the symbol that ends a word. */
  readonly suffix: string;
}

/** The characters of all words that are kept, by code point. */
export function alphabetOf(
  words: ReadonlyMap<string, number>,
  { initialAlphabet, limitAlphabet }: Pick<AlphabetOptions, 'initialAlphabet' | 'limitAlphabet'>,
): number[] {
  const counts = new Map<number, number>();
  for (const [word, count] of words)
    for (let i = 0; i < word.length; i++) {
      const code = word.codePointAt(i)!;
      if (code > 0xffff) i++;
      counts.set(code, (counts.get(code) ?? 0) + count);
    }
  for (const character of initialAlphabet) {
    const code = character.codePointAt(0);
    if (code !== undefined) counts.set(code, Infinity);
  }
  const kept = [...counts].sort(([a, n], [b, m]) => (n === m ? a - b : m - n)).slice(0, limitAlphabet);
  return kept.map(([code]) => code).sort((a, b) => a - b);
}

/**
 * Words as ids of symbols. Tokens are, in this order: the special ones, the alphabet, and what prefix and suffix make of it, as
 * it comes; characters outside the alphabet are left out.
 */
export function toSymbols(
  words: ReadonlyMap<string, number>,
  options: AlphabetOptions,
): { tokens: string[]; words: SymbolWords } {
  const { prefix, suffix, specialTokens } = options;
  const ids = new Map<string, number>();
  const tokens: string[] = [];
  const idOf = (token: string): number => {
    let id = ids.get(token);
    if (id === undefined) {
      id = tokens.push(token) - 1;
      ids.set(token, id);
    }
    return id;
  };
  for (const token of specialTokens) idOf(token);
  for (const code of alphabetOf(words, options)) idOf(String.fromCodePoint(code));
  /** Code point, times four, plus its place in the word → id, or −1 outside the alphabet. */
  const symbols = new Map<number, number>();
  const symbolOf = (code: number, first: boolean, last: boolean): number => {
    const key = 4 * code + (first ? 1 : 0) + (last ? 2 : 0);
    let id = symbols.get(key);
    if (id === undefined) {
      const character = String.fromCodePoint(code);
      id = ids.has(character) ? idOf((first ? '' : prefix) + character + (last ? suffix : '')) : -1;
      symbols.set(key, id);
    }
    return id;
  };
  let room = 0;
  for (const word of words.keys()) room += word.length;
  const flat = new Int32Array(room);
  const starts = new Int32Array(words.size + 1);
  let [size, number] = [0, 0];
  for (const word of words.keys()) {
    for (let i = 0; i < word.length; ) {
      const code = word.codePointAt(i)!;
      const end = i + (code > 0xffff ? 2 : 1);
      const id = symbolOf(code, i === 0, end === word.length);
      if (id >= 0) flat[size++] = id;
      i = end;
    }
    starts[++number] = size;
  }
  return { tokens, words: { ids: flat.subarray(0, size), starts, counts: Float64Array.from(words.values()) } };
}
