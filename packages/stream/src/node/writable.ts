import type { Writable } from 'node:stream';
import type { OperatorFunction } from 'rxjs';
import { checkDuration } from '../check.ts';
import { pullOperator } from '../pull.ts';
import { TimeoutError } from '../work.ts';

export interface IntoWritableOptions {
  /** Whether the stream is ended after the last item, and its end awaited. Default false. */
  readonly end?: boolean;
  /**
   * How long the stream may take nothing, ms; then the run fails with a `TimeoutError`, and a reader that never reads holds nothing
   * any longer. Default: no bound; it waits, holds one item and what the stream's own buffer holds, and asks the source for nothing.
   */
  readonly patience?: number;
}

/**
 * Writes every item to a Node stream and gives it on; the next is asked for when the stream wants more. Ends when the stream has
 * taken all of it: an error of the last write, such as ENOSPC or EPIPE, fails the run as well. After an error of the source, what
 * came before it is written. Window: 1.
 *
 *     source:          --a--b--|
 *     intoWritable:    --a--b--|
 */
export function intoWritable<T extends string | Uint8Array>(
  writable: Writable,
  { end = false, patience }: IntoWritableOptions = {},
): OperatorFunction<T, T> {
  if (patience !== undefined) checkDuration('patience', patience);
  return pullOperator(async function* (source, signal) {
    let unwritten = 0;
    let failure: { error: unknown } | null = null;
    let wake = (): void => {};
    const fail = (error: unknown): void => {
      failure ??= { error };
      wake();
    };
    const written = (error: Error | null | undefined): void => {
      unwritten--;
      if (error) fail(error);
      else wake();
    };
    const onClose = (): void => {
      if (!writable.writableFinished) fail(new Error('the writable stream was closed before the end'));
    };
    const onWake = (): void => wake();
    /** Waits until it holds, the stream fails, or nobody wants more. */
    const until = async (holds: () => boolean): Promise<void> => {
      for (let left = unwritten; !failure && !signal.aborted && !holds(); left = unwritten) {
        let timer: ReturnType<typeof setTimeout> | undefined;
        await new Promise<void>((resolve) => {
          wake = resolve;
          if (patience !== undefined)
            timer = setTimeout(() => {
              if (unwritten === left) fail(new TimeoutError(patience, 'the writable stream took nothing'));
              resolve();
            }, patience); // biome-ignore format: one thought
        });
        clearTimeout(timer);
      }
      if (failure) throw (failure as { error: unknown }).error;
    };
    writable.on('error', fail);
    writable.on('close', onClose);
    writable.on('drain', onWake);
    signal.addEventListener('abort', onWake);
    try {
      if (writable.destroyed) onClose();
      for await (const item of source) {
        await until(() => true);
        unwritten++;
        if (!writable.write(item, written)) await until(() => !writable.writableNeedDrain);
        if (signal.aborted) return;
        yield item;
      }
      await until(() => unwritten === 0);
      if (end && !signal.aborted) {
        let ended = false;
        writable.end(() => {
          ended = true;
          wake();
        });
        await until(() => ended);
      }
    } finally {
      signal.removeEventListener('abort', onWake);
      writable.off('drain', onWake);
      writable.off('close', onClose);
      // An error that is still on its way must find a listener, or it would end the process; a failed stream tells it last.
      if (unwritten === 0 && !failure) writable.off('error', fail);
    }
  });
}
