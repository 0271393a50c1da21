import { checkDuration, checkWhole } from './check.ts';

export interface BatcherOptions {
  /** The most calls that are joined. */
  readonly maxSize: number;
  /** How long the first call of a group waits for others, ms. Default 0: until the running code has let go. */
  readonly maxWait?: number;
}

/**
 * Joins calls that are made at about the same time, by whomever, into one call of `f`; every caller gets its own result. `f` must
 * give one result per item, in order. When it fails, all calls of the group fail with its error.
 */
export function batcher<T, R>(
  f: (items: T[]) => Promise<readonly R[]>,
  { maxSize, maxWait = 0 }: BatcherOptions,
): (item: T) => Promise<R> {
  checkWhole('maxSize', maxSize);
  checkDuration('maxWait', maxWait);
  interface Call {
    readonly item: T;
    readonly resolve: (value: R) => void;
    readonly reject: (error: unknown) => void;
  }
  let waiting: Call[] = [];
  let timer: ReturnType<typeof setTimeout> | undefined;
  const flush = async (): Promise<void> => {
    clearTimeout(timer);
    const calls = waiting;
    waiting = [];
    try {
      const results = await f(calls.map(({ item }) => item));
      if (results.length !== calls.length)
        throw new RangeError(`batcher: ${calls.length} items gave ${results.length} results`);
      for (const [i, { resolve }] of calls.entries()) resolve(results[i] as R);
    } catch (error) {
      for (const { reject } of calls) reject(error);
    }
  };
  return (item) =>
    new Promise<R>((resolve, reject) => {
      waiting.push({ item, resolve, reject });
      if (waiting.length === maxSize) void flush();
      else if (waiting.length === 1) timer = setTimeout(flush, maxWait);
    });
}
