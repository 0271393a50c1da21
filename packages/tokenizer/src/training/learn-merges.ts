import { MergeHeap } from '../merge-heap.ts';
import { grown, PairCounts } from './pair-counts.ts';

/** Distinct words as symbols, one behind the other, with how often each occurs. */
export interface SymbolWords {
  readonly ids: Int32Array;
  /** Where every word begins in `ids`; one entry more than words. */
  readonly starts: Int32Array;
  readonly counts: Float64Array;
}

export interface LearnMergesOptions {
  /** Tokens by their ids; new ones are appended. */
  readonly tokens: string[];
  readonly words: SymbolWords;
  readonly vocabSize: number;
  /** A pair that is rarer is not merged. */
  readonly minFrequency: number;
  /** Taken off the right part where two are joined. Default ''. */
  readonly continuingSubwordPrefix?: string;
  /** A pair that would be this many symbols long or longer is not counted. Default: any length. */
  readonly maxTokenLength?: number;
}

export type Merge = readonly [left: string, right: string];

const PAIR = 2 ** 26;

/**
 * Learns merges (https://arxiv.org/abs/1508.07909): the most frequent pair is joined, again and again; among equals the one
 * with the smaller ids. As in Hugging Face's trainer an entry of the queue knows only the words that it was made for, so a
 * token that arises in a second way brings a second entry for the pairs it is in. Yields the size of the vocabulary now and
 * then, and returns the merges in the order of their ranks.
 */
export function* learnMerges(options: LearnMergesOptions): Generator<number, Merge[]> {
  const { tokens, vocabSize, minFrequency, continuingSubwordPrefix: prefix = '' } = options;
  const known = new Map(tokens.map((token, id) => [token, id]));
  const state = new MergeState(options.words, options.maxTokenLength ?? Infinity);
  const merges = new Map<number, Merge>();
  let size = known.size;
  for (let steps = 1; size < vocabSize; steps++) {
    const pair = state.next(minFrequency);
    if (!pair) break;
    const left = tokens[pair.left]!;
    const right = tokens[pair.right]!;
    const rest = prefix !== '' && right.startsWith(prefix) ? right.slice(prefix.length) : right;
    const token = left + rest;
    let id = known.get(token);
    if (id === undefined) {
      id = tokens.push(token) - 1;
      known.set(token, id);
      size++;
    }
    const key = pair.left * PAIR + pair.right;
    merges.delete(key); // joined once more: the later rank counts
    merges.set(key, [left, right]);
    state.merge(pair, id);
    if (steps % 64 === 0) yield size;
  }
  return [...merges.values()];
}

interface Entry {
  readonly pair: number;
  readonly left: number;
  readonly right: number;
  readonly start: number;
  readonly end: number;
}

/** Words, the counts of their pairs, and the queue of what to merge. */
class MergeState {
  readonly #ids: Int32Array;
  readonly #starts: Int32Array;
  readonly #ends: Int32Array;
  readonly #counts: Float64Array;
  readonly #longest: number;
  /** Symbols in a token; kept only where there is a limit. */
  #lengths: Int32Array<ArrayBuffer> = new Int32Array(1024);
  readonly #pairs = new PairCounts();
  readonly #heap = new MergeHeap();
  #entryPairs: Int32Array<ArrayBuffer> = new Int32Array(1024);
  /** Per entry where its words begin in the pool; they end where the next entry's begin. */
  #entryStarts: Int32Array<ArrayBuffer> = new Int32Array(1024);
  #entries = 0;
  /** Words of all entries. */
  #pool: Int32Array<ArrayBuffer> = new Int32Array(1024);
  /** Of the step in progress: pairs that occur more often now with the word, and how many words each pair has. */
  #newPairs: Int32Array<ArrayBuffer> = new Int32Array(1024);
  #newWords: Int32Array<ArrayBuffer> = new Int32Array(1024);
  #news = 0;
  /** Per pair of this step: one more than the word that it was noted for last, and how many words it has. */
  #lastWord: Int32Array<ArrayBuffer> = new Int32Array(1024);
  #wordCount: Int32Array<ArrayBuffer> = new Int32Array(1024);

  constructor(words: SymbolWords, longest: number) {
    this.#ids = words.ids.slice();
    this.#starts = words.starts;
    this.#ends = words.starts.slice(1);
    this.#counts = words.counts;
    this.#longest = longest;
    const ids = this.#ids;
    for (let word = 0; word < this.#ends.length; word++) {
      const count = this.#counts[word]!;
      for (let i = this.#starts[word]!; i + 1 < this.#ends[word]!; i++) this.#more(ids[i]!, ids[i + 1]!, count, word);
    }
    this.#enqueue();
  }

  /** The most frequent pair, or null where it is rarer than wanted. */
  next(minFrequency: number): Entry | null {
    const { counts, left, right } = this.#pairs;
    while (this.#heap.size > 0) {
      const count = this.#heap.topCount;
      const entry = this.#heap.pop();
      const pair = this.#entryPairs[entry]!;
      const now = counts[pair]!;
      const [a, b] = [left[pair]!, right[pair]!];
      if (now !== count) {
        this.#heap.push(now, a * PAIR + b, entry);
        continue;
      }
      if (count < 1 || count < minFrequency) return null;
      return { pair, left: a, right: b, start: this.#entryStarts[entry]!, end: this.#entryStarts[entry + 1]! };
    }
    return null;
  }

  merge({ left, right, start, end }: Entry, id: number): void {
    const ids = this.#ids;
    const bounded = this.#longest !== Infinity;
    if (bounded) {
      this.#lengths = grown(this.#lengths, id + 1);
      this.#lengths[id] = this.#lengthOf(left) + this.#lengthOf(right);
    }
    for (let k = start; k < end; k++) {
      const word = this.#pool[k]!;
      const stop = this.#ends[word]!;
      let read = this.#starts[word]!;
      while (read + 1 < stop && (ids[read] !== left || ids[read + 1] !== right)) read++;
      if (read + 1 >= stop) continue;
      const begin = this.#starts[word]!;
      const count = this.#counts[word]!;
      let write = read;
      while (read < stop) {
        const symbol = ids[read]!;
        if (symbol !== left || read + 1 >= stop || ids[read + 1] !== right) {
          ids[write++] = symbol;
          read++;
          continue;
        }
        if (write > begin) {
          const before = ids[write - 1]!;
          this.#fewer(before, left, count);
          if (!bounded || this.#lengthOf(before) + this.#lengths[id]! < this.#longest)
            this.#more(before, id, count, word);
        }
        read += 2;
        if (read < stop) {
          const after = ids[read]!;
          this.#fewer(right, after, count);
          if (!bounded || this.#lengthOf(after) + this.#lengths[id]! < this.#longest)
            this.#more(id, after, count, word);
        }
        ids[write++] = id;
      }
      this.#ends[word] = write;
    }
    this.#enqueue();
  }

  #lengthOf(id: number): number {
    return (id < this.#lengths.length && this.#lengths[id]) || 1;
  }

  #fewer(left: number, right: number, count: number): void {
    const pair = this.#pairs.numberOf(left, right);
    this.#pairs.counts[pair]! -= count;
  }

  #more(left: number, right: number, count: number, word: number): void {
    const pair = this.#pairs.numberOf(left, right);
    this.#pairs.counts[pair]! += count;
    if (pair >= this.#lastWord.length) {
      this.#lastWord = grown(this.#lastWord, pair + 1);
      this.#wordCount = grown(this.#wordCount, pair + 1);
    }
    if (this.#lastWord[pair] === word + 1) return;
    this.#lastWord[pair] = word + 1;
    this.#wordCount[pair]!++;
    if (this.#news === this.#newPairs.length) {
      this.#newPairs = grown(this.#newPairs, this.#news + 1);
      this.#newWords = grown(this.#newWords, this.#news + 1);
    }
    this.#newPairs[this.#news] = pair;
    this.#newWords[this.#news++] = word;
  }

  /** What occurs more often since the last time becomes entries of the queue, with the words where it does. */
  #enqueue(): void {
    const { counts, left, right } = this.#pairs;
    const news = this.#news;
    const first = this.#entries;
    let end = this.#entryStarts[first]!;
    this.#pool = grown(this.#pool, end + news);
    for (let i = 0; i < news; i++) {
      const pair = this.#newPairs[i]!;
      if (this.#wordCount[pair] === 0) continue; // has its entry already
      this.#entryPairs = grown(this.#entryPairs, this.#entries + 1);
      this.#entryStarts = grown(this.#entryStarts, this.#entries + 2);
      const entry = this.#entries++;
      this.#entryPairs[entry] = pair;
      this.#entryStarts[entry] = end;
      end += this.#wordCount[pair]!;
      this.#entryStarts[entry + 1] = end;
      this.#wordCount[pair] = 0;
      if (counts[pair]! > 0) this.#heap.push(counts[pair]!, left[pair]! * PAIR + right[pair]!, entry);
    }
    // `lastWord` is free now and says where the next word of a pair goes.
    for (let entry = first; entry < this.#entries; entry++)
      this.#lastWord[this.#entryPairs[entry]!] = this.#entryStarts[entry]!;
    for (let i = 0; i < news; i++) this.#pool[this.#lastWord[this.#newPairs[i]!]!++] = this.#newWords[i]!;
    for (let entry = first; entry < this.#entries; entry++) this.#lastWord[this.#entryPairs[entry]!] = 0;
    this.#news = 0;
  }
}
