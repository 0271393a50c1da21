import { largest, topPositions } from './scores.ts';

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
  const max = largest(logits);
  const weight = (token: number): number => Math.exp((logits[token]! - max) / temperature); // the likeliest has 1
  if (topK === 0 && topP === 1) return drawAny(logits.length, weight, uniform);
  const kept = topK > 0 ? topPositions(logits, topK) : nucleus(logits, max, temperature, topP);
  const wanted = topP * (topK > 0 ? sumOf(kept.length, (i) => weight(kept[i]!)) : sumOf(logits.length, weight));
  let size = 0;
  let total = 0;
  while (size < kept.length && (topP === 1 || total < wanted)) total += weight(kept[size++]!);
  const drawn = uniform() * total;
  let upTo = 0;
  for (let i = 0; i < size; i++) {
    upTo += weight(kept[i]!);
    if (drawn < upTo) return kept[i]!;
  }
  return kept[0]!; // only by rounding
}

function sumOf(count: number, value: (i: number) => number): number {
  let sum = 0;
  for (let i = 0; i < count; i++) sum += value(i);
  return sum;
}

function drawAny(count: number, weight: (token: number) => number, uniform: () => number): number {
  const drawn = uniform() * sumOf(count, weight);
  let upTo = 0;
  let last = 0;
  for (let token = 0; token < count; token++) {
    const w = weight(token);
    upTo += w;
    if (drawn < upTo) return token;
    if (w > 0) last = token;
  }
  return last; // only by rounding
}

const BINS = 4096;
/** Nats below the likeliest token that the bins span; what is less likely shares the last bin. */
const SPAN = 24;

/**
 * Tokens, likeliest first, that hold the nucleus: a histogram of the probability over the logits says which can belong to it,
 * and only those are sorted, not the vocabulary.
 */
function nucleus(logits: Float32Array, max: number, temperature: number, topP: number): number[] {
  const mass = new Float64Array(BINS);
  const bins = new Uint16Array(logits.length);
  let total = 0;
  for (let i = 0; i < logits.length; i++) {
    const below = (max - logits[i]!) / temperature;
    const bin = below < SPAN ? Math.floor((below * BINS) / SPAN) : BINS - 1;
    const w = Math.exp(-below);
    bins[i] = bin;
    mass[bin]! += w;
    total += w;
  }
  let last = 0;
  // One bin more than needed: the sum over bins and the one over tokens round differently.
  for (let sum = mass[0]!; sum < topP * total && last < BINS - 1; sum += mass[last]!) last++;
  last = Math.min(last + 1, BINS - 1);
  const tokens: number[] = [];
  for (let i = 0; i < bins.length; i++) if (bins[i]! <= last) tokens.push(i);
  return tokens.sort((a, b) => logits[b]! - logits[a]! || a - b);
}
