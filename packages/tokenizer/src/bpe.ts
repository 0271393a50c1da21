import { byteCharacters, tokenBytes } from './byte-characters.ts';
import { type MergeQueue, mergeQueue } from './merge-queue.ts';

export interface BPEOptions {
  /** Token (in byte characters) → id. */
  readonly vocab: ReadonlyMap<string, number>;
  /** Pairs in the order of their ranks. */
  readonly merges: readonly (readonly [string, string])[];
  readonly unkToken?: string | null;
  /** A word that is a token itself is not taken apart. */
  readonly ignoreMerges?: boolean;
}

/** Pairs of ids as one number: exact, since ids stay below 2^26. */
const PAIR = 2 ** 26;
const CACHE_LIMIT = 65_536;
const CACHED_LENGTH = 32;
/** Up to this length looking for the best pair again and again beats a queue. */
const SHORT = 24;

/** Byte-pair encoding (https://arxiv.org/abs/1508.07909) over bytes. */
export class BPE {
  readonly vocab: ReadonlyMap<string, number>;
  readonly merges: readonly (readonly [string, string])[];
  readonly unkToken: string | null;
  readonly ignoreMerges: boolean;
  /** Pair of ids → rank. */
  readonly #ranks = new Map<number, number>();
  /** Rank → the id that the pair becomes. */
  readonly #merged: Int32Array;
  /** Byte → id, −1 where the vocabulary lacks it. */
  readonly #bytes: Int32Array;
  readonly #whole: ReadonlyMap<string, number>;
  readonly #cache = new Map<string, Int32Array>();
  readonly #encoder = new TextEncoder();
  #buffer: Uint8Array<ArrayBuffer> = new Uint8Array(1024);

  /** @throws Error naming an unknown-token, or a merge whose parts or result are not in the vocabulary. */
  constructor({ vocab, merges, unkToken = null, ignoreMerges = false }: BPEOptions) {
    this.vocab = vocab;
    this.merges = merges;
    this.unkToken = unkToken;
    this.ignoreMerges = ignoreMerges;
    this.#merged = new Int32Array(merges.length);
    merges.forEach(([left, right], rank) => {
      const id = (token: string): number => {
        const found = vocab.get(token);
        if (found === undefined)
          throw new Error(`merge ${rank} ("${left} ${right}") needs the token "${token}", which the vocabulary lacks`);
        return found;
      };
      const pair = id(left) * PAIR + id(right);
      this.#merged[rank] = id(left + right);
      if (!this.#ranks.has(pair)) this.#ranks.set(pair, rank);
    });
    const unknown = unkToken === null ? -1 : vocab.get(unkToken);
    if (unknown === undefined) throw new Error(`the vocabulary lacks the unk_token "${unkToken}"`);
    this.#bytes = Int32Array.from(byteCharacters, (character) => vocab.get(character) ?? unknown);
    this.#whole = ignoreMerges ? wholeWords(vocab) : new Map();
  }

  /** Appends the ids of one word to `out`. */
  encodeWord(word: string, out: number[]): void {
    const known = this.#cache.get(word);
    if (known) {
      for (const id of known) out.push(id);
      return;
    }
    const from = out.length;
    const whole = this.#whole.get(word);
    if (whole === undefined) this.#encode(word, out);
    else out.push(whole);
    if (word.length > CACHED_LENGTH) return;
    if (this.#cache.size >= CACHE_LIMIT) this.#cache.clear();
    this.#cache.set(word, Int32Array.from(out.slice(from)));
  }

  #encode(word: string, out: number[]): void {
    if (this.#buffer.length < word.length * 3) this.#buffer = new Uint8Array(word.length * 6);
    const { written } = this.#encoder.encodeInto(word, this.#buffer);
    const ids = new Int32Array(written);
    let count = 0;
    for (let i = 0; i < written; i++) {
      const id = this.#bytes[this.#buffer[i]!]!;
      if (id >= 0) ids[count++] = id; // the reference drops bytes that the vocabulary lacks
    }
    const merged = count <= SHORT ? this.#mergeShort(ids, count) : this.#mergeLong(ids.subarray(0, count));
    for (let i = 0; i < merged; i++) out.push(ids[i]!);
  }

  #rank(left: number, right: number): number {
    return this.#ranks.get(left * PAIR + right) ?? -1;
  }

  /** Merges in place, best pair first; returns how many ids are left. */
  #mergeShort(ids: Int32Array, length: number): number {
    let count = length;
    for (;;) {
      let best = -1;
      let at = 0;
      for (let i = 0; i + 1 < count; i++) {
        const rank = this.#rank(ids[i]!, ids[i + 1]!);
        if (rank >= 0 && (best < 0 || rank < best)) {
          best = rank;
          at = i;
        }
      }
      if (best < 0) return count;
      ids[at] = this.#merged[best]!;
      ids.copyWithin(at + 1, at + 2, count);
      count--;
    }
  }

  /** The same in n·log n: a linked list of ids and a queue of pairs, in which outdated pairs are passed over. */
  #mergeLong(ids: Int32Array): number {
    const count = ids.length;
    const next = Int32Array.from({ length: count }, (_, i) => (i + 1 < count ? i + 1 : -1));
    const previous = Int32Array.from({ length: count }, (_, i) => i - 1);
    const gone = new Uint8Array(count);
    const queue: MergeQueue = mergeQueue(count);
    const offer = (at: number): void => {
      const after = at < 0 ? -1 : next[at]!;
      const rank = after < 0 ? -1 : this.#rank(ids[at]!, ids[after]!);
      if (rank >= 0) queue.push(rank, at);
    };
    for (let i = 0; i + 1 < count; i++) offer(i);
    while (queue.pop()) {
      const { rank, at } = queue;
      const after = next[at]!;
      if (gone[at] || after < 0 || this.#rank(ids[at]!, ids[after]!) !== rank) continue;
      ids[at] = this.#merged[rank]!;
      gone[after] = 1;
      next[at] = next[after]!;
      if (next[at]! >= 0) previous[next[at]!] = at;
      offer(previous[at]!);
      offer(at);
    }
    let left = 0;
    for (let i = 0; i >= 0 && i < count; i = next[i]!) ids[left++] = ids[i]!;
    return left;
  }
}

/** Text → id of the tokens that are well-formed text. */
function wholeWords(vocab: ReadonlyMap<string, number>): Map<string, number> {
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  const words = new Map<string, number>();
  for (const [token, id] of vocab)
    try {
      words.set(decoder.decode(tokenBytes(token)), id);
    } catch {
      // a piece of a character is no word
    }
  return words;
}
