import { checkDuration, checkWhole } from './check.ts';

export interface BatcherOptions {
  /** The most calls that are joined. */
  readonly maxSize: number;
  /** How long the first call of a group waits for others, ms. Default 0: until the running code has let go. */
  readonly maxWait?: number;
  /** How many groups may be in work at once; while they are, calls wait and the next group grows. Default: no bound. */
  readonly concurrency?: number;
}

/** A call that waits. */
interface Call<T, R> {
  readonly item: T;
  readonly since: number;
  readonly resolve: (value: R) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Joins calls that are made at about the same time, by whomever, into one call of `f`; every caller gets its own result. `f` must
 * give one result per item, in order. When it fails, all calls of the group fail with its error. A caller's signal, once aborted,
 * takes its call out of those that wait, with the signal's reason; the result fits `mapAsync`.
 */
export function batcher<T, R>(
  f: (items: T[]) => Promise<readonly R[]>,
  { maxSize, maxWait = 0, concurrency = Infinity }: BatcherOptions,
): (item: T, signal?: AbortSignal) => Promise<R> {
  checkWhole('maxSize', maxSize);
  checkDuration('maxWait', maxWait);
  if (concurrency !== Infinity) checkWhole('concurrency', concurrency);
  const waiting: Call<T, R>[] = [];
  let running = 0;
  let timer: ReturnType<typeof setTimeout> | undefined;

  const start = async (): Promise<void> => {
    clearTimeout(timer);
    timer = undefined;
    const calls = waiting.splice(0, maxSize);
    running++;
    try {
      const results = await f(calls.map(({ item }) => item));
      if (results.length !== calls.length)
        throw new RangeError(`batcher: ${calls.length} items gave ${results.length} results`);
      for (const [i, { resolve }] of calls.entries()) resolve(results[i] as R);
    } catch (error) {
      for (const { reject } of calls) reject(error);
    }
    running--;
    proceed(true);
  };

  /** Starts the groups that are due, and a timer for the first that is not. `later`: not within the call that came last. */
  const proceed = (later: boolean): void => {
    while (running < concurrency && waiting.length > 0) {
      // Timers come late under load, and not at all while promises follow on promises: the clock decides.
      const wait = waiting[0]!.since + maxWait - performance.now();
      const due = waiting.length >= maxSize || (wait <= 0 && (later || maxWait > 0));
      if (due) void start();
      else {
        timer ??= setTimeout(onTimer, Math.max(0, wait));
        return;
      }
    }
  };
  const onTimer = (): void => {
    timer = undefined;
    proceed(true);
  };

  return (item, signal) =>
    new Promise<R>((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason);
      const call: Call<T, R> = {
        item,
        since: performance.now(),
        resolve(value) {
          signal?.removeEventListener('abort', leave);
          resolve(value);
        },
        reject(error) {
          signal?.removeEventListener('abort', leave);
          reject(error);
        },
      };
      const leave = (): void => {
        const at = waiting.indexOf(call);
        if (at < 0) return; // its group is in work
        waiting.splice(at, 1);
        reject(signal?.reason);
      };
      signal?.addEventListener('abort', leave, { once: true });
      waiting.push(call);
      proceed(false);
    });
}
