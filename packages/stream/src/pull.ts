import { Observable, type OperatorFunction } from 'rxjs';
import { turn, turnIsDue } from './event-loop.ts';
import { type OperatorFacts, withFacts } from './operator-facts.ts';

/** Starts a run of its own, which ends when the signal is aborted. */
export type Pull<T> = (signal: AbortSignal) => AsyncIterable<T>;

/**
 * An observable that can also be asked for its values one by one. Operators of this package compose pull to pull, so that demand
 * travels to the source by itself; the stream becomes push only where someone subscribes.
 */
export class PullObservable<T> extends Observable<T> {
  readonly pull: Pull<T>;
  /** What `pull` iterates, where all of it is at hand. */
  readonly items: Iterable<T> | null;

  constructor(pull: Pull<T>, items: Iterable<T> | null = null) {
    super((subscriber) => {
      const controller = new AbortController();
      const drain = async (): Promise<void> => {
        for await (const value of pull(controller.signal)) {
          if (!subscriber.closed) subscriber.next(value);
          if (turnIsDue()) await turn();
          if (subscriber.closed) return; // before anything more is asked for
        }
        subscriber.complete();
      };
      drain().catch((error: unknown) => subscriber.error(error));
      return () => controller.abort();
    });
    this.pull = pull;
    this.items = items;
  }
}

/**
 * An observable over a source that is pulled by demand: the next value is asked for only when the one before was taken.
 * Cold: every subscription calls `pull`; unsubscribing aborts its signal, also while a value is awaited.
 *
 *     from pull:  --a--b--c|
 */
export function fromPull<T>(pull: Pull<T>): PullObservable<T> {
  return new PullObservable((signal) => abortable(pull(signal), signal));
}

/** As `fromPull`, over anything that can be iterated; each subscription iterates anew. */
export function fromIterable<T>(items: Iterable<T> | AsyncIterable<T>): PullObservable<T> {
  const iterate = async function* (): AsyncGenerator<T> {
    yield* items;
  };
  return new PullObservable(
    (signal) => abortable(iterate(), signal),
    Symbol.iterator in items ? items : null, // an async one may keep us waiting
  );
}

/**
 * An operator that works on the pull side. Its source gets one as well, if need be by queueing what is pushed.
 * `facts` say how many items it may hold, and what `Sight` counts. Window: as `facts` say, 1 by default.
 *
 *     source:                  --a--b--c|
 *     pullOperator(identity):  --a--b--c|
 */
export function pullOperator<T, R>(
  transform: (source: AsyncIterable<T>, signal: AbortSignal) => AsyncIterable<R>,
  facts: OperatorFacts<R> = { window: 1 },
): OperatorFunction<T, R> {
  return withFacts((source) => {
    const pull = pullOf(source);
    return new PullObservable((signal) => transform(pull(signal), signal));
  }, facts);
}

/**
 * Whether demand reaches the source of a stream: it is `pulled` by this package's operators, its demand is `hidden` behind a plain
 * rxjs operator that should be given to `lift`, or the source is of another kind and has always `pushed`.
 */
export function demandOf(stream: Observable<unknown>): 'pulled' | 'hidden' | 'pushed' {
  if (stream instanceof PullObservable) return 'pulled';
  for (let { source } = stream; source; source = source.source) if (source instanceof PullObservable) return 'hidden';
  return 'pushed';
}

/** The source's pull side; of a plain observable, one that queues. */
export function pullOf<T>(source: Observable<T>): Pull<T> {
  return source instanceof PullObservable ? source.pull : (signal) => queued(source, signal);
}

/** Ends the iteration as soon as the signal is aborted, even while a value is awaited. */
export function abortable<T>(source: AsyncIterable<T>, signal: AbortSignal): AsyncIterable<T> {
  return {
    [Symbol.asyncIterator]() {
      const iterator = source[Symbol.asyncIterator]();
      const end = (): IteratorResult<T> => ({ done: true, value: undefined });
      const stop = (): void => {
        // The source may be stuck in a read that never ends; its clean-up must not hold up ours.
        iterator.return?.()?.catch(() => {});
      };
      const waiting = new Set<(result: IteratorResult<T>) => void>();
      const onAbort = (): void => {
        for (const release of waiting) release(end());
        waiting.clear();
        stop();
      };
      const ask = (resolve: (result: IteratorResult<T>) => void, reject: (error: unknown) => void): void => {
        iterator.next().then(
          (result) => {
            waiting.delete(resolve);
            if (result.done) signal.removeEventListener('abort', onAbort);
            resolve(result);
          },
          (error: unknown) => {
            waiting.delete(resolve);
            signal.removeEventListener('abort', onAbort);
            reject(error);
          },
        );
      };
      // One listener for the run: adding and removing one for every value costs more than the value.
      signal.addEventListener('abort', onAbort, { once: true });
      return {
        next() {
          if (signal.aborted) {
            stop();
            return Promise.resolve(end());
          }
          return new Promise((resolve, reject) => {
            waiting.add(resolve);
            if (!turnIsDue()) ask(resolve, reject);
            else void turn().then(() => signal.aborted || ask(resolve, reject)); // once aborted, it is released already
          });
        },
        async return() {
          signal.removeEventListener('abort', onAbort);
          if (signal.aborted) stop();
          else await iterator.return?.();
          return end();
        },
      };
    },
  };
}

/**
 * Leaves a source before its end. While a value is `awaited`, which may never come, the source's clean-up queues behind it; whoever
 * waits for an error or the end must not.
 */
export async function leave(iterator: AsyncIterator<unknown>, awaited: boolean): Promise<void> {
  const returned = iterator.return?.();
  if (awaited) returned?.catch(() => {});
  else await returned;
}

/** A queue longer than this is worth a word in development. */
const QUEUE_WARNING = 1000;
let warned = false;

/** Values pushed by a plain observable, queued until they are asked for: nothing is lost, and nothing holds the source back. */
async function* queued<T>(source: Observable<T>, signal: AbortSignal): AsyncGenerator<T> {
  let queue: T[] = [];
  let state: { done: boolean; error?: unknown } = { done: false };
  let wake = (): void => {};
  const subscription = source.subscribe({
    next: (value) => {
      queue.push(value);
      if (queue.length === QUEUE_WARNING) warnAboutDemand(source);
      wake();
    },
    error: (error: unknown) => {
      state = { done: true, error };
      wake();
    },
    complete: () => {
      state = { done: true };
      wake();
    },
  });
  const onAbort = (): void => wake();
  signal.addEventListener('abort', onAbort);
  try {
    while (!signal.aborted) {
      if (queue.length > 0) {
        const waiting = queue; // taken as a whole: shifting a long array costs its length each time
        queue = [];
        for (const value of waiting) {
          yield value;
          if (signal.aborted) return;
          if (turnIsDue()) await turn();
        }
      } else if ('error' in state) throw state.error;
      else if (state.done) return;
      else
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
    }
  } finally {
    signal.removeEventListener('abort', onAbort);
    subscription.unsubscribe();
  }
}

function warnAboutDemand(source: Observable<unknown>): void {
  const runtime = globalThis.process; // browsers have none
  if (warned || !runtime?.emitWarning || runtime.env.NODE_ENV === 'production') return;
  warned = true;
  const reason =
    demandOf(source) === 'hidden'
      ? 'a plain rxjs operator hides that its source could be asked. Wrap it in lift(…).'
      : 'its source pushes without being asked. Start from fromIterable(…), fromPull(…) or lines(…) where that is possible.';
  runtime.emitWarning(`${QUEUE_WARNING} values wait in front of an operator of @rivulet/stream: ${reason}`);
}
