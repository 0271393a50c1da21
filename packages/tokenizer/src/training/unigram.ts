import { digamma } from './digamma.ts';
import { UnigramLattice } from './unigram-lattice.ts';
import { seedPieces } from './unigram-seeds.ts';
import type { UnigramWords } from './unigram-words.ts';

export interface LearnUnigramOptions {
  readonly words: UnigramWords;
  /** Pieces wanted, characters included; there may be fewer. */
  readonly size: number;
  readonly shrinkingFactor: number;
  readonly maxPieceLength: number;
  readonly nSubIterations: number;
  readonly seedSize: number;
}

export interface UnigramProgress {
  readonly done: number;
  readonly total: number;
}

/** A piece that is expected less often is dropped. */
const EXPECTED_AT_LEAST = 0.5;

/**
 * Learns pieces and their log probabilities (https://arxiv.org/abs/1804.10959, as SentencePiece does): from many candidates;
 * expectation and maximization in turn, then the pieces are taken away whose loss costs the least likelihood, until the wanted
 * number is left. Every character stays. Yields the rounds done and to do.
 */
export function* learnUnigram(
  options: LearnUnigramOptions,
): Generator<UnigramProgress, [piece: string, score: number][]> {
  const { words, size, shrinkingFactor, nSubIterations } = options;
  const characters = words.alphabet.length;
  const told = { done: 0, total: 1 };
  const pieces = yield* quiet(seedPieces(words, options.maxPieceLength, options.seedSize), told);
  const lattice = yield* quiet(UnigramLattice.of(words, pieces), told);
  maximize(
    lattice,
    pieces.counts.map((count, piece) => count * pieces.lengths[piece]!),
    0,
  );
  for (let left = count(lattice); ; ) {
    told.total = told.done + 1 + Math.max(0, Math.ceil(Math.log(size / left) / Math.log(shrinkingFactor)));
    for (let i = 0; i < nSubIterations; i++) {
      const expected = yield* quiet(lattice.expectations(), told);
      // Where few are left, the rare ones stay: there is room for them.
      left = maximize(lattice, expected, left > size ? characters : Infinity);
    }
    told.done++;
    if (left <= size) break;
    left = yield* quiet(prune(lattice, characters, Math.max(size, Math.floor(shrinkingFactor * left))), told);
  }
  const found: [string, number][] = [];
  for (let piece = 0; piece < lattice.scores.length; piece++) {
    if (!lattice.alive[piece]) continue;
    const start = pieces.starts[piece]!;
    const ids = piece < characters ? [piece] : words.ids.subarray(start, start + pieces.lengths[piece]!);
    found.push([String.fromCodePoint(...Array.from(ids, (id) => words.alphabet[id]!)), lattice.scores[piece]!]);
  }
  return found.sort(([, a], [, b]) => b - a);
}

/** Work that yields, with a progress that stands still. */
function* quiet<R>(work: Generator<number, R>, told: UnigramProgress): Generator<UnigramProgress, R> {
  for (;;) {
    const step = work.next();
    if (step.done) return step.value;
    yield told;
  }
}

const count = ({ alive }: UnigramLattice): number => alive.reduce((sum, one) => sum + one, 0);

/**
 * Sets the scores from expected frequencies, with a prior that makes the rare rarer.
 * @param droppable pieces from this number on are dropped where they are expected too rarely.
 */
function maximize({ alive, scores }: UnigramLattice, expected: Float64Array, droppable: number): number {
  let [sum, left] = [0, 0];
  for (let piece = 0; piece < alive.length; piece++) {
    if (!alive[piece]) continue;
    if (droppable > 0 && expected[piece]! < EXPECTED_AT_LEAST) {
      if (piece >= droppable) alive[piece] = 0;
      else expected[piece] = EXPECTED_AT_LEAST;
    }
    expected[piece] = Math.max(expected[piece]!, EXPECTED_AT_LEAST);
    if (!alive[piece]) continue;
    left++;
    sum += expected[piece]!;
  }
  const all = digamma(sum);
  for (let piece = 0; piece < alive.length; piece++)
    scores[piece] = alive[piece] ? digamma(expected[piece]!) - all : -Infinity;
  return left;
}

/** Takes away the pieces that likelihood suffers least from, until `wanted` are left. */
function* prune(lattice: UnigramLattice, characters: number, wanted: number): Generator<number, number> {
  const { alive, scores } = lattice;
  const frequencies = yield* lattice.frequencies();
  const sum = frequencies.reduce((total, frequency) => total + frequency, 0);
  const losses = new Float64Array(alive.length);
  const candidates: number[] = [];
  const parts: number[] = [];
  let kept = 0;
  for (let piece = 0; piece < alive.length; piece++) {
    if (!alive[piece]) continue;
    const frequency = frequencies[piece]!;
    if (piece < characters) {
      kept++;
      continue;
    }
    candidates.push(piece);
    if (!lattice.alternative(piece, parts) || frequency === 0) {
      losses[piece] = scores[piece]! - 1e6; // never used: first to go, the unlikely ones before the others
      continue;
    }
    // What the piece wrote is written by its parts then, which become more frequent.
    const total = Math.log(sum + frequency * (parts.length - 1));
    let instead = 0;
    for (const part of parts) instead += Math.log(frequencies[part]! + frequency) - total;
    losses[piece] = frequency * (Math.log(frequency) - Math.log(sum) - instead);
    if (candidates.length % 1024 === 0) yield piece;
  }
  candidates.sort((a, b) => losses[b]! - losses[a]! || a - b);
  for (const piece of candidates) {
    const used = frequencies[piece]! > 0 && losses[piece]! > -1e5;
    if (kept < wanted && used) kept++;
    else alive[piece] = 0;
  }
  lattice.compact();
  return kept;
}
