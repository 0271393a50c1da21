import { BASE, type DoubleArray, ENDS, LABEL } from '../double-array.ts';
import { BLANK, sizeOfLead } from '../models/blanks.ts';

/** A way through a text: pieces (−1: an unknown character) with where each ends, and the sum of their scores. */
export interface LatticePath {
  readonly pieces: readonly number[];
  readonly ends: readonly number[];
  readonly score: number;
}

export interface LatticeOptions {
  readonly trie: DoubleArray;
  /** By piece, and by how many characters it has. */
  readonly scoreOf: (piece: number, characters: number) => number;
  readonly unknownScore: number;
}

/** One piece at one place. */
interface Arc {
  readonly from: number;
  readonly to: number;
  readonly piece: number;
  readonly score: number;
}

/** All ways to cover a text by pieces (https://arxiv.org/abs/1804.10959, §3.3): the best ones, and one drawn by its probability. */
export class Lattice {
  readonly #size: number;
  /** By the place where they end. */
  readonly #arcs: Arc[][];

  /** Of bytes `[0, size)`, with blanks of one byte. */
  constructor(bytes: Uint8Array, size: number, { trie, scoreOf, unknownScore }: LatticeOptions) {
    this.#size = size;
    this.#arcs = Array.from({ length: size + 1 }, () => []);
    const { nodes, values } = trie;
    for (let from = 0; from < size; ) {
      const next = Math.min(size, from + sizeOfLead(bytes[from]!));
      let base = nodes[0]! >>> BASE;
      let known = false;
      let characters = 0;
      for (let at = from; at < size; ) {
        const byte = bytes[at]!;
        if (byte < 0x80 || byte >= 0xc0 || byte === BLANK) characters++;
        const place = base + byte;
        const node = nodes[place]!;
        if ((node & LABEL) !== byte + 1) break;
        base = node >>> BASE;
        at++;
        if ((node & ENDS) === 0) continue;
        const piece = values[place]!;
        this.#arcs[at]!.push({ from, to: at, piece, score: scoreOf(piece, characters) });
        if (at === next) known = true;
      }
      if (!known) this.#arcs[next]!.push({ from, to: next, piece: -1, score: unknownScore });
      from = next;
    }
  }

  /** The `count` likeliest ways, the likeliest first. */
  best(count: number): LatticePath[] {
    // At each place the best ways to it, each as its last piece and the way before.
    const ways: Way[][] = Array.from({ length: this.#size + 1 }, () => []);
    ways[0] = [{ score: 0, arc: null, before: null }];
    for (let at = 1; at <= this.#size; at++)
      ways[at] = this.#arcs[at]!.flatMap((arc) =>
        ways[arc.from]!.map((before) => ({ score: before.score + arc.score, arc, before })),
      )
        .sort((a, b) => b.score - a.score)
        .slice(0, count);
    return ways[this.#size]!.map((way) => {
      const arcs: Arc[] = [];
      for (let step: Way | null = way; step?.arc; step = step.before) arcs.push(step.arc);
      return pathOf(arcs.reverse(), way.score);
    });
  }

  /** A way drawn with the probability exp(alpha · score), divided by that of all. */
  sample(alpha: number, random: () => number): LatticePath {
    // Log of the sum over all ways to a place.
    const sums = new Float64Array(this.#size + 1).fill(Number.NEGATIVE_INFINITY);
    sums[0] = 0;
    for (let at = 1; at <= this.#size; at++)
      for (const { from, score } of this.#arcs[at]!) sums[at] = logAdd(sums[at]!, sums[from]! + alpha * score);
    const arcs: Arc[] = [];
    for (let at = this.#size; at > 0; ) {
      let left = random();
      const choices = this.#arcs[at]!;
      let chosen = choices[choices.length - 1]!;
      for (const arc of choices) {
        left -= Math.exp(sums[arc.from]! + alpha * arc.score - sums[at]!);
        if (left >= 0) continue;
        chosen = arc;
        break;
      }
      arcs.push(chosen);
      at = chosen.from;
    }
    const score = arcs.reduce((sum, arc) => sum + arc.score, 0);
    return pathOf(arcs.reverse(), score);
  }
}

interface Way {
  readonly score: number;
  readonly arc: Arc | null;
  readonly before: Way | null;
}

const pathOf = (arcs: readonly Arc[], score: number): LatticePath => ({
  pieces: arcs.map(({ piece }) => piece),
  ends: arcs.map(({ to }) => to),
  score,
});

function logAdd(a: number, b: number): number {
  const [most, least] = a > b ? [a, b] : [b, a];
  return least === Number.NEGATIVE_INFINITY ? most : most + Math.log1p(Math.exp(least - most));
}
