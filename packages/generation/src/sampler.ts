import { largest } from './scores.ts';

/** How the distribution is cut before a token is drawn. Each is off at its default. */
export interface SamplingOptions {
  readonly temperature: number;
  readonly topK: number;
  readonly topP: number;
  readonly minP?: number;
  readonly typicalP?: number;
  readonly epsilonCutoff?: number;
  readonly etaCutoff?: number;
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

/**
 * Draws a token. The cuts follow one another in Hugging Face's order, each on what the one before left, rescaled to 1:
 * temperature, topK, topP, minP, typicalP, epsilonCutoff, etaCutoff.
 */
export function sampleToken(logits: Float32Array, options: SamplingOptions, uniform: () => number): number {
  const { ids, weights } = keptTokens(logits, options);
  let total = 0;
  for (let i = 0; i < weights.length; i++) total += weights[i]!;
  const drawn = uniform() * total;
  let upTo = 0;
  let last = 0;
  for (let i = 0; i < weights.length; i++) {
    const w = weights[i]!;
    upTo += w;
    if (drawn < upTo) return ids ? ids[i]! : i;
    if (w > 0) last = i;
  }
  return ids ? ids[last]! : last; // only by rounding
}

/** The tokens that may be drawn, ascending (no ids: all), and their probabilities up to a factor; the likeliest has weight 1. */
interface Kept {
  readonly ids: Int32Array | undefined;
  readonly weights: Float64Array;
}

/** What is left of the vocabulary after all cuts. Never empty. */
export function keptTokens(
  logits: Float32Array,
  { temperature, topK, topP, minP = 0, typicalP = 1, epsilonCutoff = 0, etaCutoff = 0 }: SamplingOptions,
): Kept {
  const max = largest(logits);
  let kept: Kept =
    topK > 0 && topK < logits.length
      ? weigh(logits, max, temperature, likeliest(logits, topK))
      : weigh(logits, max, temperature);
  if (topP < 1) {
    const { ids, weights } = kept;
    const below = new Float64Array(weights.length);
    for (let i = 0; i < below.length; i++) below[i] = (max - logits[ids ? ids[i]! : i]!) / temperature;
    kept = only(
      kept,
      smallestSet(weights, below, topP, (i) => -logits[ids ? ids[i]! : i]!),
    );
  }
  if (minP > 0) kept = atLeast(kept, minP);
  if (typicalP < 1) {
    const total = sum(kept.weights);
    const entropy = entropyOf(kept.weights, total);
    const surprise = kept.weights.map((w) => Math.abs(-Math.log(w / total) - entropy));
    kept = only(kept, smallestSet(kept.weights, surprise, typicalP));
  }
  if (epsilonCutoff > 0) kept = atLeast(kept, epsilonCutoff * sum(kept.weights));
  if (etaCutoff > 0) {
    const total = sum(kept.weights);
    const eta = Math.min(etaCutoff, Math.sqrt(etaCutoff) * Math.exp(-entropyOf(kept.weights, total)));
    kept = atLeast(kept, eta * total);
  }
  return kept;
}

function weigh(logits: Float32Array, max: number, temperature: number, ids?: Int32Array): Kept {
  const weights = new Float64Array(ids ? ids.length : logits.length);
  for (let i = 0; i < weights.length; i++) weights[i] = Math.exp((logits[ids ? ids[i]! : i]! - max) / temperature);
  return { ids, weights };
}

/** Ids of the `count` largest logits and of all that equal the last of these. */
function likeliest(logits: Float32Array, count: number): Int32Array {
  // A heap of the largest so far, the smallest of them on top.
  const heap = logits.slice(0, count).sort();
  for (let i = count; i < logits.length; i++) {
    const x = logits[i]!;
    if (x <= heap[0]!) continue;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= count) break;
      if (child + 1 < count && heap[child + 1]! < heap[child]!) child++;
      if (heap[child]! >= x) break;
      heap[at] = heap[child]!;
      at = child;
    }
    heap[at] = x;
  }
  const least = heap[0]!;
  const ids: number[] = [];
  for (let i = 0; i < logits.length; i++) if (logits[i]! >= least) ids.push(i);
  return Int32Array.from(ids);
}

function only({ ids, weights }: Kept, positions: Int32Array): Kept {
  const left = { ids: new Int32Array(positions.length), weights: new Float64Array(positions.length) };
  for (let i = 0; i < positions.length; i++) {
    const at = positions[i]!;
    left.ids[i] = ids ? ids[at]! : at;
    left.weights[i] = weights[at]!;
  }
  return left;
}

/** Those with at least this weight, and the likeliest in any case. */
function atLeast(kept: Kept, least: number): Kept {
  const { weights } = kept;
  let max = 0;
  for (let i = 0; i < weights.length; i++) if (weights[i]! > max) max = weights[i]!;
  const bar = Math.min(least, max);
  const positions = new Int32Array(weights.length);
  let count = 0;
  for (let i = 0; i < weights.length; i++) if (weights[i]! >= bar) positions[count++] = i;
  return only(kept, positions.subarray(0, count));
}

function sum(weights: Float64Array): number {
  let total = 0;
  for (let i = 0; i < weights.length; i++) total += weights[i]!;
  return total;
}

function entropyOf(weights: Float64Array, total: number): number {
  let entropy = 0;
  for (let i = 0; i < weights.length; i++) {
    const p = weights[i]! / total;
    if (p > 0) entropy -= p * Math.log(p);
  }
  return entropy;
}

const BINS = 4096;
/** Nats that the bins span; what lies further away shares the last bin. */
const SPAN = 24;

/**
 * Positions, ascending, of the fewest weights with the smallest keys (≥ 0) that reach `share` of the total. A histogram of the
 * weight over the keys says in which bin the set ends, and only that bin is sorted: by `order`, which tells apart what the keys
 * round together, and then by position; without `order` by the keys, and what equals the last one is in the set, too.
 */
function smallestSet(
  weights: Float64Array,
  keys: Float64Array,
  share: number,
  order?: (i: number) => number,
): Int32Array {
  const mass = new Float64Array(BINS);
  const bins = new Int16Array(weights.length);
  let total = 0;
  for (let i = 0; i < weights.length; i++) {
    const w = weights[i]!;
    const key = keys[i]!;
    // Probability 0 is never in the set.
    const bin = w === 0 ? BINS : key < SPAN ? Math.floor(key * (BINS / SPAN)) : BINS - 1;
    bins[i] = bin;
    if (w === 0) continue;
    mass[bin]! += w;
    total += w;
  }
  const wanted = share * total;
  let end = 0;
  let before = 0;
  while (end < BINS - 1 && before + mass[end]! < wanted) before += mass[end++]!;
  const edge: { readonly at: number; readonly key: number }[] = [];
  for (let i = 0; i < bins.length; i++) if (bins[i] === end) edge.push({ at: i, key: order ? order(i) : keys[i]! });
  edge.sort((a, b) => a.key - b.key || a.at - b.at);
  let size = 0;
  let reached = before;
  while (size < edge.length && reached < wanted) reached += weights[edge[size++]!.at]!;
  if (!order) while (size > 0 && size < edge.length && edge[size]!.key === edge[size - 1]!.key) size++;
  for (let i = size; i < edge.length; i++) bins[edge[i]!.at] = BINS;
  const positions = new Int32Array(weights.length);
  let count = 0;
  for (let i = 0; i < bins.length; i++) if (bins[i]! <= end) positions[count++] = i;
  return positions.subarray(0, count);
}
