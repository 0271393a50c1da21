import { decay, PER_NAT, STEPS } from './exponential.ts';
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

/** The tokens that may be drawn, ascending (no ids: all), and their probabilities up to a factor; the likeliest has weight 1. */
interface Kept {
  readonly ids: Int32Array | undefined;
  readonly weights: Float64Array;
}

/** What is left of the vocabulary after all cuts. Never empty. @throws RangeError where a logit is NaN or all are −∞. */
export function keptTokens(logits: Float32Array, options: SamplingOptions): Kept {
  const { ids, weights } = cut(logits, options, { max: largest(logits) });
  return { ids, weights: weights.slice() };
}

/** The weight in each bin, for the time of one call. */
const mass = new Float64Array(STEPS);

/** Arrays as large as the vocabulary, for the time of one call: to allocate them for every token costs as much as to fill them. */
let scratch = [new Float64Array(0), new Float64Array(0)] as const;

/** What is known of the logits: the largest, and perhaps Σ exp(logit − largest). */
interface Known {
  readonly max: number;
  readonly sum?: number;
}

/** `all`: Σ exp(logit − largest), where it is known or was summed up anyway. The weights may be scratch. */
export function cut(
  logits: Float32Array,
  { temperature, topK, topP, minP = 0, typicalP = 1, epsilonCutoff = 0, etaCutoff = 0 }: SamplingOptions,
  { max, sum: known }: Known,
): Kept & { readonly all: number | undefined } {
  const limited = topK > 0 && topK < logits.length;
  const whole = !limited && temperature === 1; // the weights are those of all logits, as they are
  const perLogit = PER_NAT / temperature;
  const summed = whole ? known : undefined;
  let ids = limited ? likeliest(logits, topK) : undefined;
  if (topP < 1 && summed !== undefined) ids = heaviest(logits, max, topP * summed);
  let values = ids ? valuesAt(logits, ids) : logits;
  let total = 0;
  if (topP < 1) {
    const near = nearest(values, max, perLogit, topP, summed);
    total = near.total;
    const before = ids;
    ids = before ? near.positions.map((at) => before[at]!) : near.positions;
    values = valuesAt(logits, ids);
  }
  if (scratch[0].length < values.length)
    scratch = [new Float64Array(values.length), new Float64Array(values.length)] as const;
  const steps = scratch[0].subarray(0, values.length); // below the largest, after temperature
  const weights = scratch[1].subarray(0, values.length);
  let sumOfKept = 0;
  for (let i = 0; i < values.length; i++) {
    const below = (max - values[i]!) * perLogit;
    const weight = decay(below);
    steps[i] = below;
    weights[i] = weight;
    sumOfKept += weight;
  }
  let kept: Kept = { ids, weights };
  if (topP < 1)
    kept = only(
      kept,
      smallestSet(weights, steps, topP * total, (i) => -values[i]!),
    );
  else total = sumOfKept;
  const all = known ?? (whole ? total : undefined);
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

const valuesAt = (logits: Float32Array, ids: Int32Array): Float32Array => Float32Array.from(ids, (id) => logits[id]!);

/**
 * The positions, ascending, among which the fewest that reach the share `wanted` of all weight are: those in the bins up to the one
 * that reaches it. Nothing is stored for the others, which are nearly all. `total` is the weight of all: of these values, or `known`.
 */
function nearest(
  values: Float32Array,
  max: number,
  perLogit: number,
  wanted: number,
  known?: number,
): { readonly positions: Int32Array; readonly total: number } {
  mass.fill(0);
  let summed = 0;
  for (let i = 0; i < values.length; i++) {
    const below = (max - values[i]!) * perLogit;
    const weight = decay(below);
    mass[below < STEPS ? below | 0 : STEPS - 1]! += weight;
    summed += weight;
  }
  const total = known ?? summed;
  const { past } = binThatReaches(wanted * total);
  const positions: number[] = [];
  for (let i = 0; i < values.length; i++) if ((max - values[i]!) * perLogit < past) positions.push(i);
  return { positions: Int32Array.from(positions), total };
}

/** Below the largest, in nats: what is further away weighs next to nothing after a model that has learned something. */
const NEAR = 8;
/** To single out more than so many gains nothing. */
const MANY = 4096;

/** Ids, ascending, of the logits not far below the largest, where these few weigh `wanted` together. Undefined: they do not. */
function heaviest(logits: Float32Array, max: number, wanted: number): Int32Array | undefined {
  const least = max - NEAR;
  const ids: number[] = [];
  let weight = 0;
  for (let i = 0; i < logits.length; i++) {
    const x = logits[i]!;
    if (x < least) continue;
    if (ids.length === MANY) return undefined;
    ids.push(i);
    weight += decay((max - x) * PER_NAT);
  }
  return weight >= wanted ? Int32Array.from(ids) : undefined;
}

/** The bin of `mass` in which the sum of all bins reaches `wanted`; the sum before it; `past`: keys from here on lie behind it. */
function binThatReaches(wanted: number): { readonly end: number; readonly past: number; readonly before: number } {
  let end = 0;
  let before = 0;
  while (end < STEPS - 1 && before + mass[end]! < wanted) before += mass[end++]!;
  return { end, past: end === STEPS - 1 ? Number.POSITIVE_INFINITY : end + 1, before };
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

export function sum(weights: Float64Array): number {
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
  mass.fill(0);
  for (let i = 0; i < weights.length; i++) {
    const key = keys[i]!;
    mass[key < STEPS ? key | 0 : STEPS - 1]! += weights[i]!;
  }
  const { end, past, before } = binThatReaches(wanted);
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
