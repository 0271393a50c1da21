import { logSumExp, topPositions } from './scores.ts';

export interface SamplingOptions {
  readonly temperature: number;
  readonly topK: number;
  readonly topP: number;
}

/** A source of numbers in [0, 1): mulberry32, one 32-bit state. */
export function uniformSource(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Draws a token: temperature first, then top-k, then top-p (https://arxiv.org/abs/1904.09751) of what is left. */
export function sampleToken(
  logits: Float32Array,
  { temperature, topK, topP }: SamplingOptions,
  uniform: () => number,
): number {
  const scaled = logits.map((x) => x / temperature);
  const kept = topK > 0 || topP < 1 ? topPositions(scaled, topK > 0 ? topK : scaled.length) : null;
  const candidates = kept ?? scaled.keys();
  const normalizer = logSumExp(kept ? Float32Array.from(kept, (i) => scaled[i]!) : scaled);
  const chosen: { token: number; upTo: number }[] = [];
  let total = 0;
  for (const token of candidates) {
    total += Math.exp(scaled[token]! - normalizer);
    chosen.push({ token, upTo: total });
    if (topP < 1 && total >= topP) break; // the token that reaches topP still belongs to the set
  }
  const drawn = uniform() * total;
  return (chosen.find(({ upTo }) => drawn < upTo) ?? chosen.at(-1)!).token;
}
