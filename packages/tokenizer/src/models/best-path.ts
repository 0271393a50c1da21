import { BASE, type DoubleArray, ENDS, LABEL } from '../double-array.ts';
import { sizeOfLead } from './blanks.ts';

/** By how much an unknown character counts as less likely than the unlikeliest piece, in nats. */
export const UNKNOWN_PENALTY = 10;

export interface BestPathOptions {
  readonly trie: DoubleArray;
  /** By what the trie holds. */
  readonly scores: Float64Array;
  /** Of a character that no piece is. */
  readonly unknownScore: number;
  /** Sums are kept in float32, as SentencePiece keeps them; candidates are compared unrounded. */
  readonly single: boolean;
}

/** The likeliest pieces of a text (Viterbi; https://arxiv.org/abs/1804.10959), on its UTF-8 with blanks of one byte. */
export class BestPath {
  /** The last piece's begin and number (−1: an unknown character) for every place that a piece can end at. */
  begins: Int32Array = new Int32Array(1024);
  pieces: Int32Array = new Int32Array(1024);
  /** Of the whole path, with what it began with. */
  score = 0;
  readonly #options: BestPathOptions;
  #best: Float32Array | Float64Array;
  /** For `findWithMargin`: the best score in double precision, and by how much it beats the next one. */
  readonly #sums = new Float64Array(SHORT);
  readonly #gaps = new Float64Array(SHORT);

  constructor(options: BestPathOptions) {
    this.#options = options;
    this.#best = options.single ? new Float32Array(1024) : new Float64Array(1024);
  }

  /**
   * Finds it for bytes `[start, end)`; places in the results count from `start`.
   * @param before the score of what comes before.
   */
  find(bytes: Uint8Array, start: number, end: number, before = 0): void {
    const { trie, scores, unknownScore, single } = this.#options;
    const { nodes, values } = trie;
    const size = end - start;
    if (size >= this.begins.length) this.#grow(2 * size);
    const { begins, pieces } = this;
    const best = this.#best;
    begins.fill(-1, 0, size + 1);
    best[0] = before;
    const root = nodes[0]! >>> BASE;
    for (let at = 0; at < size; ) {
      const here = best[at]!;
      const next = Math.min(size, at + sizeOfLead(bytes[start + at]!));
      let known = false;
      let base = root;
      for (let to = at; to < size; ) {
        const byte = bytes[start + to]!;
        const place = base + byte;
        const node = nodes[place]!;
        if ((node & LABEL) !== byte + 1) break;
        base = node >>> BASE;
        to++;
        if ((node & ENDS) === 0) continue;
        const piece = values[place]!;
        const candidate = scores[piece]! + here;
        if (begins[to]! < 0 || candidate > best[to]!) {
          best[to] = candidate;
          begins[to] = at;
          pieces[to] = piece;
        }
        if (to === next) known = true;
      }
      if (!known) {
        const candidate = single ? Math.fround(unknownScore + here) : unknownScore + here;
        if (begins[next]! < 0 || candidate > best[next]!) {
          best[next] = candidate;
          begins[next] = at;
          pieces[next] = -1;
        }
      }
      at = next;
    }
    this.score = best[size]!;
  }

  /**
   * The same for a short word alone, in double precision.
   * @returns by how much every other path is worse.
   */
  findWithMargin(bytes: Uint8Array, start: number, end: number): number {
    const { trie, scores, unknownScore } = this.#options;
    const { nodes, values } = trie;
    const size = end - start;
    const { begins, pieces } = this;
    const sums = this.#sums;
    const gaps = this.#gaps;
    begins.fill(-1, 0, size + 1);
    sums[0] = 0;
    const root = nodes[0]! >>> BASE;
    const offer = (from: number, to: number, piece: number, score: number): void => {
      const sum = sums[from]! + score;
      if (begins[to]! >= 0 && sum <= sums[to]!) {
        gaps[to] = Math.min(gaps[to]!, sums[to]! - sum);
        return;
      }
      gaps[to] = begins[to]! < 0 ? Number.POSITIVE_INFINITY : sum - sums[to]!;
      sums[to] = sum;
      begins[to] = from;
      pieces[to] = piece;
    };
    for (let at = 0; at < size; ) {
      const next = Math.min(size, at + sizeOfLead(bytes[start + at]!));
      let known = false;
      let base = root;
      for (let to = at; to < size; ) {
        const byte = bytes[start + to]!;
        const place = base + byte;
        const node = nodes[place]!;
        if ((node & LABEL) !== byte + 1) break;
        base = node >>> BASE;
        to++;
        if ((node & ENDS) === 0) continue;
        offer(at, to, values[place]!, scores[values[place]!]!);
        if (to === next) known = true;
      }
      if (!known) offer(at, next, -1, unknownScore);
      at = next;
    }
    let margin = Number.POSITIVE_INFINITY;
    for (let to = size; to > 0; to = begins[to]!) margin = Math.min(margin, gaps[to]!);
    return margin;
  }

  #grow(size: number): void {
    this.begins = new Int32Array(size);
    this.pieces = new Int32Array(size);
    this.#best = this.#options.single ? new Float32Array(size) : new Float64Array(size);
  }
}

/** Longest word for `findWithMargin`, plus one. */
const SHORT = 64;
