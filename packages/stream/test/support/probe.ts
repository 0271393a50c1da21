import { fromPull, type PullObservable } from '../../src/index.ts';

/** Lets promises and timers that are due run; a number of turns, not a time. */
export async function turns(n = 10): Promise<void> {
  for (let i = 0; i < n; i++) await new Promise<void>((resolve) => setImmediate(resolve));
}

/** A source that counts what is pulled, against what the end of the chain has completed. */
export class Meter {
  pulled = 0;
  completed = 0;
  /** The largest pulled − completed that was seen. */
  most = 0;
  returned = 0;

  source<T>(items: Iterable<T>): PullObservable<T> {
    const meter = this;
    return fromPull(async function* () {
      try {
        for (const item of items) {
          meter.pulled++;
          meter.most = Math.max(meter.most, meter.pulled - meter.completed);
          yield item;
        }
      } finally {
        meter.returned++;
      }
    });
  }
}

/** 0, 1, 2, … without an end. */
export function* naturals(): Generator<number> {
  for (let i = 0; ; i++) yield i;
}

export async function failure(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    (value) => {
      throw new Error(`expected an error, got ${JSON.stringify(value)}`);
    },
    (error: unknown) => error,
  );
}

/** Resolves when the condition holds; gives up after many turns, so that the test fails where it is looked at. */
export async function until(holds: () => boolean): Promise<void> {
  for (let i = 0; i < 2000 && !holds(); i++) await new Promise((resolve) => setTimeout(resolve, i < 20 ? 0 : 2));
  if (!holds()) throw new Error(`it did not come to ${holds}`);
}
