import { grown, PairCounts } from './pair-counts.ts';
import type { Pieces } from './unigram-seeds.ts';
import type { UnigramWords } from './unigram-words.ts';

const LONGEST = 64;

/** All places of all pieces in all words; pieces may be taken away. Those of one character are numbered from 0 and stay. */
export class UnigramLattice {
  readonly #words: UnigramWords;
  readonly #pieces: Pieces;
  readonly alive: Uint8Array;
  /** Per piece its log probability. */
  readonly scores: Float64Array;
  /** A trie: node and character → node; what ends at a node. */
  readonly #trie = new PairCounts();
  readonly #ends: Int32Array;
  /** Per place (by word, then by its start): piece, and start and end in the word in one number. */
  #places: Int32Array<ArrayBuffer> = new Int32Array(1024);
  #bounds: Int32Array<ArrayBuffer> = new Int32Array(1024);
  /** Where the places of every word begin. */
  readonly #starts: Int32Array;
  readonly #forward = new Float64Array(LONGEST + 1);
  readonly #backward = new Float64Array(LONGEST + 1);
  readonly #from = new Int32Array(LONGEST + 1);
  readonly #by = new Int32Array(LONGEST + 1);
  /** Mean log probability of a character; taken out of products so that they stay near 1. */
  #perCharacter = -3;

  private constructor(words: UnigramWords, pieces: Pieces) {
    const { ids } = words;
    this.#words = words;
    this.#pieces = pieces;
    const count = pieces.lengths.length;
    this.alive = new Uint8Array(count).fill(1);
    this.scores = new Float64Array(count);
    const ends: number[] = [];
    for (let piece = 0; piece < count; piece++) {
      let node = 0;
      const start = pieces.starts[piece]!;
      // A character of the initial alphabet need not occur: its number is the piece's.
      for (let i = 0; i < pieces.lengths[piece]!; i++)
        node = this.#trie.numberOf(node, piece < words.alphabet.length ? piece : ids[start + i]!) + 1;
      ends[node] = piece;
    }
    this.#ends = new Int32Array(this.#trie.size + 1).fill(-1);
    ends.forEach((piece, node) => {
      this.#ends[node] = piece;
    });
    this.#starts = new Int32Array(words.counts.length + 1);
  }

  /** A lattice with its places, which take a while to find. */
  static *of(words: UnigramWords, pieces: Pieces): Generator<number, UnigramLattice> {
    const lattice = new UnigramLattice(words, pieces);
    yield 0;
    yield* lattice.#find();
    return lattice;
  }

  *#find(): Generator<number, void> {
    const words = this.#words;
    const { ids } = words;
    let size = 0;
    for (let word = 0; word < words.counts.length; word++) {
      const [begin, end] = [words.starts[word]!, words.starts[word + 1]!];
      for (let from = begin; from < end; from++)
        for (let to = from, node = 0; to < end; ) {
          node = this.#trie.find(node, ids[to++]!) + 1;
          if (node === 0) break;
          const piece = this.#ends[node]!;
          if (piece < 0) continue;
          if (size === this.#places.length) {
            this.#places = grown(this.#places, size + 1);
            this.#bounds = grown(this.#bounds, size + 1);
          }
          this.#places[size] = piece;
          this.#bounds[size++] = ((from - begin) << 8) | (to - begin);
        }
      this.#starts[word + 1] = size;
      if (word % 1024 === 1023) yield word;
    }
  }

  /** How often every piece is expected to occur, over all ways to put the words together (forward and backward). */
  *expectations(): Generator<number, Float64Array> {
    const { counts, starts: wordStarts } = this.#words;
    const { lengths } = this.#pieces;
    const [places, bounds, forward, backward] = [this.#places, this.#bounds, this.#forward, this.#backward];
    const shift = this.#perCharacter;
    const weights = this.scores.map((score, piece) =>
      this.alive[piece] ? Math.exp(score - shift * lengths[piece]!) : 0,
    );
    const expected = new Float64Array(weights.length);
    let [logs, characters] = [0, 0];
    for (let word = 0; word < counts.length; word++) {
      const [start, end] = [this.#starts[word]!, this.#starts[word + 1]!];
      const length = wordStarts[word + 1]! - wordStarts[word]!;
      forward.fill(0, 1, length + 1);
      backward.fill(0, 0, length);
      forward[0] = 1;
      backward[length] = 1;
      for (let k = start; k < end; k++) {
        const bound = bounds[k]!;
        forward[bound & 255]! += forward[bound >> 8]! * weights[places[k]!]!;
      }
      const total = forward[length]!;
      if (!(total > 1e-280 && total < 1e280)) continue; // far from anything likely: it would only bring rounding errors
      const scale = counts[word]! / total;
      for (let k = end - 1; k >= start; k--) {
        const bound = bounds[k]!;
        const [from, piece] = [bound >> 8, places[k]!];
        const rest = weights[piece]! * backward[bound & 255]!;
        backward[from]! += rest;
        expected[piece]! += scale * forward[from]! * rest;
      }
      logs += counts[word]! * (Math.log(total) + shift * length);
      characters += counts[word]! * length;
      if (word % 1024 === 1023) yield word;
    }
    if (characters > 0) this.#perCharacter = logs / characters;
    return expected;
  }

  /** How often every piece occurs in the best ways (Viterbi). */
  *frequencies(): Generator<number, Float64Array> {
    const { counts, starts: wordStarts } = this.#words;
    const [places, bounds, best] = [this.#places, this.#bounds, this.#forward];
    const found = new Float64Array(this.scores.length);
    for (let word = 0; word < counts.length; word++) {
      const length = wordStarts[word + 1]! - wordStarts[word]!;
      best.fill(-Infinity, 1, length + 1);
      best[0] = 0;
      for (let k = this.#starts[word]!; k < this.#starts[word + 1]!; k++) {
        const bound = bounds[k]!;
        const score = best[bound >> 8]! + this.scores[places[k]!]!;
        if (score <= best[bound & 255]!) continue;
        best[bound & 255] = score;
        this.#from[bound & 255] = bound >> 8;
        this.#by[bound & 255] = places[k]!;
      }
      for (let at = length; at > 0; at = this.#from[at]!) found[this.#by[at]!]! += counts[word]!;
      if (word % 1024 === 1023) yield word;
    }
    return found;
  }

  /** The best way to write a piece without itself, into `parts`; or none where it is less likely than what it writes. */
  alternative(piece: number, parts: number[]): boolean {
    const { ids } = this.#words;
    const start = this.#pieces.starts[piece]!;
    const length = this.#pieces.lengths[piece]!;
    const best = this.#forward;
    best.fill(-Infinity, 1, length + 1);
    best[0] = 0;
    for (let from = 0; from < length; from++)
      for (let to = from, node = 0; to < length; ) {
        node = this.#trie.find(node, ids[start + to++]!) + 1;
        if (node === 0) break;
        const part = this.#ends[node]!;
        if (part < 0 || part === piece || !this.alive[part]) continue;
        const score = best[from]! + this.scores[part]!;
        if (score <= best[to]!) continue;
        best[to] = score;
        this.#from[to] = from;
        this.#by[to] = part;
      }
    parts.length = 0;
    for (let at = length; at > 0; at = this.#from[at]!) parts.push(this.#by[at]!);
    return best[length]! < this.scores[piece]!;
  }

  /** Forgets the places of pieces that are no longer alive. */
  compact(): void {
    let size = 0;
    for (let word = 0, k = 0; word < this.#words.counts.length; word++) {
      for (const end = this.#starts[word + 1]!; k < end; k++) {
        if (!this.alive[this.#places[k]!]) continue;
        this.#places[size] = this.#places[k]!;
        this.#bounds[size++] = this.#bounds[k]!;
      }
      this.#starts[word + 1] = size;
    }
  }
}
