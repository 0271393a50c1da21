import { type OperatorFunction, Subject } from 'rxjs';
import { pullOperator } from './pull.ts';

/**
 * Keeps demand flowing through a plain rxjs operator: an item is pulled only when what the one before gave was taken. For
 * operators that answer at once (map, filter, scan, bufferCount, …); one that answers later gives what it has when it is asked
 * next, and all of the rest at the end. Window: 1.
 *
 *     source:             --a----b----c--|
 *     lift(filter(≠ b)):  --a---------c--|
 */
export function lift<T, R>(operator: OperatorFunction<T, R>): OperatorFunction<T, R> {
  return pullOperator(async function* (source, signal) {
    const input = new Subject<T>();
    const outputs: R[] = [];
    let ended = false;
    let failure: { error: unknown } | undefined;
    let wake = (): void => {};
    const finish = (): void => {
      ended = true;
      wake();
    };
    const subscription = operator(input).subscribe({
      next: (value) => outputs.push(value),
      error: (error: unknown) => {
        failure = { error };
        finish();
      },
      complete: finish,
    });
    const onAbort = (): void => {
      subscription.unsubscribe(); // at once: the operator may have timers or requests of its own
      finish();
    };
    signal.addEventListener('abort', onAbort);
    try {
      try {
        for await (const item of source) {
          input.next(item);
          yield* outputs.splice(0);
          if (ended) break; // such as take(n)
        }
        input.complete();
      } catch (error) {
        input.error(error); // the operator may handle it, as catchError does
      }
      if (!ended)
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      yield* outputs.splice(0);
      if (failure) throw failure.error;
    } finally {
      signal.removeEventListener('abort', onAbort);
      subscription.unsubscribe();
    }
  });
}
