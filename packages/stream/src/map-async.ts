import type { OperatorFunction } from 'rxjs';
import { checkWhole } from './check.ts';
import { leave, pullOperator } from './pull.ts';
import { SKIP } from './step.ts';

export interface MapAsyncOptions {
  /** How many items may be worked on at once; the operator's window. Default 1. */
  readonly concurrency?: number;
  /** Whether results keep the items' order. Default true; otherwise each comes out as soon as it is there. */
  readonly ordered?: boolean;
}

/** The result of one item, once it is there. */
interface Result<R> {
  settled: boolean;
  value?: R;
  failure?: { readonly error: unknown };
}

/**
 * Maps every item through an asynchronous function; results keep the items' order, unless `ordered` is false. Window: `concurrency`:
 * so many items are pulled and not yet given out. The function gets the signal that ends the run and the item's number, from 0; an
 * item for which it gives `SKIP` has no result.
 *
 *     source:                              --a-b-c--------|
 *     mapAsync(f):                         -----A---B---C-|
 *     concurrency 3, ordered false:        -----B-A--C----|
 */
export function mapAsync<T, R>(
  f: (item: T, signal: AbortSignal, index: number) => Promise<R> | R,
  { concurrency = 1, ordered = true }: MapAsyncOptions = {},
): OperatorFunction<T, Exclude<R, typeof SKIP>> {
  checkWhole('concurrency', concurrency);
  return pullOperator(
    async function* (source, signal) {
      const iterator = source[Symbol.asyncIterator]();
      const results: Result<R>[] = []; // in the order in which they are given out
      let index = 0;
      let held = 0;
      let pulling = false;
      let ended = false;
      let failure: { readonly error: unknown } | null = null; // of the source; told when all results are out
      let wake = (): void => {};
      const start = async (item: T): Promise<void> => {
        const result: Result<R> = { settled: false };
        if (ordered) results.push(result);
        try {
          result.value = await f(item, signal, index++);
        } catch (error) {
          result.failure = { error };
        }
        result.settled = true;
        if (!ordered) results.push(result);
        wake();
      };
      const pull = async (): Promise<void> => {
        pulling = true;
        try {
          const next = await iterator.next();
          if (next.done) ended = true;
          else {
            held++;
            void start(next.value);
          }
        } catch (error) {
          ended = true;
          failure = { error };
        }
        pulling = false;
        wake();
      };
      const onAbort = (): void => wake();
      signal.addEventListener('abort', onAbort);
      try {
        while (!signal.aborted) {
          if (!ended && !pulling && held < concurrency) void pull();
          const first = results[0];
          if (first?.settled) {
            results.shift();
            held--;
            if (first.failure) throw first.failure.error;
            if (first.value !== SKIP) yield first.value as Exclude<R, typeof SKIP>;
          } else if (held === 0 && ended) break;
          else
            await new Promise<void>((resolve) => {
              wake = resolve;
            });
        }
        if (failure && !signal.aborted) throw (failure as { error: unknown }).error;
      } finally {
        signal.removeEventListener('abort', onAbort);
        if (!ended) await leave(iterator, pulling);
      }
    },
    { window: concurrency },
  );
}
