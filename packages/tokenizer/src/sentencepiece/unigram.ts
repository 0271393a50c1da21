import { DoubleArray } from '../double-array.ts';
import { UNKNOWN_PENALTY } from '../models/best-path.ts';
import { compactBytes, expand } from '../models/blanks.ts';
import { Junctions } from '../models/junctions.ts';
import type { Unknown } from '../models/likeliest-words.ts';
import { LikeliestWords } from '../models/likeliest-words.ts';
import type { LatticeOptions } from './lattice.ts';
import { PIECE, type SentencePieceFile } from './model-file.ts';

/** C++'s FLT_MIN, with which the reference begins to look for the largest score. */
const LEAST_FLOAT = 2 ** -126;
const encoder = new TextEncoder();

/** The pieces that a unigram model chooses from, with what each is worth. */
export interface PieceScores {
  /** Bytes, with blanks of one byte, and id. */
  readonly chosen: readonly (readonly [Uint8Array, number])[];
  /** By id. */
  readonly scores: Float64Array;
  /** Of a character that no piece is. */
  readonly unknownScore: number;
}

export function pieceScores({ pieces }: SentencePieceFile): PieceScores {
  let [least, most] = [Number.POSITIVE_INFINITY, LEAST_FLOAT];
  for (const { score, type } of pieces)
    if (type === PIECE.normal) [least, most] = [Math.min(least, score), Math.max(most, score)];
  const chosen = pieces.flatMap(({ piece, type }, id) =>
    type === PIECE.normal || type === PIECE.userDefined ? ([[compactBytes(piece), id]] as const) : [],
  );
  const scores = Float64Array.from(pieces, ({ score }) => score);
  // What users define is chosen wherever it stands.
  for (const { 1: id } of chosen) {
    const { piece, type } = pieces[id]!;
    if (type === PIECE.userDefined) scores[id] = Math.fround(encoder.encode(piece).length * most) - 0.1;
  }
  return { chosen, scores, unknownScore: Math.fround(least - UNKNOWN_PENALTY) };
}

/** The same for all ways through a text, where what users define is worth something by its characters. */
export function latticeOptions(file: SentencePieceFile): LatticeOptions {
  const { chosen, unknownScore } = pieceScores(file);
  const { pieces } = file;
  const most = pieces.reduce(
    (max, { score, type }) => (type === PIECE.normal ? Math.max(max, score) : max),
    LEAST_FLOAT,
  );
  return {
    trie: new DoubleArray(chosen),
    scoreOf: (piece, characters) =>
      pieces[piece]!.type === PIECE.userDefined ? characters * most - 0.1 : pieces[piece]!.score,
    unknownScore,
  };
}

/** The likeliest pieces as SentencePiece's C++ library computes them, in float32. */
export function unigramWords(file: SentencePieceFile, unknown: Unknown): LikeliestWords {
  const { chosen, scores, unknownScore } = pieceScores(file);
  return new LikeliestWords({
    trie: new DoubleArray(chosen),
    scores,
    unknownScore,
    single: true,
    junctions: Junctions.of(chosen),
    unknown,
  });
}

/**
 * What stands for unknown characters: one id for a run of them, or an id for each byte.
 * @param bytes byte → id; empty without byte fallback.
 */
export function unknownPieces(unknownId: number, byteIds: Int32Array): Unknown {
  if (byteIds.length === 0)
    return (_, __, to, ids, ends) => {
      ids.push(unknownId);
      ends?.push(to);
    };
  return (bytes, from, to, ids, ends) => {
    for (let at = from; at < to; at++)
      expand(bytes, at, at + 1).forEach((byte, i, all) => {
        ids.push(byteIds[byte]!);
        ends?.push(i + 1 < all.length ? at : at + 1); // the last one has the text
      });
  };
}
