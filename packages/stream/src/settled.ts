import type { OperatorFunction } from 'rxjs';
import { ItemError, type ItemErrorOptions, settleItemError } from './item-error.ts';
import { mapAsync } from './map-async.ts';
import { SKIP } from './step.ts';

export interface SettledOptions extends ItemErrorOptions {
  /** How many items are in work at once, for models that take them together; results keep the order. Default 1. */
  readonly concurrency?: number;
}

/** `mapAsync` whose errors are `ItemError`s; an item whose error `onItemError` takes is left out. */
export function mapSettled<T, R>(
  work: (item: T, index: number) => Promise<R>,
  textOf: (item: T) => string,
  { concurrency = 1, ...options }: SettledOptions,
): OperatorFunction<T, R> {
  return mapAsync(
    async (item: T, signal, index): Promise<R | typeof SKIP> => {
      try {
        return await work(item, index);
      } catch (error) {
        if (!signal.aborted) settleItemError(new ItemError(index, textOf(item), error), options);
        return SKIP;
      }
    },
    { concurrency },
  ) as OperatorFunction<T, R>;
}

/** What an error says of its item: of bytes their number, since their text would be longer than they are. */
export const described = (input: unknown): string =>
  ArrayBuffer.isView(input) ? `${input.byteLength} bytes` : String(input);
