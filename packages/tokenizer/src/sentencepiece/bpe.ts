import type { Dropout } from '../bpe-dropout.ts';
import { type DoubleArray, longest } from '../double-array.ts';
import type { IdBuffer } from '../id-buffer.ts';
import { sizeOfLead } from '../models/blanks.ts';
import { CharacterSymbols } from '../models/character-symbols.ts';
import type { CompactText } from '../models/compact-text.ts';
import { MergedWords } from '../models/merged-words.ts';
import { addMerge, PairTable } from '../pair-table.ts';
import { PIECE, type SentencePieceFile } from './model-file.ts';

/** Merges of a BPE model, in the order of their ranks: those of equal rank are made from left to right. */
export interface ScoredMerges {
  readonly merges: readonly [string, string][];
  readonly ranks: readonly number[];
}

/** Neighbours are joined where that gives a piece, that of the highest score first. */
export function scoredMerges({ pieces }: SentencePieceFile): ScoredMerges {
  const normal = pieces.filter(({ type }) => type === PIECE.normal).sort((a, b) => b.score - a.score);
  const known = new Set(normal.map(({ piece }) => piece));
  const merges: [string, string][] = [];
  const ranks: number[] = [];
  let [rank, score] = [-1, Number.NaN];
  for (const each of normal) {
    if (each.score !== score) [rank, score] = [rank + 1, each.score];
    for (let at = 1; at < each.piece.length; at++) {
      const [left, right] = [each.piece.slice(0, at), each.piece.slice(at)];
      if (!known.has(left) || !known.has(right)) continue;
      merges.push([left, right]);
      ranks.push(rank);
    }
  }
  return { merges, ranks };
}

/**
 * Appends the ids of bytes `[start, end)`, and to `ends` where each one's text ends.
 * @param sum what it gave for the text that this one goes on.
 */
export type Segment = (
  text: CompactText,
  start: number,
  end: number,
  ids: IdBuffer,
  ends?: IdBuffer,
  sum?: number,
) => number;

/** Byte-pair encoding in which what users define (`own`, with blanks of one byte) stays whole and nothing is joined with it. */
export class ScoredBPE {
  readonly #words: MergedWords;
  readonly #own: DoubleArray | null;

  constructor(file: SentencePieceFile, ids: ReadonlyMap<string, number>, unkToken: string, own: DoubleArray | null) {
    const { merges, ranks } = scoredMerges(file);
    const pairs = new PairTable(merges.length);
    for (const [i, merge] of merges.entries()) addMerge(pairs, ids, merge, ranks[i]!);
    const { byteFallback } = file;
    const symbols = new CharacterSymbols({ vocab: ids, unkToken, fuseUnk: true, byteFallback, prefix: '', suffix: '' });
    this.#words = new MergedWords({ vocab: ids, merges, pairs, symbols, fuseUnk: true });
    this.#own = own;
  }

  /** Appends the ids of the text and, where `ends` is given, where the text of each ends. */
  encode(text: CompactText, start: number, end: number, ids: IdBuffer, ends?: IdBuffer): void {
    this.#eachPart(text, start, end, ids, ends, (from, to) => this.#words.encode(text, from, to, ids, ends));
  }

  encodeWithDropout(text: CompactText, dropout: Dropout, ids: IdBuffer, ends: IdBuffer): void {
    this.#eachPart(text, 0, text.length, ids, ends, (from, to) =>
      this.#words.encodeWithDropout(text, from, to, dropout, ids, ends),
    );
  }

  #eachPart(
    { bytes }: CompactText,
    start: number,
    end: number,
    ids: IdBuffer,
    ends: IdBuffer | undefined,
    take: (from: number, to: number) => void,
  ): void {
    let done = start;
    for (let at = start; at < end && this.#own; ) {
      const [length, id] = longest(this.#own, bytes, at, end);
      if (length === 0) at += sizeOfLead(bytes[at]!);
      else {
        take(done, at);
        ids.push(id);
        at += length;
        ends?.push(at);
        done = at;
      }
    }
    take(done, end);
  }
}
