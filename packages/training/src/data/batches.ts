import type { HostTensor } from '@rivulet/tensor';
import { seeded } from '@rivulet/tensor';

export interface BucketOptions {
  /** The length of every item, padding left out. */
  readonly lengths: readonly number[];
  /** The most positions in a batch, padding included: rows times the longest row. */
  readonly tokensPerBatch: number;
  /** The most rows in a batch. Default: no limit. */
  readonly maxRows?: number;
  readonly seed: number;
  readonly epoch: number;
}

/** How many batches' worth of items are sorted together: enough for little padding, few enough to stay random. */
const POOL = 50;

/**
 * Batches of items of similar length, as indices: items are shuffled, sorted by length within pools, cut into batches, and the
 * batches are shuffled. The same seed and epoch give the same batches.
 */
export function bucketBatches({
  lengths,
  tokensPerBatch,
  maxRows = Number.POSITIVE_INFINITY,
  seed,
  epoch,
}: BucketOptions): Int32Array[] {
  const random = seeded(seed, epoch + 1);
  const order = new Int32Array(lengths.length);
  for (let item = 0; item < order.length; item++) order[item] = item;
  random.shuffle(order);
  const meanLength = lengths.reduce((a, b) => a + b, 0) / Math.max(1, lengths.length);
  const poolSize = Math.max(1, Math.round((POOL * tokensPerBatch) / Math.max(1, meanLength)));
  const batches: Int32Array[] = [];
  for (let from = 0; from < order.length; from += poolSize) {
    const pool = sortedByLength(order.subarray(from, from + poolSize), lengths);
    let start = 0;
    for (let at = 1; at < pool.length; at++) {
      const rows = at - start + 1; // sorted: this item is the longest so far
      if (rows <= maxRows && rows * lengths[pool[at]!]! <= tokensPerBatch) continue;
      batches.push(pool.subarray(start, at));
      start = at;
    }
    batches.push(pool.subarray(start));
  }
  return random.shuffle(batches);
}

/** Items by length, in their order among equals: counted into place, which takes no comparisons. */
function sortedByLength(items: Int32Array, lengths: readonly number[]): Int32Array {
  let longest = 0;
  for (const item of items) longest = Math.max(longest, lengths[item]!);
  const starts = new Int32Array(longest + 2);
  for (const item of items) starts[lengths[item]! + 1]!++;
  for (let length = 0; length < longest; length++) starts[length + 1]! += starts[length]!;
  const sorted = new Int32Array(items.length);
  for (const item of items) sorted[starts[lengths[item]!]!++] = item;
  return sorted;
}

/** Rows of different lengths as one int32 tensor [B, T], filled up at the end with `padId`. */
export function padRows(rows: readonly ArrayLike<number>[], padId: number): HostTensor {
  const width = Math.max(...rows.map((row) => row.length));
  const data = new Int32Array(rows.length * width).fill(padId);
  rows.forEach((row, i) => {
    data.set(row, i * width);
  });
  return { dtype: 'int32', dims: [rows.length, width], data };
}

/** The rows' lengths as an int32 tensor [B]. */
export function rowLengths(rows: readonly ArrayLike<number>[]): HostTensor {
  return { dtype: 'int32', dims: [rows.length], data: Int32Array.from(rows, (row) => row.length) };
}
