import type { OperatorFunction } from 'rxjs';
import { ItemError, type ItemErrorOptions, settleItemError } from './item-error.ts';
import { mapAsync } from './map-async.ts';
import { withFacts } from './operator-facts.ts';
import { SKIP, stepOperator } from './step.ts';

export interface SettledOptions extends ItemErrorOptions {
  /** How many items are in work at once, for models that take them together; results keep the order. Default 1. */
  readonly concurrency?: number;
}

/** `mapAsync` whose errors are `ItemError`s, told in the items' order; an item whose error `onItemError` takes is left out. */
export function mapSettled<T, R>(
  work: (item: T, index: number, signal: AbortSignal) => Promise<R>,
  textOf: (item: T) => string,
  { concurrency = 1, ...options }: SettledOptions,
): OperatorFunction<T, R> {
  type Settled = { readonly result: R } | { readonly error: ItemError };
  const attempt = mapAsync(
    (item: T, signal, index): Promise<Settled> =>
      work(item, index, signal).then(
        (result) => ({ result }),
        (error: unknown) => ({ error: new ItemError(index, textOf(item), error) }),
      ),
    { concurrency },
  ) as OperatorFunction<T, Settled>;
  const settle = stepOperator<Settled, R>(() => ({
    next(settled, signal) {
      if ('result' in settled) return settled.result;
      if (!signal.aborted) settleItemError(settled.error, options);
      return SKIP;
    },
  }));
  return withFacts((source) => settle(attempt(source)), { window: concurrency });
}

/** What an error says of its item: of bytes their number, since their text would be longer than they are. */
export const described = (input: unknown): string =>
  ArrayBuffer.isView(input) ? `${input.byteLength} bytes` : String(input);
