import type { ByteBPEParts } from './byte-bpe.ts';
import type { IdBuffer } from './id-buffer.ts';

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

/** In bytes: every merge looks at the whole piece, so that a longer one is taken in parts. */
const LONGEST = 256;

/**
 * The ids of one piece: among the merges that are possible at a step each is left out with the given probability, and the best of
 * the others is made; when none is left the piece is done. A piece that is a token itself is taken apart like any other.
 */
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
  { rate, random }: Dropout,
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
  for (;;) {
    let [best, at, merged] = [Number.POSITIVE_INFINITY, -1, -1];
    for (let i = 0; i + 1 < ids.length; i++) {
      const pair = pairs.find(ids[i]!, ids[i + 1]!);
      if (pair < 0 || random() < rate || pairs.rank(pair) >= best) continue;
      [best, at, merged] = [pairs.rank(pair), i, pairs.merged(pair)];
    }
    if (at < 0) break;
    ids.splice(at, 2, merged);
    stops.splice(at, 1);
  }
  ids.forEach((id, i) => {
    out.push(id);
    ends?.push(stops[i]!);
  });
}
