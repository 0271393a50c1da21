import { cut, type SamplingOptions, sum } from './cuts.ts';
import { isFound, type LogitRow, largest, logSumExp } from './scores.ts';

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
  return drawToken({ values: logits }, options, uniform).id;
}

/** As `sampleToken`; `step` goes into the error. */
export function drawToken(row: LogitRow, options: SamplingOptions, uniform: () => number, step?: number): Drawn {
  const { values } = row;
  const known = isFound(row) ? { max: values[row.best]!, sum: Math.exp(row.logSum) } : { max: largest(values, step) };
  const { max } = known;
  const { ids, weights, all } = cut(values, options, known);
  const drawn = uniform() * sum(weights);
  const normalizer = all === undefined ? logSumExp(values, step, max) : max + Math.log(all);
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
