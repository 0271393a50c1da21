import type { Random } from '@rivulet/tensor';

/** A value with its number in the source, which errors name. */
export interface Item<T> {
  readonly index: number;
  readonly value: T;
}

export type Source<T> = readonly T[] | Iterable<T> | AsyncIterable<T> | (() => Iterable<T> | AsyncIterable<T>);

/** What went wrong with an item. */
export class DatasetError extends Error {
  /** The item's number in the source, from 0; of a batch, its number among the batches. */
  readonly index: number;

  constructor(index: number, message: string, options?: ErrorOptions) {
    super(`item ${index}: ${message}`, options);
    this.name = 'DatasetError';
    this.index = index;
  }

  /** An error with the item's number; one that has a number keeps it. */
  static of(index: number, error: unknown): DatasetError {
    if (error instanceof DatasetError) return error;
    return new DatasetError(index, error instanceof Error ? error.message : String(error), { cause: error });
  }
}

export async function* opened<T>(source: Source<T>): AsyncGenerator<Item<T>> {
  let index = 0;
  const values = typeof source === 'function' ? source() : source;
  try {
    for await (const value of values) yield { index: index++, value };
  } catch (error) {
    throw DatasetError.of(index, error);
  }
}

/** Items drawn from a buffer that is kept full; the whole stream where the buffer has no limit. */
export async function* shuffledInBuffer<T>(
  items: AsyncGenerator<Item<T>>,
  size: number,
  random: Random,
): AsyncGenerator<Item<T>> {
  const buffer: Item<T>[] = [];
  for await (const item of items) {
    if (buffer.length < size) {
      buffer.push(item);
      continue;
    }
    const at = Math.floor(random.nextFloat() * size);
    const drawn = buffer[at]!;
    buffer[at] = item;
    yield drawn;
  }
  yield* random.shuffle(buffer);
}

/** Works on up to `window` items at once; results come in the items' order, an error in its place among them. */
export async function* inOrder<T, U>(
  items: AsyncGenerator<Item<T>>,
  window: number,
  work: (item: Item<T>) => Promise<Item<U>>,
): AsyncGenerator<Item<U>> {
  const running: Promise<Item<U>>[] = [];
  const start = (result: Promise<Item<U>>): void => {
    result.catch(() => {}); // it is thrown when its turn comes
    running.push(result);
  };
  let ended = false;
  try {
    for (;;) {
      while (!ended && running.length < window) {
        try {
          const next = await items.next();
          if (next.done) ended = true;
          else start(work(next.value));
        } catch (error) {
          ended = true;
          start(Promise.reject(error));
        }
      }
      const first = running.shift();
      if (!first) return;
      yield await first;
    }
  } finally {
    await Promise.allSettled(running);
    await items.return(undefined);
  }
}

/** Asks for `count` items before they are wanted. */
export async function* prefetched<T>(items: AsyncGenerator<Item<T>>, count: number): AsyncGenerator<Item<T>> {
  const asked: Promise<IteratorResult<Item<T>>>[] = [];
  const ask = (): void => {
    const next = items.next();
    next.catch(() => {}); // it is thrown when its turn comes
    asked.push(next);
  };
  try {
    for (let i = 0; i < count; i++) ask();
    for (;;) {
      const next = await asked.shift()!;
      if (next.done) return;
      ask();
      yield next.value;
    }
  } finally {
    await items.return(undefined); // after what was asked for
  }
}
