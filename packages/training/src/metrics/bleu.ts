import { split, stripEnd, tokenize13a, tokenizeCharacters } from './tokenize-13a.ts';
import { tokenizeZh } from './tokenize-zh.ts';

export interface BLEUOptions {
  /** '13a' (default), as published figures use, 'none' for text that is tokenized already, 'zh' or 'char' for Chinese. */
  readonly tokenize?: '13a' | 'none' | 'zh' | 'char';
  /** Default false. */
  readonly lowercase?: boolean;
}

export interface BLEUScore {
  /** 0 to 100. */
  readonly score: number;
  /** Of n-grams of 1 to 4 words, 0 to 100, after smoothing. */
  readonly precisions: readonly number[];
  readonly brevityPenalty: number;
  readonly hypothesisLength: number;
  readonly referenceLength: number;
  /** How the score was made, in sacreBLEU's words. */
  readonly signature: string;
}

const ORDER = 4;

const tokenizers: { readonly [T in NonNullable<BLEUOptions['tokenize']>]: (text: string) => string[] } = {
  '13a': tokenize13a,
  none: split,
  zh: tokenizeZh,
  char: tokenizeCharacters,
};

/**
 * Corpus BLEU (https://aclanthology.org/P02-1040) as sacreBLEU defines it: smoothing 'exp', no effective order.
 * Sentences are added one by one.
 */
export class BLEU {
  readonly #correct = new Array<number>(ORDER).fill(0);
  readonly #total = new Array<number>(ORDER).fill(0);
  readonly #tokenize: (text: string) => string[];
  readonly #options: Required<BLEUOptions>;
  #hypothesisLength = 0;
  #referenceLength = 0;
  readonly #referenceCounts = new Set<number>();

  constructor({ tokenize = '13a', lowercase = false }: BLEUOptions = {}) {
    this.#options = { tokenize, lowercase };
    const words = tokenizers[tokenize];
    // sacreBLEU strips the end of every line before it tokenizes
    this.#tokenize = (text) => words(stripEnd(lowercase ? text.toLowerCase() : text));
  }

  /**
   * Adds a sentence and its reference, or several: an n-gram then counts as often as in the reference that has it most often, and
   * the length is that of the reference nearest in length, the shorter of two. @throws RangeError without a reference.
   */
  update(hypothesis: string, reference: string | readonly string[]): void {
    const guess = this.#tokenize(hypothesis);
    const truths = (typeof reference === 'string' ? [reference] : reference).map(this.#tokenize);
    if (truths.length === 0) throw new RangeError('BLEU: a hypothesis needs a reference, got none');
    this.#referenceCounts.add(truths.length);
    this.#hypothesisLength += guess.length;
    this.#referenceLength += closest(
      guess.length,
      truths.map((truth) => truth.length),
    );
    for (let n = 1; n <= ORDER; n++) {
      const expected = truths.map((truth) => countNgrams(truth, n));
      for (const [ngram, count] of countNgrams(guess, n))
        this.#correct[n - 1]! += Math.min(count, Math.max(...expected.map((counts) => counts.get(ngram) ?? 0)));
      this.#total[n - 1]! += Math.max(0, guess.length - n + 1);
    }
  }

  compute(): BLEUScore {
    const [guess, truth] = [this.#hypothesisLength, this.#referenceLength];
    const brevityPenalty = guess >= truth ? 1 : guess > 0 ? Math.exp(1 - truth / guess) : 0;
    const precisions = this.#precisions();
    const known = precisions.every((p) => p > 0);
    const score = known ? brevityPenalty * Math.exp(precisions.reduce((sum, p) => sum + Math.log(p), 0) / ORDER) : 0;
    const { tokenize, lowercase } = this.#options;
    const [references = 1] = this.#referenceCounts;
    const nrefs = this.#referenceCounts.size > 1 ? 'var' : references;
    const signature = `nrefs:${nrefs}|case:${lowercase ? 'lc' : 'mixed'}|eff:no|tok:${tokenize}|smooth:exp`;
    return { score, precisions, brevityPenalty, hypothesisLength: guess, referenceLength: truth, signature };
  }

  reset(): void {
    this.#correct.fill(0);
    this.#total.fill(0);
    this.#hypothesisLength = this.#referenceLength = 0;
    this.#referenceCounts.clear();
  }

  /** In percent. An order without a match counts as half of the one before ("exp"); nothing counts past an order without n-grams. */
  #precisions(): number[] {
    const precisions = new Array<number>(ORDER).fill(0);
    if (this.#correct[0] === 0) return precisions;
    let smooth = 1;
    for (let n = 0; n < ORDER && this.#total[n]! > 0; n++) {
      if (this.#correct[n] === 0) {
        smooth *= 2;
        precisions[n] = 100 / (smooth * this.#total[n]!);
      } else precisions[n] = (100 * this.#correct[n]!) / this.#total[n]!;
    }
    return precisions;
  }
}

function countNgrams(words: readonly string[], n: number): Map<string, number> {
  const counts = new Map<string, number>();
  for (let i = 0; i + n <= words.length; i++) {
    const ngram = words.slice(i, i + n).join('\u0000');
    counts.set(ngram, (counts.get(ngram) ?? 0) + 1);
  }
  return counts;
}

/** The length nearest to `length`, the shorter of two. */
function closest(length: number, lengths: readonly number[]): number {
  const distance = (other: number): number => Math.abs(other - length);
  return lengths.reduce((best, other) => {
    const nearer = distance(other) - distance(best);
    return nearer < 0 || (nearer === 0 && other < best) ? other : best;
  });
}

/**
 * BLEU of a whole corpus at once. `references` is one list as long as `hypotheses`, or several such lists, as sacreBLEU takes
 * them: `references[k][i]` is the k-th reference of hypothesis i. @throws RangeError when the lists differ in length.
 */
export function corpusBLEU(
  hypotheses: readonly string[],
  references: readonly string[] | readonly (readonly string[])[],
  options: BLEUOptions = {},
): BLEUScore {
  const lists = isFlat(references) ? [references] : references;
  for (const list of lists)
    if (list.length !== hypotheses.length)
      throw new RangeError(`${hypotheses.length} hypotheses for ${list.length} references`);
  const bleu = new BLEU(options);
  hypotheses.forEach((hypothesis, i) => {
    bleu.update(
      hypothesis,
      lists.map((list) => list[i]!),
    );
  });
  return bleu.compute();
}

function isFlat(references: readonly string[] | readonly (readonly string[])[]): references is readonly string[] {
  return typeof (references[0] ?? '') === 'string';
}
