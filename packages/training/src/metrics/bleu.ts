import { split, tokenize13a } from './tokenize-13a.ts';

export interface BLEUOptions {
  /** '13a' (default), as published figures use, or 'none' for text that is tokenized already. */
  readonly tokenize?: '13a' | 'none';
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

/**
 * Corpus BLEU (https://aclanthology.org/P02-1040) with one reference, as sacreBLEU defines it: smoothing 'exp',
 * no effective order. Sentences are added one by one.
 */
export class BLEU {
  readonly #correct = new Array<number>(ORDER).fill(0);
  readonly #total = new Array<number>(ORDER).fill(0);
  readonly #tokenize: (text: string) => string[];
  readonly #options: Required<BLEUOptions>;
  #hypothesisLength = 0;
  #referenceLength = 0;

  constructor({ tokenize = '13a', lowercase = false }: BLEUOptions = {}) {
    this.#options = { tokenize, lowercase };
    const words = tokenize === '13a' ? tokenize13a : split;
    // sacreBLEU strips the end of every line before it tokenizes
    this.#tokenize = (text) => words((lowercase ? text.toLowerCase() : text).trimEnd());
  }

  add(hypothesis: string, reference: string): void {
    const [guess, truth] = [this.#tokenize(hypothesis), this.#tokenize(reference)];
    this.#hypothesisLength += guess.length;
    this.#referenceLength += truth.length;
    for (let n = 1; n <= ORDER; n++) {
      const expected = countNgrams(truth, n);
      for (const [ngram, count] of countNgrams(guess, n))
        this.#correct[n - 1]! += Math.min(count, expected.get(ngram) ?? 0);
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
    const signature = `nrefs:1|case:${lowercase ? 'lc' : 'mixed'}|eff:no|tok:${tokenize}|smooth:exp`;
    return { score, precisions, brevityPenalty, hypothesisLength: guess, referenceLength: truth, signature };
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

/** BLEU of a whole corpus at once. @throws RangeError when the lists differ in length. */
export function corpusBLEU(hypotheses: readonly string[], references: readonly string[], options: BLEUOptions = {}): BLEUScore {
  if (hypotheses.length !== references.length)
    throw new RangeError(`${hypotheses.length} hypotheses for ${references.length} references`);
  const bleu = new BLEU(options);
  hypotheses.forEach((hypothesis, i) => {
    bleu.add(hypothesis, references[i]!);
  });
  return bleu.compute();
}
