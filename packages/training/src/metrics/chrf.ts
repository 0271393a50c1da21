import { split } from './tokenize-13a.ts';

export interface CHRFOptions {
  /** The longest n-grams of characters. Default 6. */
  readonly charOrder?: number;
  /** The longest n-grams of words: 0 (default) is chrF, 2 is chrF++. */
  readonly wordOrder?: number;
  /** How many times more recall counts than precision. Default 2. */
  readonly beta?: number;
  /** Default false. */
  readonly lowercase?: boolean;
  /** Whether white space is part of the n-grams of characters. Default false. */
  readonly whitespace?: boolean;
}

export interface CHRFScore {
  /** 0 to 100. */
  readonly score: number;
  /** How the score was made, in sacreBLEU's words. */
  readonly signature: string;
}

/** Of one order of n-grams: in the hypothesis, in the reference, in both. */
type Counts = [hypothesis: number, reference: number, match: number];

const PUNCTUATION = new Set('!"#$%&\'()*+,-./:;<=>?@[\\]^_`{|}~');

/**
 * chrF (https://aclanthology.org/W15-3049) and, with `wordOrder: 2`, chrF++ (https://aclanthology.org/W17-4770) of a corpus, as
 * sacreBLEU defines them. Sentences are added one by one; of several references the one with the best score counts.
 */
export class CHRF {
  readonly #options: Required<CHRFOptions>;
  #totals: Counts[] = [];
  readonly #referenceCounts = new Set<number>();

  /** @throws RangeError for an order that is no integer of 0 or more. */
  constructor(options: CHRFOptions = {}) {
    this.#options = { charOrder: 6, wordOrder: 0, beta: 2, lowercase: false, whitespace: false, ...options };
    for (const key of ['charOrder', 'wordOrder'] as const)
      if (!Number.isInteger(this.#options[key]) || this.#options[key] < 0)
        throw new RangeError(`CHRF: ${key} must be an integer of 0 or more, got ${this.#options[key]}`);
    this.reset();
  }

  /** @throws RangeError without a reference. */
  update(hypothesis: string, reference: string | readonly string[]): void {
    const references = typeof reference === 'string' ? [reference] : reference;
    if (references.length === 0) throw new RangeError('CHRF: a hypothesis needs a reference, got none');
    this.#referenceCounts.add(references.length);
    const guess = this.#ngrams(hypothesis);
    let best: { counts: Counts[]; score: number } | null = null;
    for (const truth of references) {
      const expected = this.#ngrams(truth);
      const counts = guess.map((grams, i) => matches(grams, expected[i]!));
      const score = this.#score(counts);
      if (!best || score > best.score) best = { counts, score };
    }
    this.#totals = this.#totals.map((total, i) => total.map((n, j) => n + best!.counts[i]![j]!) as Counts);
  }

  compute(): CHRFScore {
    const { charOrder, wordOrder, lowercase, whitespace } = this.#options;
    const [references = 1] = this.#referenceCounts;
    const nrefs = this.#referenceCounts.size > 1 ? 'var' : references;
    const signature =
      `nrefs:${nrefs}|case:${lowercase ? 'lc' : 'mixed'}|eff:yes|nc:${charOrder}|nw:${wordOrder}` +
      `|space:${whitespace ? 'yes' : 'no'}`;
    return { score: this.#score(this.#totals), signature };
  }

  reset(): void {
    const { charOrder, wordOrder } = this.#options;
    this.#totals = Array.from({ length: charOrder + wordOrder }, (): Counts => [0, 0, 0]);
    this.#referenceCounts.clear();
  }

  #ngrams(sentence: string): Map<string, number>[] {
    const { charOrder, wordOrder, lowercase, whitespace } = this.#options;
    const text = lowercase ? sentence.toLowerCase() : sentence;
    const characters = [...(whitespace ? text : split(text).join(''))];
    const words = wordOrder > 0 ? wordsOf(text) : [];
    return [
      ...Array.from({ length: charOrder }, (_, n) => count(characters, n + 1, '')),
      ...Array.from({ length: wordOrder }, (_, n) => count(words, n + 1, ' ')),
    ];
  }

  /** Precision and recall are averaged over the orders that hypothesis and reference have n-grams of. */
  #score(counts: readonly Counts[]): number {
    let [precision, recall, orders] = [0, 0, 0];
    for (const [hypothesis, reference, match] of counts) {
      if (hypothesis === 0 || reference === 0) continue;
      precision += match / hypothesis;
      recall += match / reference;
      orders++;
    }
    if (precision + recall === 0) return 0;
    precision /= orders;
    recall /= orders;
    const factor = this.#options.beta ** 2;
    return (100 * ((1 + factor) * precision * recall)) / (factor * precision + recall);
  }
}

/** Words with one mark of punctuation cut off, at the end or else at the beginning. */
function wordsOf(text: string): string[] {
  return split(text).flatMap((word) => {
    const characters = [...word];
    if (characters.length === 1) return [word];
    const [first, last] = [characters[0]!, characters.at(-1)!];
    if (PUNCTUATION.has(last)) return [characters.slice(0, -1).join(''), last];
    return PUNCTUATION.has(first) ? [first, characters.slice(1).join('')] : [word];
  });
}

function count(units: readonly string[], n: number, between: string): Map<string, number> {
  const counts = new Map<string, number>();
  for (let i = 0; i + n <= units.length; i++) {
    const ngram = units.slice(i, i + n).join(between);
    counts.set(ngram, (counts.get(ngram) ?? 0) + 1);
  }
  return counts;
}

function matches(guess: ReadonlyMap<string, number>, truth: ReadonlyMap<string, number>): Counts {
  let [hypothesis, reference, match] = [0, 0, 0];
  for (const [ngram, times] of guess) {
    hypothesis += times;
    match += Math.min(times, truth.get(ngram) ?? 0);
  }
  for (const times of truth.values()) reference += times;
  return [truth.size > 0 ? hypothesis : 0, reference, match];
}
