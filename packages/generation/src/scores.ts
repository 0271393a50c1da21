import { decay, PER_NAT } from './exponential.ts';
import type { Peaks } from './language-model.ts';

/** The logits of one row, and what the model found in them. */
export interface LogitRow {
  readonly values: Float32Array;
  readonly best?: number;
  readonly logSum?: number;
}

/** Row `at` of [rows, vocabSize]. */
export function logitRow(logits: Float32Array, at: number, vocabSize: number, peaks?: Peaks): LogitRow {
  const values = logits.subarray(at * vocabSize, (at + 1) * vocabSize);
  return peaks ? { values, best: peaks.best[at]!, logSum: peaks.logSum[at]! } : { values };
}

/** Those of some of the rows. */
export function peaksOf(peaks: Peaks | undefined, from: number, to: number): Peaks | undefined {
  return peaks && { best: peaks.best.subarray(from, to), logSum: peaks.logSum.subarray(from, to) };
}

/** The largest logit of a row, where it stands, and the logarithm of the sum of all exponentials. */
export interface Peak {
  readonly best: number;
  readonly max: number;
  readonly logSumExp: number;
}

/** What the model found, or the same found here. @throws RangeError as `logSumExp` does. */
export function peakOf(row: LogitRow, step?: number): Peak {
  const { values } = row;
  if (isFound(row)) {
    const max = values[row.best]!;
    return { best: row.best, max, logSumExp: max + row.logSum };
  }
  const max = largest(values, step);
  return { best: values.indexOf(max), max, logSumExp: logSumExp(values, step, max) };
}

/** Whether the model looked at the row and found no fault. */
export function isFound(row: LogitRow): row is Required<LogitRow> {
  return row.best !== undefined && Number.isFinite(row.logSum);
}

/** @throws RangeError where a logit is NaN or all are −∞: the model's output is broken, and any choice would hide it. */
export function logSumExp(logits: Float32Array, step?: number, max: number = largest(logits, step)): number {
  let sum = 0;
  for (let i = 0; i < logits.length; i++) sum += decay((max - logits[i]!) * PER_NAT);
  return max + Math.log(sum);
}

/** The largest logit; `step` goes into the error. @throws RangeError as `logSumExp` does. */
export function largest(logits: Float32Array, step?: number): number {
  const where = step === undefined ? '' : ` in step ${step}`;
  let max = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < logits.length; i++) {
    const x = logits[i]!;
    if (x > max) max = x;
    else if (Number.isNaN(x)) throw new RangeError(`the model gave NaN for token ${i}${where}`);
  }
  if (!Number.isFinite(max)) throw new RangeError(`the model's largest logit is ${max}${where}`);
  return max;
}

/** The position of the largest value; the first of ties. */
export function argmax(values: Float32Array): number {
  let best = 0;
  for (let i = 1; i < values.length; i++) if (values[i]! > values[best]!) best = i;
  return best;
}

/** Positions of the `count` largest values, largest first; among equals the lower position first. No full sort. */
export function topPositions(values: Float32Array | Float64Array, count: number): number[] {
  const best: number[] = [];
  const limit = Math.min(count, values.length);
  if (limit === 0) return best;
  for (let i = 0; i < values.length; i++) {
    const x = values[i]!;
    if (best.length === limit && x <= values[best[limit - 1]!]!) continue;
    let at = best.length < limit ? best.length : limit - 1;
    while (at > 0 && values[best[at - 1]!]! < x) {
      best[at] = best[at - 1]!;
      at--;
    }
    best[at] = i;
  }
  return best;
}

/** The `count` likeliest tokens of a row whose normalizer is known; those with probability 0 are left out. */
export function topLogProbs(
  row: Float32Array,
  normalizer: number,
  count: number,
): { readonly id: number; readonly logProb: number }[] {
  return topPositions(row, count)
    .map((id) => ({ id, logProb: row[id]! - normalizer }))
    .filter(({ logProb }) => logProb > Number.NEGATIVE_INFINITY);
}
