import type { OperatorFunction } from 'rxjs';
import { checkWhole } from './check.ts';
import { withFacts } from './operator-facts.ts';
import { pullOperator } from './pull.ts';

/** An item and its number in the source, from 0. */
export interface Numbered<T> {
  readonly index: number;
  readonly item: T;
}

export interface LengthBatchOptions<T> {
  /** The most tokens of a group, padding counted: its length times its longest item. */
  readonly maxTokens: number;
  /** The most items of a group. Default: no bound but `maxTokens`. */
  readonly maxSize?: number;
  /** Of how many items groups of like length are made: the operator's window. Default 256. */
  readonly window?: number;
  /** An item's number of tokens. */
  readonly lengthOf: (item: T) => number;
}

/**
 * Groups of items of like length, so that little is padded: `window` items are read, sorted by length and cut into groups whose
 * padded size stays within `maxTokens`; an item longer than that is a group of its own. Items are numbered for `restoreOrder`.
 * Window: `window`.
 *
 *     source (lengths):                        --9--1--9--1--|
 *     batchByLength, maxTokens 18, window 4:   --------------[1 1]-[9 9]|
 */
export function batchByLength<T>({
  maxTokens,
  maxSize = Infinity,
  window = 256,
  lengthOf,
}: LengthBatchOptions<T>): OperatorFunction<T, Numbered<T>[]> {
  checkWhole('maxTokens', maxTokens);
  checkWhole('window', window);
  if (maxSize !== Infinity) checkWhole('maxSize', maxSize);
  function* groups(items: readonly (Numbered<T> & { length: number })[]): Generator<Numbered<T>[]> {
    let group: Numbered<T>[] = [];
    for (const { index, item, length } of [...items].sort((a, b) => a.length - b.length || a.index - b.index)) {
      if (group.length > 0 && (group.length === maxSize || length * (group.length + 1) > maxTokens)) {
        yield group;
        group = [];
      }
      group.push({ index, item });
    }
    if (group.length > 0) yield group;
  }
  return pullOperator(
    async function* (source) {
      let index = 0;
      let read: (Numbered<T> & { length: number })[] = [];
      let failure: { readonly error: unknown } | null = null;
      try {
        for await (const item of source) {
          read.push({ index: index++, item, length: lengthOf(item) });
          if (read.length < window) continue;
          const full = read;
          read = [];
          yield* groups(full);
        }
      } catch (error) {
        failure = { error }; // told after what was read before it
      }
      yield* groups(read);
      if (failure) throw failure.error;
    },
    { window, completes: (group) => group.length },
  );
}

/**
 * The items of groups, one by one in the order of their numbers, which are those from 0 without a gap. Holds what comes before its
 * turn: of groups by `batchByLength`, never more than its `window`. Where a number is left out, the items behind it come at the end.
 * Window: 1 group.
 *
 *     source:        --[1:b 3:d]--[0:a 2:c]-------|
 *     restoreOrder:  -------------a---b---c---d---|
 */
export function restoreOrder<T>(): OperatorFunction<readonly Numbered<T>[], T> {
  return pullOperator(async function* (source) {
    const early = new Map<number, T>();
    let next = 0;
    let failure: { readonly error: unknown } | null = null;
    try {
      for await (const group of source) {
        for (const { index, item } of group) early.set(index, item);
        while (early.has(next)) {
          const item = early.get(next)!;
          early.delete(next++);
          yield item;
        }
      }
    } catch (error) {
      failure = { error };
    }
    for (const index of [...early.keys()].sort((a, b) => a - b)) yield early.get(index)!;
    if (failure) throw failure.error;
  });
}

/**
 * Maps items in groups of like length; results come in the items' order. `f` gives one result per item, in order. Window: `window`.
 *
 *     source (lengths):              --9--1--9--1--|
 *     mapByLength(f), maxTokens 18:  ----------------A--B--C--D|
 */
export function mapByLength<T, R>(
  f: (items: T[], signal: AbortSignal) => Promise<readonly R[]> | readonly R[],
  options: LengthBatchOptions<T>,
): OperatorFunction<T, R> {
  const groups = batchByLength(options);
  return withFacts(
    (source) =>
      source.pipe(
        groups,
        pullOperator(async function* (input, signal) {
          for await (const group of input) {
            const results = await f(
              group.map(({ item }) => item),
              signal,
            );
            if (signal.aborted) return;
            if (results.length !== group.length)
              throw new RangeError(`mapByLength: ${group.length} items gave ${results.length} results`);
            yield group.map(({ index }, i) => ({ index, item: results[i] as R }));
          }
        }),
        restoreOrder(),
      ),
    { window: options.window ?? 256 },
  );
}
