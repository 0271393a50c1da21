import type { OperatorFunction } from 'rxjs';
import { checkDuration, checkWhole } from './check.ts';
import { leave, pullOperator } from './pull.ts';
import { SKIP, stepOperator } from './step.ts';

/**
 * Groups of `size` items; the last may be smaller. Window: `size`.
 *
 *     source:    --a--b--c--|
 *     batch(2):  -----[ab]--[c]|
 */
export function batch<T>(size: number): OperatorFunction<T, T[]> {
  checkWhole('size', size);
  return stepOperator(
    () => {
      let group: T[] = [];
      const give = (): T[] => {
        const full = group;
        group = [];
        return full;
      };
      return {
        next(item: T) {
          group.push(item);
          return group.length === size ? give() : SKIP;
        },
        end: () => (group.length > 0 ? give() : SKIP),
      };
    },
    { window: size, completes: (full) => full.length },
  );
}

export interface TokenBatchOptions<T> {
  /** The most tokens of a group, padding counted: its length times its longest item. */
  readonly maxTokens: number;
  /** The most items of a group. Default: no bound but `maxTokens`. */
  readonly maxSize?: number;
  /** An item's number of tokens. */
  readonly lengthOf: (item: T) => number;
}

/**
 * Groups of neighbours whose padded size stays within `maxTokens`; an item longer than that is a group of its own. Window:
 * `maxSize` + 1, where a group is given out when the item after it is seen.
 *
 *     source (lengths):              --2--2--5--1--|
 *     batchByTokens, maxTokens 5:    --------[22]--[5]-[1]|
 */
export function batchByTokens<T>({
  maxTokens,
  maxSize = Infinity,
  lengthOf,
}: TokenBatchOptions<T>): OperatorFunction<T, T[]> {
  checkWhole('maxTokens', maxTokens);
  if (maxSize !== Infinity) checkWhole('maxSize', maxSize);
  return stepOperator(
    () => {
      let group: T[] = [];
      let longest = 0;
      return {
        next(item: T) {
          const length = lengthOf(item);
          const fits = group.length < maxSize && Math.max(longest, length) * (group.length + 1) <= maxTokens;
          if (group.length === 0 || fits) {
            group.push(item);
            longest = Math.max(longest, length);
            return SKIP;
          }
          const full = group;
          group = [item];
          longest = length;
          return full;
        },
        end: () => (group.length > 0 ? group : SKIP),
      };
    },
    { window: maxSize + 1, completes: (full) => full.length },
  );
}

/**
 * Groups of what comes within `maxWait` ms after a group's first item, at most `maxSize` items. Window: `maxSize` + 1: one item may
 * be awaited while a group is out.
 *
 *     source:                     --a-b--------c|
 *     batchByTime, 4 ms, size 9:  ------[ab]----[c]|
 */
export function batchByTime<T>({ maxSize, maxWait }: { maxSize: number; maxWait: number }): OperatorFunction<T, T[]> {
  checkWhole('maxSize', maxSize);
  checkDuration('maxWait', maxWait);
  return pullOperator(
    async function* (source, signal) {
      const iterator = source[Symbol.asyncIterator]();
      let pending: Promise<IteratorResult<T>> | null = null;
      let ended = false;
      const take = async (): Promise<IteratorResult<T>> => {
        pending ??= iterator.next();
        try {
          const result = await pending;
          ended = result.done === true;
          return result;
        } catch (error) {
          ended = true;
          throw error;
        } finally {
          pending = null;
        }
      };
      let timer: ReturnType<typeof setTimeout> | undefined;
      let taking: Promise<IteratorResult<T>> | null = null;
      try {
        while (!signal.aborted && !ended) {
          const group: T[] = [];
          let failure: { error: unknown } | null = null;
          let timeUp: Promise<null> | null = null;
          while (group.length < maxSize) {
            taking ??= take();
            taking.catch(() => {}); // reported where it is awaited
            try {
              const result = await (timeUp ? Promise.race([taking, timeUp]) : taking);
              if (result === null) break;
              taking = null;
              if (result.done) break;
              group.push(result.value);
            } catch (error) {
              failure = { error };
              break;
            }
            timeUp ??= new Promise((resolve) => {
              timer = setTimeout(resolve, maxWait, null);
            });
          }
          clearTimeout(timer);
          if (group.length > 0 && !signal.aborted) yield group;
          if (failure) throw failure.error;
        }
      } finally {
        clearTimeout(timer);
        if (!ended) await leave(iterator, pending !== null);
      }
    },
    { window: maxSize + 1, completes: (group) => group.length },
  );
}
