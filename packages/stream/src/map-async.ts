import type { OperatorFunction } from 'rxjs';
import { checkWhole } from './check.ts';
import { pullOperator } from './pull.ts';

export interface MapAsyncOptions {
  /** How many items may be worked on at once; the operator's window. Default 1. */
  readonly concurrency?: number;
}

/**
 * Maps every item through an asynchronous function; results keep the items' order. At most `concurrency` items are pulled and
 * not yet given out. The function gets the signal that ends the run.
 *
 *     source:                --a-b-c--------|
 *     mapAsync(f):           -----A---B---C-|
 */
export function mapAsync<T, R>(
  f: (item: T, signal: AbortSignal) => Promise<R> | R,
  { concurrency = 1 }: MapAsyncOptions = {},
): OperatorFunction<T, R> {
  checkWhole('concurrency', concurrency);
  return pullOperator(async function* (source, signal) {
    const pending: Promise<R>[] = [];
    const iterator = source[Symbol.asyncIterator]();
    let pulling: Promise<void> | null = null;
    let end: { error?: unknown } | null = null; // the source's end, told when all results are out
    const start = (item: T): void => {
      const work = (async () => f(item, signal))();
      work.catch(() => {}); // reported when its turn comes
      pending.push(work);
    };
    const pullNext = async (): Promise<void> => {
      try {
        const next = await iterator.next();
        if (next.done) end = {};
        else start(next.value);
      } catch (error) {
        end = { error };
      } finally {
        pulling = null;
      }
    };
    try {
      while (!signal.aborted) {
        if (!end && !pulling && pending.length < concurrency) pulling = pullNext();
        const first = pending[0];
        const waits: Promise<boolean>[] = [];
        if (first) waits.push(first.then(() => true, () => true)); // biome-ignore format: two outcomes, one line
        if (pulling) waits.push((pulling as Promise<void>).then(() => false));
        if (waits.length === 0) break;
        if (await Promise.race(waits)) yield await pending.shift()!;
      }
      const ended = end as { error?: unknown } | null;
      if (ended && 'error' in ended && !signal.aborted) throw ended.error;
    } finally {
      if (!end) {
        const returned = iterator.return?.();
        // A pending pull may never end, and the clean-up queues behind it; whoever waits for an error or the end must not.
        if (pulling) returned?.catch(() => {});
        else await returned;
      }
    }
  });
}
