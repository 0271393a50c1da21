import { BASE, type DoubleArray, ENDS, LABEL } from '../double-array.ts';
import type { IdBuffer } from '../id-buffer.ts';
import { BestPath, type BestPathOptions } from './best-path.ts';
import { BLANK, sizeOfLead } from './blanks.ts';
import type { CompactText } from './compact-text.ts';
import type { Junctions } from './junctions.ts';
import { LONGEST, PackedWords } from './packed-words.ts';

/** Appends what stands for bytes `[from, to)`, a run of unknown characters. */
export type Unknown = (bytes: Uint8Array, from: number, to: number, ids: IdBuffer, ends?: IdBuffer) => void;

export interface LikeliestWordsOptions extends BestPathOptions {
  readonly junctions: Junctions;
  readonly unknown: Unknown;
  /** A blank begins a text of its own: sums start from 0, and unknown characters are not joined with those before. */
  readonly restarts?: boolean;
  /** A piece that counts as unknown where it is chosen. Default −1: none. */
  readonly unkId?: number;
}

/**
 * The likeliest pieces of a text, word by word: no piece reaches over a junction, so that the best path of a text is the best paths
 * of its words. Sums are rounded, and rounding depends on what came before: a word that was seen before is taken as it was only
 * where its path is better than every other one by more than rounding can change; else it is looked at again.
 */
export class LikeliestWords {
  readonly #options: LikeliestWordsOptions;
  readonly #path: BestPath;
  readonly #words = new PackedWords();
  /** How much a sum may grow within a word, and by which share of it rounding may change a sum. */
  readonly #reach: number;
  readonly #precision: number;
  /** The pieces of the word at hand, from the last to the first: where each begins. */
  #begins: Int32Array = new Int32Array(256);
  readonly #ids = new Int32Array(LONGEST);
  readonly #ends = new Int32Array(LONGEST);
  /** Where the unknown characters begin that the words up to here end with, −1 for none. */
  #unknownFrom = -1;

  constructor(options: LikeliestWordsOptions) {
    this.#options = options;
    this.#path = new BestPath(options);
    const largest = options.scores.reduce((most, score) => Math.max(most, Math.abs(score)), 1);
    this.#reach = LONGEST * Math.max(largest, Math.abs(options.unknownScore));
    this.#precision = options.single ? 2 ** -22 : 2 ** -51;
  }

  /**
   * Appends the ids of bytes `[start, end)` and, where `ends` is given, where the text of each ends.
   * @param sum of the scores of a text that this one goes on.
   * @returns the sum with this text's.
   */
  encode(text: CompactText, start: number, end: number, ids: IdBuffer, ends?: IdBuffer, sum = 0): number {
    const { bytes, view } = text;
    const { trie, junctions, single, scores, unknownScore, unkId = -1, restarts = false } = this.#options;
    const { joined } = junctions;
    const words = this.#words;
    const reach = this.#reach;
    const precision = this.#precision;
    this.#unknownFrom = -1;
    let score = sum;
    ids.reserve((end - start) >> 2);
    for (let from = start, to = start; from < end; from = to) {
      let before = bytes[from]!;
      if (restarts && before === BLANK) {
        score = 0;
        if (this.#unknownFrom >= 0) this.#flush(bytes, from, ids, ends);
      }
      for (to = from + 1; to < end; to++) {
        const byte = bytes[to]!;
        if (joined[(before << 8) | byte] === 0) break;
        before = byte;
      }
      const length = to - from;
      if (length <= 4 && length === sizeOfLead(bytes[from]!)) {
        // A character alone is its piece, or unknown.
        const piece = pieceOf(trie, bytes, from, to);
        score += piece < 0 ? unknownScore : scores[piece]!;
        if (single) score = Math.fround(score);
        if (piece < 0 || piece === unkId) {
          if (this.#unknownFrom < 0) this.#unknownFrom = from;
          continue;
        }
        if (this.#unknownFrom >= 0) this.#flush(bytes, from, ids, ends);
        ids.push(piece);
        if (ends) ends.push(to);
        continue;
      }
      if (
        length > LONGEST ||
        !(words.find(view, from, length) || this.#learn(text, from, to)) ||
        // Every step may lose two units in the last place.
        words.margin <= 2 * (length + 1) * precision * (reach + Math.abs(score))
      ) {
        this.#path.find(bytes, from, to, score);
        score = this.#path.score;
        this.#append(bytes, from, to, ids, ends);
        continue;
      }
      if (this.#unknownFrom >= 0) this.#flush(bytes, from, ids, ends);
      const { entries, count, at } = words;
      if (ids.length + count > ids.values.length) ids.reserve(count);
      const { values } = ids;
      let place = ids.length;
      for (let i = at; i < at + count; i++) {
        const entry = entries[i]!;
        const id = entry >>> 4;
        values[place++] = id;
        score += scores[id]!;
        if (single) score = Math.fround(score);
        if (ends) ends.push(from + (entry & 15) + 1);
      }
      ids.length = place;
    }
    if (this.#unknownFrom >= 0) this.#flush(bytes, end, ids, ends);
    return score;
  }

  /** Finds and keeps the path of a word alone; one with unknown characters is kept as one that has to be looked at again. */
  #learn({ bytes, view }: CompactText, from: number, to: number): boolean {
    const path = this.#path;
    const words = this.#words;
    const { unkId = -1 } = this.#options;
    const margin = path.findWithMargin(bytes, from, to);
    let place = LONGEST;
    for (let stop = to - from; stop > 0; stop = path.begins[stop]!) {
      const piece = path.pieces[stop]!;
      if (piece < 0 || piece === unkId) {
        words.keep(this.#ids, this.#ends, 0, 0, 0, 0, 0);
        return false;
      }
      this.#ids[--place] = piece;
      this.#ends[place] = stop;
    }
    words.keep(this.#ids, this.#ends, place, place, LONGEST - place, 0, margin);
    return words.find(view, from, to - from);
  }

  /** Appends the path that was found. */
  #append(bytes: Uint8Array, from: number, to: number, ids: IdBuffer, ends: IdBuffer | undefined): void {
    const { begins, pieces } = this.#path;
    const { unkId = -1 } = this.#options;
    let count = 0;
    if (this.#begins.length < to - from + 1) this.#begins = new Int32Array(2 * (to - from));
    const stops = this.#begins;
    for (let stop = to - from; stop > 0; stop = begins[stop]!) stops[count++] = stop;
    ids.reserve(count);
    for (let i = count - 1; i >= 0; i--) {
      const stop = stops[i]!;
      const piece = pieces[stop]!;
      const begin = from + begins[stop]!;
      if (piece < 0 || piece === unkId) {
        if (this.#unknownFrom < 0) this.#unknownFrom = begin;
        continue;
      }
      if (this.#unknownFrom >= 0) this.#flush(bytes, begin, ids, ends);
      ids.push(piece);
      ends?.push(from + stop);
    }
  }

  #flush(bytes: Uint8Array, to: number, ids: IdBuffer, ends: IdBuffer | undefined): void {
    this.#options.unknown(bytes, this.#unknownFrom, to, ids, ends);
    this.#unknownFrom = -1;
  }
}

/** The piece that the bytes are, −1 where they are none. */
function pieceOf({ nodes, values }: DoubleArray, bytes: Uint8Array, start: number, end: number): number {
  let node = nodes[0]!;
  let place = 0;
  for (let at = start; at < end; at++) {
    place = (node >>> BASE) + bytes[at]!;
    node = nodes[place]!;
    if ((node & LABEL) !== bytes[at]! + 1) return -1;
  }
  return node & ENDS ? values[place]! : -1;
}
