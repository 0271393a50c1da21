import { once } from 'node:events';
import type { Writable } from 'node:stream';
import type { OperatorFunction } from 'rxjs';
import { pullOperator } from '../pull.ts';

/**
 * Writes every item to a Node stream and gives it on; the next is asked for when the stream wants more. The stream is not ended.
 * Window: 1.
 *
 *     source:          --a--b--|
 *     intoWritable:    --a--b--|
 */
export function intoWritable<T extends string | Uint8Array>(writable: Writable): OperatorFunction<T, T> {
  return pullOperator(async function* (source, signal) {
    let failure: { error: unknown } | null = null;
    const onError = (error: unknown): void => {
      failure = { error };
    };
    writable.on('error', onError);
    try {
      for await (const item of source) {
        if (!failure && writable.destroyed) throw new Error('the writable stream was closed before the end');
        if (!failure && !writable.write(item)) {
          const closed = new AbortController();
          const stop = (): void => closed.abort();
          writable.once('close', stop);
          const ends = AbortSignal.any([signal, closed.signal]);
          await once(writable, 'drain', { signal: ends }).catch(() => {}); // the reason is looked at below
          writable.off('close', stop);
        }
        if (failure) throw (failure as { error: unknown }).error;
        if (signal.aborted) return;
        yield item;
      }
    } finally {
      writable.off('error', onError);
    }
  });
}
