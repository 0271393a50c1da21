import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';

/** A sentence and its translation. */
export interface Pair {
  readonly source: string;
  readonly target: string;
}

export interface ParallelCorpusOptions {
  /** The column of the source, from 0. Default 0. */
  readonly source?: number;
  /** The column of the target, from 0. Default 1. */
  readonly target?: number;
}

/**
 * Reads a tab-separated file of sentence pairs, one pair a line. Text is brought to NFC; runs of white space become one blank.
 * Empty lines are passed over.
 * @throws Error naming the file and the line that has too few columns or an empty side.
 */
export async function readParallelCorpus(
  path: string,
  { source = 0, target = 1 }: ParallelCorpusOptions = {},
): Promise<Pair[]> {
  const text = await readFile(path, 'utf8');
  return text.split('\n').flatMap((line, i): Pair[] => {
    if (line.trim() === '') return [];
    const columns = line.split('\t');
    const side = (column: number, what: string): string => {
      const value = columns[column]?.normalize('NFC').replace(/\s+/gu, ' ').trim();
      if (!value)
        throw new Error(`${path}:${i + 1}: no ${what} in column ${column + 1}; expected sentences separated by tabs`);
      return value;
    };
    return [{ source: side(source, 'source'), target: side(target, 'target') }];
  });
}

export interface Split<T> {
  readonly train: T[];
  readonly validation: T[];
  readonly test: T[];
}

/**
 * Splits by a hash of each item's key, so that equal keys are always in the same part, in every run and on every machine.
 * Keys that differ only in punctuation, white space, case or compatibility forms count as equal. The hash is the first 32 bits
 * of SHA-1 as a share of 2^32: below `test` goes to the test part, then `validation`.
 */
export function splitByHash<T>(
  items: readonly T[],
  key: (item: T) => string,
  shares: { test: number; validation: number },
): Split<T> {
  const split: Split<T> = { train: [], validation: [], test: [] };
  for (const item of items) {
    const share =
      createHash('sha1')
        .update(normalizeKey(key(item)))
        .digest()
        .readUInt32BE(0) /
      2 ** 32;
    const part =
      share < shares.test ? split.test : share < shares.test + shares.validation ? split.validation : split.train;
    part.push(item);
  }
  return split;
}

function normalizeKey(key: string): string {
  return key
    .normalize('NFKC')
    .toLowerCase()
    .replace(/[\p{P}\p{S}\s]/gu, '');
}
