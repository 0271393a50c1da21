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
}: BucketOptions): number[][] {
  const random = seeded(seed, epoch + 1);
  const order = random.shuffle(lengths.map((_, i) => i));
  const meanLength = lengths.reduce((a, b) => a + b, 0) / Math.max(1, lengths.length);
  const poolSize = Math.max(1, Math.round((POOL * tokensPerBatch) / Math.max(1, meanLength)));
  const batches: number[][] = [];
  for (let from = 0; from < order.length; from += poolSize) {
    const pool = sortedByLength(order.slice(from, from + poolSize), lengths);
    let batch: number[] = [];
    for (const item of pool) {
      const rows = batch.length + 1; // sorted: this item is the longest so far
      if (batch.length > 0 && (rows * lengths[item]! > tokensPerBatch || rows > maxRows)) {
        batches.push(batch);
        batch = [];
      }
      batch.push(item);
    }
    if (batch.length > 0) batches.push(batch);
  }
  return random.shuffle(batches);
}

/** Items by length, in their order among equals: as numbers, which sort in a fraction of a comparator's time. */
function sortedByLength(items: readonly number[], lengths: readonly number[]): number[] {
  const keys = Float64Array.from(items, (item, position) => lengths[item]! * POSITIONS + position).sort();
  return Array.from(keys, (key) => items[key % POSITIONS]!);
}

/** More than a pool can have. */
const POSITIONS = 2 ** 26;

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
