import { seeded } from '@rivulet/tensor';
import { DatasetError, type Item, inOrder, opened, prefetched, type Source, shuffledInBuffer } from './stages.ts';
import { inWorkers, type WorkerOptions } from './worker-map.ts';

export interface ShuffleOptions {
  readonly seed: number;
  /** Every epoch has an order of its own. Default 0. */
  readonly epoch?: number;
  /** Draws from so many items at a time, for streams that are too long to hold. Default: from all. */
  readonly buffer?: number;
}

export interface MapOptions {
  /** How many items may be worked on at once; the order stays. Default 1. */
  readonly concurrency?: number;
}

export interface BatchOptions {
  /** Leaves out a last batch that is not full. Default false. */
  readonly dropLast?: boolean;
}

/**
 * A lazy stream of items: nothing happens until it is iterated, and then only as fast as items are taken. Every iteration
 * starts anew; the same seed gives the same items in the same order. Leaving a loop ends all stages. An error that an item
 * causes is a `DatasetError` with that item's number in the source.
 */
export class Dataset<T> implements AsyncIterable<T> {
  /** How many items there are, where it is known. */
  readonly size: number | null;
  readonly #open: () => AsyncGenerator<Item<T>>;

  constructor(open: () => AsyncGenerator<Item<T>>, size: number | null) {
    this.#open = open;
    this.size = size;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<T> {
    for await (const { value } of this.#open()) yield value;
  }

  /** Another order, by seed and epoch. */
  shuffle({ seed, epoch = 0, buffer }: ShuffleOptions): Dataset<T> {
    if (buffer !== undefined) want('shuffle', 'buffer', buffer);
    const source = this.#open;
    return new Dataset(
      () => shuffledInBuffer(source(), buffer ?? Number.POSITIVE_INFINITY, seeded(seed, epoch + 1)),
      this.size,
    );
  }

  /** Another value for every item; `index` is its number in the source. */
  map<U>(fn: (value: T, index: number) => U | Promise<U>, { concurrency = 1 }: MapOptions = {}): Dataset<U> {
    want('map', 'concurrency', concurrency);
    const source = this.#open;
    const apply = async ({ index, value }: Item<T>): Promise<Item<U>> => {
      try {
        return { index, value: await fn(value, index) };
      } catch (error) {
        throw DatasetError.of(index, error);
      }
    };
    return new Dataset(() => inOrder(source(), concurrency, apply), this.size);
  }

  /**
   * As `map`, in threads: `module` exports the function (as `default`, unless `name` says otherwise), which gets an item and its
   * index. Items and results are copied between threads.
   */
  mapInWorkers<U>(module: URL, options: WorkerOptions = {}): Dataset<U> {
    const { workers = 1, window = 2 * workers } = options;
    want('mapInWorkers', 'workers', workers);
    want('mapInWorkers', 'window', window);
    const source = this.#open;
    return new Dataset(() => inWorkers<T, U>(source(), module, { ...options, workers, window }), this.size);
  }

  /** The items that pass a test. */
  filter(test: (value: T, index: number) => boolean | Promise<boolean>): Dataset<T> {
    const source = this.#open;
    return new Dataset(async function* () {
      for await (const item of source()) {
        const passed = await Promise.resolve(item)
          .then(({ value, index }) => test(value, index))
          .catch((error: unknown) => {
            throw DatasetError.of(item.index, error);
          });
        if (passed) yield item;
      }
    }, null);
  }

  /** Lists of `count` items; the last one may be shorter. Batches are numbered anew. */
  batch(count: number, { dropLast = false }: BatchOptions = {}): Dataset<T[]> {
    want('batch', 'count', count);
    const source = this.#open;
    const size = this.size === null ? null : dropLast ? Math.floor(this.size / count) : Math.ceil(this.size / count);
    return new Dataset(async function* () {
      let [index, values]: [number, T[]] = [0, []];
      for await (const { value } of source()) {
        values.push(value);
        if (values.length < count) continue;
        yield { index: index++, value: values };
        values = [];
      }
      if (values.length > 0 && !dropLast) yield { index, value: values };
    }, size);
  }

  /** Leaves out the first items: what a resumed run has done. They are still read. */
  skip(count: number): Dataset<T> {
    want('skip', 'count', count, 0);
    const source = this.#open;
    const size = this.size === null ? null : Math.max(0, this.size - count);
    return new Dataset(async function* () {
      let left = count;
      for await (const item of source()) if (left-- <= 0) yield item;
    }, size);
  }

  /** The first items alone. */
  take(count: number): Dataset<T> {
    want('take', 'count', count, 0);
    const source = this.#open;
    const size = this.size === null ? null : Math.min(this.size, count);
    return new Dataset(async function* () {
      if (count === 0) return;
      let taken = 0;
      for await (const item of source()) {
        yield item;
        if (++taken === count) return;
      }
    }, size);
  }

  /** Keeps up to `count` items ready while the ones before are used. */
  prefetch(count: number): Dataset<T> {
    want('prefetch', 'count', count);
    const source = this.#open;
    return new Dataset(() => prefetched(source(), count), this.size);
  }
}

/**
 * A stream of the items of a list, of an iterable, or of what a function opens for every iteration.
 * `dataset(files).shuffle({ seed: 1, epoch }).map(decode, { concurrency: 4 }).batch(32).prefetch(2)`
 */
export function dataset<T>(source: Source<T>): Dataset<T> {
  return new Dataset(() => opened(source), Array.isArray(source) ? source.length : null);
}

function want(stage: string, option: string, value: number, least = 1): void {
  if (!Number.isInteger(value) || value < least)
    throw new RangeError(`${stage}: ${option} must be an integer of ${least} or more, got ${value}`);
}
