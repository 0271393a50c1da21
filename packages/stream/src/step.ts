import type { Observable, OperatorFunction } from 'rxjs';
import { turn, turnIsDue } from './event-loop.ts';
import { type OperatorFacts, withFacts } from './operator-facts.ts';
import { PullObservable, pullOf } from './pull.ts';

/** Given by a step instead of a value: the item has no result (yet). */
export const SKIP: unique symbol = Symbol('skip');

/** One run of a stage that gives at most one value for an item. */
export interface Step<T, R> {
  /** The item's result, or `SKIP`. */
  next(item: T, signal: AbortSignal): R | typeof SKIP | PromiseLike<R | typeof SKIP>;
  /** Called once after the last item: what the stage still holds, or `SKIP`. */
  end?(): R | typeof SKIP;
}

type MakeStep = () => Step<unknown, unknown>;

/** A chain of steps over one source, which runs in one loop: no promise per stage and item. */
class SteppedObservable<R> extends PullObservable<R> {
  readonly origin: Observable<unknown>;
  readonly steps: readonly MakeStep[];

  constructor(source: Observable<unknown>, steps: readonly MakeStep[]) {
    const items = source instanceof PullObservable ? source.items : null; // at hand: no need to wait for them
    const pull = pullOf(source);
    super((signal) => run(items ?? pull(signal), steps, signal) as AsyncIterable<R>);
    this.origin = source;
    this.steps = steps;
  }
}

/**
 * An operator of a step that every run makes anew. Neighbouring steps are run as one loop; an item passes all of them before the
 * next is asked for. Window: as `facts` say, 1 by default.
 *
 *     source:                       --a--b--c|
 *     stepOperator(x ≠ b ? x : SKIP): --a-----c|
 */
export function stepOperator<T, R>(
  make: () => Step<T, R>,
  facts: OperatorFacts<R> = { window: 1 },
): OperatorFunction<T, R> {
  const step = make as unknown as MakeStep;
  return withFacts(
    (source) =>
      source instanceof SteppedObservable
        ? new SteppedObservable<R>(source.origin, [...source.steps, step])
        : new SteppedObservable<R>(source, [step]),
    facts,
  );
}

async function* run(
  source: Iterable<unknown> | AsyncIterable<unknown>,
  makers: readonly MakeStep[],
  signal: AbortSignal,
): AsyncGenerator<unknown> {
  const steps = makers.map((make) => make());
  const iterator = Symbol.iterator in source ? source[Symbol.iterator]() : source[Symbol.asyncIterator]();
  const atOnce = Symbol.iterator in source;
  let ended = false;
  let failure: { error: unknown } | null = null; // of the source; told after what the steps still hold
  let aborted = signal.aborted; // the signal's own property costs more than the rest of the loop
  const onAbort = (): void => {
    aborted = true;
  };
  signal.addEventListener('abort', onAbort);
  try {
    while (true) {
      if (turnIsDue()) await turn();
      if (aborted) return;
      let result: IteratorResult<unknown>;
      try {
        const next = iterator.next();
        result = atOnce ? (next as IteratorResult<unknown>) : await next;
      } catch (error) {
        failure = { error };
        break;
      }
      if (result.done) break;
      let value = result.value;
      if (isPromise(value)) value = await value;
      for (let i = 0; i < steps.length && value !== SKIP; i++) {
        value = steps[i]!.next(value, signal);
        if (!isPromise(value)) continue;
        value = await value; // here, not in a function of its own: that would cost promises
        if (aborted) return;
      }
      if (aborted) return;
      if (value !== SKIP) yield value;
    }
    ended = true;
    for (const [i, step] of steps.entries()) {
      if (signal.aborted) return;
      let value: unknown = step.end?.() ?? SKIP;
      for (const after of steps.slice(i + 1)) {
        if (value === SKIP || signal.aborted) break;
        value = await after.next(value, signal);
      }
      if (value !== SKIP) yield value;
    }
    if (failure) throw failure.error;
  } finally {
    signal.removeEventListener('abort', onAbort);
    if (!ended) await iterator.return?.();
  }
}

function isPromise(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && typeof (value as PromiseLike<unknown>).then === 'function';
}

/**
 * Maps every item; the function may answer at once or later. Window: 1.
 *
 *     source:      --a--b--|
 *     mapItems(f): --A--B--|
 */
export function mapItems<T, R>(
  f: (item: T, index: number, signal: AbortSignal) => R | Promise<R>,
): OperatorFunction<T, R> {
  return stepOperator(() => {
    let index = 0;
    return { next: (item: T, signal) => f(item, index++, signal) };
  });
}

/**
 * Keeps the items for which the function says true, at once or later. Window: 1.
 *
 *     source:             --a--b--c--|
 *     filterItems(≠ b):   --a-----c--|
 */
export function filterItems<T>(keep: (item: T, index: number) => boolean | Promise<boolean>): OperatorFunction<T, T> {
  return stepOperator(() => {
    let index = 0;
    return {
      next(item: T) {
        const kept = keep(item, index++);
        if (typeof kept === 'boolean') return kept ? item : SKIP;
        return kept.then((yes) => (yes ? item : SKIP));
      },
    };
  });
}
