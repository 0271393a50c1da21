import { type OperatorFunction, Subject } from 'rxjs';
import { checkDuration, checkWhole } from './check.ts';
import { type MapAsyncOptions, mapAsync } from './map-async.ts';
import { leave, pullOperator } from './pull.ts';
import { mapItems, SKIP, stepOperator } from './step.ts';
import { delay, TimeoutError, type Work } from './work.ts';

/**
 * At most `count` items in any `per` ms; later ones wait. Window: 1.
 *
 *     source:                 (abc)|
 *     rateLimit, 1 per 3 ms:  a--b--c|
 */
export function rateLimit<T>({ count, per }: { count: number; per: number }): OperatorFunction<T, T> {
  checkWhole('count', count);
  checkDuration('per', per);
  return stepOperator(() => {
    const times: number[] = []; // of the last `count` items
    return {
      async next(item: T, signal) {
        const earliest = times.length < count ? 0 : times.shift()! + per;
        for (let ms = earliest - performance.now(); ms > 0; ms = earliest - performance.now()) {
          await delay(Math.ceil(ms), signal).catch(() => {});
          if (signal.aborted) return SKIP;
        }
        times.push(performance.now());
        return item;
      },
    };
  });
}

/** An item that failed. */
export interface DeadLetter<T> {
  readonly index: number;
  readonly item: T;
  readonly error: unknown;
}

/**
 * Maps every item; one whose work fails goes to `deadLetters` with its error, the rest goes on. Window: `concurrency`. The observer
 * is called as soon as the work has failed.
 *
 *     source:       --a--b--c--|
 *     mapOrBury(f): --A-----C--|
 *     deadLetters:  -----b-----
 */
export function mapOrBury<T, R>(
  work: Work<T, R>,
  deadLetters: { next(letter: DeadLetter<T>): void },
  options: MapAsyncOptions = {},
): OperatorFunction<T, R> {
  const settle = async (item: T, signal: AbortSignal, index: number): Promise<R | typeof SKIP> => {
    try {
      return await work(item, signal);
    } catch (error) {
      if (!signal.aborted) deadLetters.next({ index, item, error });
      return SKIP;
    }
  };
  return mapAsync(settle, options) as OperatorFunction<T, R>;
}

/**
 * Fails with a `TimeoutError` where the next item does not come within `ms` of being asked for. Window: 1.
 *
 *     source:            --a-----------b--|
 *     expectWithin(5):   --a----#
 */
export function expectWithin<T>(ms: number): OperatorFunction<T, T> {
  checkDuration('ms', ms);
  return pullOperator(async function* (source) {
    const iterator = source[Symbol.asyncIterator]();
    let state = 'open' as 'open' | 'late' | 'ended';
    const next = (): Promise<IteratorResult<T>> =>
      new Promise((resolve, reject) => {
        const timer = setTimeout(() => {
          state = 'late';
          reject(new TimeoutError(ms));
        }, ms);
        iterator.next().then(resolve, (error: unknown) => {
          if (state !== 'late') state = 'ended';
          reject(error);
        }).finally(() => clearTimeout(timer)); // biome-ignore format: one thought
      });
    try {
      for (let result = await next(); !result.done; result = await next()) yield result.value;
      state = 'ended';
    } finally {
      if (state !== 'ended') await leave(iterator, state === 'late');
    }
  });
}

/** Holds pipelines back while it is paused. */
export class Gate {
  #open = true;
  readonly #opened = new Subject<void>();

  get paused(): boolean {
    return !this.#open;
  }

  pause(): void {
    this.#open = false;
  }

  resume(): void {
    this.#open = true;
    this.#opened.next();
  }

  /** Resolves when the gate is open or the signal aborted. */
  async passage(signal: AbortSignal): Promise<void> {
    while (!this.#open && !signal.aborted)
      await new Promise<void>((resolve) => {
        const subscription = this.#opened.subscribe(() => done());
        const done = (): void => {
          subscription.unsubscribe();
          signal.removeEventListener('abort', done);
          resolve();
        };
        signal.addEventListener('abort', done, { once: true });
      });
  }
}

/**
 * Lets items through while the gate is open. Window: 1.
 *
 *     source:    --a--b-------c--|
 *     paused:    ----[------]----
 *     through:   --a--------b-c--|
 */
export function through<T>(gate: Gate): OperatorFunction<T, T> {
  return mapItems(async (item: T, _index, signal) => {
    await gate.passage(signal);
    return item;
  });
}
