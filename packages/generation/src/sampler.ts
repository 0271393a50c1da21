import { decay, PER_NAT, STEPS } from './exponential.ts';
import { largest, logSumExp } from './scores.ts';

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

/** A drawn token, and what the probabilities of all logits are divided by, as a logarithm. */
export interface Drawn {
  readonly id: number;
  readonly logSumExp: number;
}

/**
 * Draws a token. The cuts follow one another in Hugging Face's order, each on what the one before left, rescaled to 1:
 * temperature, topK, topP, minP, typicalP, epsilonCutoff, etaCutoff.
 * @throws RangeError where a logit is NaN or all are −∞.
 */
export function sampleToken(logits: Float32Array, options: SamplingOptions, uniform: () => number): number {
  return drawToken(logits, options, uniform).id;
}

/** As `sampleToken`; `step` goes into the error. */
export function drawToken(logits: Float32Array, options: SamplingOptions, uniform: () => number, step?: number): Drawn {
  const max = largest(logits, step);
  const { ids, weights, all } = cut(logits, options, max);
  const drawn = uniform() * sum(weights);
  const normalizer = all === undefined ? logSumExp(logits, step, max) : max + Math.log(all);
  let upTo = 0;
  let last = 0;
  for (let i = 0; i < weights.length; i++) {
    const w = weights[i]!;
    upTo += w;
    if (w > 0) last = i;
    if (drawn < upTo) break; // by rounding, it may never be
  }
  return { id: ids ? ids[last]! : last, logSumExp: normalizer };
}

/** The tokens that may be drawn, ascending (no ids: all), and their probabilities up to a factor; the likeliest has weight 1. */
interface Kept {
  readonly ids: Int32Array | undefined;
  readonly weights: Float64Array;
}

/** What is left of the vocabulary after all cuts. Never empty. @throws RangeError as `sampleToken` does. */
export function keptTokens(logits: Float32Array, options: SamplingOptions): Kept {
  const { ids, weights } = cut(logits, options, largest(logits));
  return { ids, weights: weights.slice() };
}

/** Arrays as large as the vocabulary, for the time of one call: to allocate them for every token costs as much as to fill them. */
let scratch = [new Float64Array(0), new Float64Array(0)] as const;

/** `all`: the sum of the weights before any cut, where it is known and the temperature is 1. The weights may be scratch. */
function cut(
  logits: Float32Array,
  { temperature, topK, topP, minP = 0, typicalP = 1, epsilonCutoff = 0, etaCutoff = 0 }: SamplingOptions,
  max: number,
): Kept & { readonly all: number | undefined } {
  const ids = topK > 0 && topK < logits.length ? likeliest(logits, topK) : undefined;
  const values = ids ? Float32Array.from(ids, (id) => logits[id]!) : logits;
  if (scratch[0].length < values.length)
    scratch = [new Float64Array(values.length), new Float64Array(values.length)] as const;
  const steps = scratch[0].subarray(0, values.length); // below the largest, after temperature
  const weights = scratch[1].subarray(0, values.length);
  let total = 0;
  for (let i = 0; i < values.length; i++) {
    const below = ((max - values[i]!) * PER_NAT) / temperature;
    const weight = decay(below);
    steps[i] = below;
    weights[i] = weight;
    total += weight;
  }
  const all = ids || temperature !== 1 ? undefined : total;
  let kept: Kept = { ids, weights };
  if (topP < 1)
    kept = only(
      kept,
      smallestSet(weights, steps, topP * total, (i) => -values[i]!),
    );
  if (minP > 0) kept = atLeast(kept, minP);
  if (typicalP < 1) {
    const total = sum(kept.weights);
    const entropy = entropyOf(kept.weights, total);
    const surprise = kept.weights.map((w) => PER_NAT * Math.abs(-Math.log(w / total) - entropy));
    kept = only(kept, smallestSet(kept.weights, surprise, typicalP * total));
  }
  if (epsilonCutoff > 0) kept = atLeast(kept, epsilonCutoff * sum(kept.weights));
  if (etaCutoff > 0) {
    const total = sum(kept.weights);
    const eta = Math.min(etaCutoff, Math.sqrt(etaCutoff) * Math.exp(-entropyOf(kept.weights, total)));
    kept = atLeast(kept, eta * total);
  }
  return { ...kept, all };
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

/**
 * Positions, ascending, of the fewest weights with the smallest keys (in steps, from 0) that reach `wanted`. A histogram of the
 * weight over the keys says in which bin the set ends, and only that bin is sorted: by `order`, which tells apart what the keys
 * round together, and then by position; without `order` by the keys, and what equals the last one is in the set, too.
 */
function smallestSet(
  weights: Float64Array,
  keys: Float64Array,
  wanted: number,
  order?: (i: number) => number,
): Int32Array {
  const mass = new Float64Array(STEPS);
  for (let i = 0; i < weights.length; i++) {
    const key = keys[i]!;
    mass[key < STEPS ? key | 0 : STEPS - 1]! += weights[i]!;
  }
  let end = 0;
  let before = 0;
  while (end < STEPS - 1 && before + mass[end]! < wanted) before += mass[end++]!;
  const past = end === STEPS - 1 ? Number.POSITIVE_INFINITY : end + 1; // keys from here on are not in the set
  const edge: { readonly at: number; readonly key: number }[] = [];
  const inside: number[] = [];
  for (let i = 0; i < keys.length; i++) {
    const key = keys[i]!;
    if (key >= past || weights[i] === 0) continue; // probability 0 is never in the set
    if (key < end) inside.push(i);
    else edge.push({ at: i, key: order ? order(i) : key });
  }
  edge.sort((a, b) => a.key - b.key || a.at - b.at);
  let size = 0;
  let reached = before;
  while (size < edge.length && reached < wanted) reached += weights[edge[size++]!.at]!;
  if (!order) while (size > 0 && size < edge.length && edge[size]!.key === edge[size - 1]!.key) size++;
  for (let i = 0; i < size; i++) inside.push(edge[i]!.at);
  return Int32Array.from(inside).sort();
}
