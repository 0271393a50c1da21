import type { ByteBPEParts } from './byte-bpe.ts';
import type { IdBuffer } from './id-buffer.ts';
import type { PairTable } from './pair-table.ts';

/** Merges left out at random (BPE-dropout, https://arxiv.org/abs/1910.13267). */
export interface Dropout {
  /** How likely it is that a merge is left out when it comes up, from 0 to 1. */
  readonly rate: number;
  /** Gives numbers in [0, 1). */
  readonly random: () => number;
}

/** @throws RangeError for a rate outside of [0, 1] or a seed that is no whole number. */
export function dropoutOf(rate: number, seed: number): Dropout {
  if (!(rate >= 0 && rate <= 1)) throw new RangeError(`dropout: expected a number from 0 to 1, got ${rate}`);
  return { rate, random: randomOf(seed) };
}

/** Numbers in [0, 1) from a seed. @throws RangeError for a seed that is no whole number. */
export function randomOf(seed: number): () => number {
  if (!Number.isSafeInteger(seed)) throw new RangeError(`seed: expected a whole number, got ${seed}`);
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** In symbols, which bytes are here: every merge looks at the whole piece, so that a longer one is taken in parts. */
export const LONGEST = 256;

/** The ids of one piece. A piece that is a token itself is taken apart like any other. */
export function encodeWithDropout(
  parts: ByteBPEParts,
  bytes: Uint8Array,
  start: number,
  end: number,
  dropout: Dropout,
  out: IdBuffer,
  ends?: IdBuffer,
): void {
  for (let at = start; at < end; at += LONGEST)
    encodePart(parts, bytes, at, Math.min(at + LONGEST, end), dropout, out, ends);
}

function encodePart(
  { pairs, bytes: idOf }: ByteBPEParts,
  bytes: Uint8Array,
  start: number,
  end: number,
  dropout: Dropout,
  out: IdBuffer,
  ends?: IdBuffer,
): void {
  const ids: number[] = [];
  const stops: number[] = [];
  for (let i = start; i < end; i++) {
    const id = idOf[bytes[i]!]!;
    if (id < 0) continue; // bytes that the vocabulary lacks are dropped
    ids.push(id);
    stops.push(i + 1);
  }
  mergeLeavingOut(ids, stops, pairs, dropout, out, ends);
}

/** A merge that may be made: of the symbol at a place and the next one. */
interface Candidate {
  readonly at: number;
  readonly rank: number;
  readonly merged: number;
}

/**
 * Merges neighbours as Hugging Face's tokenizers do, and appends what they become: the best candidate is left out with the given
 * probability, and comes up again once another is taken; one that is outdated counts as taken. It ends when all that are left have been left out.
 * @param ids changed on the way, as `stops`, which tells where the text of each ends.
 */
export function mergeLeavingOut(
  ids: number[],
  stops: number[],
  pairs: PairTable,
  { rate, random }: Dropout,
  out: IdBuffer,
  ends?: IdBuffer,
): void {
  const next = ids.map((_, i) => (i + 1 < ids.length ? i + 1 : -1));
  const previous = ids.map((_, i) => i - 1);
  const queue: Candidate[] = [];
  const leftOut: Candidate[] = [];
  const offer = (at: number): void => {
    const right = at < 0 ? -1 : next[at]!;
    const pair = right < 0 ? -1 : pairs.find(ids[at]!, ids[right]!);
    if (pair >= 0) queue.push({ at, rank: pairs.rank(pair), merged: pairs.merged(pair) });
  };
  ids.forEach((_, i) => {
    offer(i);
  });
  while (queue.length > 0) {
    const [best] = queue.splice(placeOfBest(queue), 1) as [Candidate];
    if (random() < rate) {
      leftOut.push(best);
      continue;
    }
    queue.push(...leftOut.splice(0));
    const { at, merged } = best;
    const right = next[at]!;
    if (ids[at] === GONE || right < 0) continue;
    const pair = pairs.find(ids[at]!, ids[right]!);
    if (pair < 0 || pairs.merged(pair) !== merged) continue;
    [ids[at], stops[at], ids[right]] = [merged, stops[right]!, GONE];
    const behind = next[right]!;
    next[at] = behind;
    if (behind >= 0) previous[behind] = at;
    offer(previous[at]!);
    offer(at);
  }
  for (const [i, id] of ids.entries()) {
    if (id === GONE) continue;
    out.push(id);
    ends?.push(stops[i]!);
  }
}

/** What was merged into the symbol before it. */
const GONE = -1;

/** The least rank, of equals the leftmost. */
function placeOfBest(queue: readonly Candidate[]): number {
  let best = 0;
  for (let i = 1; i < queue.length; i++) {
    const [one, other] = [queue[i]!, queue[best]!];
    if (one.rank < other.rank || (one.rank === other.rank && one.at < other.at)) best = i;
  }
  return best;
}
