import type { AddedToken } from './added-tokens.ts';
import { BPE } from './bpe.ts';
import { byteCharacters } from './byte-characters.ts';
import { splitWords } from './byte-level.ts';
import type { Spec } from './format.ts';
import { Tokenizer } from './tokenizer.ts';

export interface TrainBPEOptions {
  /** Tokens in all: special ones, the 256 bytes and the merges. */
  readonly vocabSize: number;
  /** A pair that is rarer is not merged. Default 2. */
  readonly minFrequency?: number;
  /** They get the first ids, in this order, and are never split. Default none. */
  readonly specialTokens?: readonly string[];
  /** Special tokens around every text, with null in the text's place: ['<s>', null, '</s>']. Default: the text alone. */
  readonly template?: readonly (string | null)[];
  /**
   * A tokenizer to go on from: its tokens and merges come first and keep their ids. Training on one language and going on with
   * another gives each a range of ids of its own. Special tokens and template are the base's then.
   */
  readonly base?: Tokenizer;
  /** Called now and then with the size of the vocabulary so far. */
  readonly onProgress?: (size: number) => void;
}

/** A word as ids, and how often it occurs. */
interface Word {
  ids: number[];
  readonly count: number;
}

const PAIR = 2 ** 26;

/**
 * Learns a byte-level BPE vocabulary: the most frequent pair is merged, again and again (https://arxiv.org/abs/1508.07909);
 * among equals the pair with the smaller ids, as in Hugging Face's trainer.
 * @throws RangeError when the vocabulary has no room for the bytes and the special tokens.
 */
export function trainBPE(texts: Iterable<string>, options: TrainBPEOptions): Tokenizer {
  const { vocabSize, minFrequency = 2, base, onProgress } = options;
  const { specialTokens = [], template = [null] } = options;
  const tokens = base
    ? Array.from({ length: base.vocabSize }, (_, id) => base.idToToken(id)!)
    : [...specialTokens, ...[...byteCharacters].sort()];
  if (new Set(tokens).size !== tokens.length)
    throw new RangeError('special tokens must differ from each other and from single bytes');
  if (vocabSize < tokens.length)
    throw new RangeError(
      `vocabSize must be at least ${tokens.length} (256 bytes and ${specialTokens.length} special tokens), got ${vocabSize}`,
    );
  const vocab = new Map(tokens.map((token, id) => [token, id]));
  const start = base?.model ?? new BPE({ vocab, merges: [] });
  if (!(start instanceof BPE)) throw new RangeError('base must be a byte-level BPE tokenizer');
  const words = countWords(texts, start);
  const merges = start.merges.map(([left, right]): [string, string] => [left, right]);
  const pairs = new PairCounts(words);
  while (tokens.length < vocabSize) {
    const best = pairs.best(minFrequency);
    if (!best) break;
    const [left, right] = [tokens[best.left]!, tokens[best.right]!];
    const merged = left + right;
    merges.push([left, right]);
    let id = vocab.get(merged);
    if (id === undefined) {
      id = tokens.push(merged) - 1;
      vocab.set(merged, id);
    }
    pairs.merge(best.left, best.right, id);
    if (merges.length % 256 === 0) onProgress?.(tokens.length);
  }
  onProgress?.(tokens.length);
  const byteLevel = { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: true } as const;
  return new Tokenizer({
    model: new BPE({ vocab, merges }),
    preTokenizer: byteLevel,
    postProcessor: base ? base.postProcessor : template.length === 1 ? byteLevel : templateSpec(template, vocab),
    decoder: byteLevel,
    addedTokens: base?.addedTokens ?? specialTokens.map((content, id) => special(content, id)),
  });
}

function templateSpec(template: readonly (string | null)[], vocab: ReadonlyMap<string, number>): Spec {
  const names = [...new Set(template)].filter((name) => name !== null);
  const specials = names.map((name) => {
    const id = vocab.get(name);
    if (id === undefined) throw new RangeError(`the template names '${name}', which is no special token`);
    return [name, { id: name, ids: [id], tokens: [name] }] as const;
  });
  const single = template.map((name) =>
    name === null ? { Sequence: { id: 'A', type_id: 0 } } : { SpecialToken: { id: name, type_id: 0 } },
  );
  return {
    type: 'TemplateProcessing',
    single,
    pair: [...single, { Sequence: { id: 'B', type_id: 1 } }],
    special_tokens: Object.fromEntries(specials),
  };
}

function special(content: string, id: number): AddedToken {
  return { id, content, singleWord: false, lstrip: false, rstrip: false, normalized: false, special: true };
}

function countWords(texts: Iterable<string>, start: BPE): Word[] {
  const counts = new Map<string, number>();
  for (const raw of texts) {
    const text = raw.toWellFormed();
    splitWords(text, (start, end) => {
      const word = text.slice(start, end);
      counts.set(word, (counts.get(word) ?? 0) + 1);
    });
  }
  return [...counts].map(([word, count]) => {
    const ids: number[] = [];
    start.encodeWord(word, ids);
    return { ids, count };
  });
}

/** How often every pair occurs and in which words, kept up to date from merge to merge. */
class PairCounts {
  readonly #words: readonly Word[];
  readonly #counts = new Map<number, number>();
  readonly #where = new Map<number, Set<number>>();
  /** A heap of [count, pair]; entries whose count is outdated are corrected when they come up. */
  readonly #heap: [number, number][] = [];

  constructor(words: readonly Word[]) {
    this.#words = words;
    words.forEach(({ ids, count }, index) => {
      for (let i = 0; i + 1 < ids.length; i++) this.#add(ids[i]! * PAIR + ids[i + 1]!, count, index);
    });
    for (const [pair, count] of this.#counts) this.#push([count, pair]);
  }

  #add(pair: number, change: number, word: number): void {
    this.#counts.set(pair, (this.#counts.get(pair) ?? 0) + change);
    const set = this.#where.get(pair) ?? new Set();
    set.add(word);
    this.#where.set(pair, set);
  }

  best(minFrequency: number): { left: number; right: number } | null {
    for (let top = this.#pop(); top; top = this.#pop()) {
      const [count, pair] = top;
      const now = this.#counts.get(pair) ?? 0;
      if (now !== count) {
        if (now > 0) this.#push([now, pair]);
        continue;
      }
      if (count < 1 || count < minFrequency) return null;
      return { left: Math.floor(pair / PAIR), right: pair % PAIR };
    }
    return null;
  }

  merge(left: number, right: number, id: number): void {
    const merged = left * PAIR + right;
    const changed = new Set<number>();
    for (const index of this.#where.get(merged) ?? []) {
      const word = this.#words[index]!;
      const { ids, count } = word;
      const next: number[] = [];
      for (let i = 0; i < ids.length; i++) {
        if (ids[i] !== left || ids[i + 1] !== right) {
          next.push(ids[i]!);
          continue;
        }
        next.push(id);
        i++;
      }
      for (let i = 0; i + 1 < ids.length; i++) this.#add(ids[i]! * PAIR + ids[i + 1]!, -count, index);
      for (let i = 0; i + 1 < next.length; i++) {
        const pair = next[i]! * PAIR + next[i + 1]!;
        this.#add(pair, count, index);
        if (next[i] === id || next[i + 1] === id) changed.add(pair);
      }
      word.ids = next;
    }
    this.#counts.delete(merged);
    this.#where.delete(merged);
    for (const pair of changed) {
      const count = this.#counts.get(pair) ?? 0;
      if (count > 0) this.#push([count, pair]);
    }
  }

  /** Higher counts first, then smaller pairs. */
  #before([a, x]: [number, number], [b, y]: [number, number]): boolean {
    return a !== b ? a > b : x < y;
  }

  #push(entry: [number, number]): void {
    const heap = this.#heap;
    let i = heap.push(entry) - 1;
    while (i > 0) {
      const parent = (i - 1) >> 1;
      if (!this.#before(entry, heap[parent]!)) break;
      heap[i] = heap[parent]!;
      i = parent;
    }
    heap[i] = entry;
  }

  #pop(): [number, number] | undefined {
    const heap = this.#heap;
    const top = heap[0];
    const last = heap.pop();
    if (!top || !last || heap.length === 0) return top;
    let i = 0;
    for (let child = 1; child < heap.length; child = 2 * i + 1) {
      if (child + 1 < heap.length && this.#before(heap[child + 1]!, heap[child]!)) child++;
      if (!this.#before(heap[child]!, last)) break;
      heap[i] = heap[child]!;
      i = child;
    }
    heap[i] = last;
    return top;
  }
}
