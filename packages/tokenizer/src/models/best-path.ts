import type { DoubleArray } from '../double-array.ts';

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

/** The likeliest pieces of a text (Viterbi; https://arxiv.org/abs/1804.10959), on its UTF-8. */
export class BestPath {
  /** The last piece's begin and number (−1: an unknown character) for every place that a piece can end at. */
  begins: Int32Array = new Int32Array(1024);
  pieces: Int32Array = new Int32Array(1024);
  readonly #options: BestPathOptions;
  #best: Float32Array | Float64Array;

  constructor(options: BestPathOptions) {
    this.#options = options;
    this.#best = options.single ? new Float32Array(1024) : new Float64Array(1024);
  }

  /** Finds it for bytes `[start, end)`; places in the results count from `start`. */
  find(bytes: Uint8Array, start: number, end: number): void {
    const { trie, scores, unknownScore, single } = this.#options;
    const { base, check, values } = trie;
    const size = end - start;
    if (size >= this.begins.length) this.#grow(2 * size);
    const { begins, pieces } = this;
    const best = this.#best;
    begins.fill(-1, 0, size + 1);
    best[0] = 0;
    for (let at = 0; at < size; ) {
      const here = best[at]!;
      const lead = bytes[start + at]!;
      const next = Math.min(size, at + (lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4));
      let known = false;
      let node = 0;
      for (let to = at; to < size; ) {
        const child = base[node]! + bytes[start + to]!;
        if (check[child] !== node) break;
        node = child;
        to++;
        const piece = values[node]!;
        if (piece < 0) continue;
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
  }

  #grow(size: number): void {
    this.begins = new Int32Array(size);
    this.pieces = new Int32Array(size);
    this.#best = this.#options.single ? new Float32Array(size) : new Float64Array(size);
  }
}
