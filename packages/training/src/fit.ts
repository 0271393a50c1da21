import type { Feeds, InputSpecs } from '@rivulet/tensor';
import { Observable } from 'rxjs';
import type { StepResult, Trainer } from './trainer.ts';

/** A position in a run: the batch to do next. */
export interface Position {
  readonly epoch: number;
  /** Batches of this epoch that are done. */
  readonly batch: number;
  /** The losses of this epoch's steps so far, where there are any: a resumed epoch reports the mean of all. */
  readonly losses?: { readonly sum: number; readonly count: number };
}

export interface Batch<I extends InputSpecs> {
  readonly feeds: Feeds<I>;
  /** What progress counts: tokens or examples. */
  readonly items: number;
}

export interface FitOptions<I extends InputSpecs> {
  /** The batches of an epoch (from 0), always the same for the same epoch: resuming skips the ones that are done. */
  readonly batches: (epoch: number) => Iterable<Batch<I>> | AsyncIterable<Batch<I>>;
  /** How many batches an epoch has, for progress. */
  readonly batchCount: (epoch: number) => number;
  readonly epochs: number;
  /** Batches of one step, whose gradients are averaged; an epoch's last step takes what is left. Default 1. */
  readonly accumulate?: number;
  /** Figures to report after an epoch, such as a validation loss. */
  readonly evaluate?: (epoch: number) => Promise<Record<string, number>>;
  /** Where to go on. Default: at the start. */
  readonly from?: Position;
  /** Aborting ends the run after the step in progress, or while it waits for data, with `run-end`. */
  readonly signal?: AbortSignal;
}

interface Event {
  /** What comes next: a checkpoint made now continues here. */
  readonly position: Position;
  /** Steps done since the training began, earlier runs included. */
  readonly step: number;
  /** The run goes on only when the promise has settled; its rejection is the run's error. */
  waitUntil(work: Promise<unknown>): void;
  /** Ends the run after this event, with `run-end`. */
  stop(): void;
}

export type TrainingEvent =
  | ({ readonly type: 'run-start'; readonly epochs: number; readonly stepsPerEpoch: number } & Event)
  | ({ readonly type: 'step-end'; readonly items: number; readonly seconds: number } & StepResult & Event)
  | ({
      readonly type: 'epoch-end';
      readonly epoch: number;
      readonly loss: number;
      readonly metrics: Record<string, number>;
    } & Event)
  | ({ readonly type: 'run-end'; readonly reason: 'done' | 'stopped' } & Event);

/**
 * Trains. Cold: subscribing starts the run, unsubscribing ends it after the step in progress. Events arrive in order, and
 * the next step waits for what their receivers passed to `waitUntil`.
 * @throws RangeError unless `accumulate` is an integer of 1 or more.
 */
export function fit<I extends InputSpecs>(trainer: Trainer<I>, options: FitOptions<I>): Observable<TrainingEvent> {
  const { accumulate = 1 } = options;
  if (!Number.isInteger(accumulate) || accumulate < 1)
    throw new RangeError(`fit: accumulate must be an integer of 1 or more, got ${accumulate}`);
  return new Observable((subscriber) => {
    const left = new AbortController();
    const pump = async (): Promise<void> => {
      const run = events(trainer, options, left.signal);
      for await (const { event, settled } of run) {
        subscriber.next(event);
        await settled();
      }
      subscriber.complete();
    };
    pump().catch((error: unknown) => subscriber.error(error));
    return () => left.abort();
  });
}

interface Delivery {
  readonly event: TrainingEvent;
  readonly settled: () => Promise<unknown>;
}

async function* events<I extends InputSpecs>(
  trainer: Trainer<I>,
  { batches, batchCount, epochs, accumulate = 1, evaluate, from = { epoch: 0, batch: 0 }, signal }: FitOptions<I>,
  left: AbortSignal,
): AsyncGenerator<Delivery> {
  const asked = new AbortController();
  const end = AbortSignal.any([left, asked.signal, ...(signal ? [signal] : [])]);
  const stopped = (): boolean => end.aborted;
  let position = from;
  const deliver = (body: DistributiveOmit<TrainingEvent, keyof Event>): Delivery => {
    const work: Promise<unknown>[] = [];
    const event = {
      ...body,
      position,
      step: trainer.step,
      waitUntil: (promise: Promise<unknown>) => work.push(promise),
      stop: () => asked.abort(),
    };
    return { event: event as unknown as TrainingEvent, settled: () => Promise.all(work) };
  };

  const stepsPerEpoch = Math.ceil(batchCount(position.epoch) / accumulate);
  yield deliver({ type: 'run-start', epochs, stepsPerEpoch });
  while (position.epoch < epochs && !stopped()) {
    const { epoch, batch: skip } = position;
    await new Promise((resolve) => setImmediate(resolve)); // ordering the data takes its time: let the event loop run first
    const losses = { sum: 0, count: 0, ...position.losses };
    let index = skip;
    for await (const group of groups(batches(epoch), skip, accumulate, end)) {
      const begin = performance.now();
      const result = await trainer.train(...group.map(({ feeds }) => feeds));
      losses.sum += result.loss;
      losses.count++;
      index += group.length;
      position = { epoch, batch: index, losses: { ...losses } };
      const items = group.reduce((n, batch) => n + batch.items, 0);
      yield deliver({ type: 'step-end', items, seconds: (performance.now() - begin) / 1000, ...result });
      if (stopped()) break;
    }
    if (stopped() && index < batchCount(epoch)) break;
    position = { epoch: epoch + 1, batch: 0 };
    const metrics = (await evaluate?.(epoch)) ?? {};
    yield deliver({ type: 'epoch-end', epoch, loss: losses.sum / Math.max(1, losses.count), metrics });
  }
  yield deliver({ type: 'run-end', reason: position.epoch < epochs ? 'stopped' : 'done' });
}

/** So many batches at a time, the first ones left out. Ends when `end` aborts, also while it waits for data. */
async function* groups<B>(
  batches: Iterable<B> | AsyncIterable<B>,
  skip: number,
  size: number,
  end: AbortSignal,
): AsyncGenerator<B[]> {
  const iterator = Symbol.asyncIterator in batches ? batches[Symbol.asyncIterator]() : batches[Symbol.iterator]();
  let group: B[] = [];
  let index = 0;
  try {
    for (;;) {
      const next = await unless(end, iterator.next());
      if (!next) return;
      if (next.done) break;
      if (index++ < skip) continue;
      group.push(next.value);
      if (group.length < size) continue;
      yield group;
      group = [];
    }
    if (group.length > 0) yield group;
  } finally {
    const closing = Promise.resolve(iterator.return?.());
    closing.catch(() => {}); // with the run over, no one is left to tell
    if (!end.aborted) await closing; // a source that is stuck does not close either
  }
}

/** What is waited for; null as soon as the signal aborts. */
function unless<T>(end: AbortSignal, value: T | Promise<T>): T | Promise<T | null> {
  if (!(value instanceof Promise)) return value;
  return new Promise((resolve, reject) => {
    const stop = (): void => resolve(null);
    if (end.aborted) stop();
    end.addEventListener('abort', stop, { once: true });
    value.then(resolve, reject).finally(() => end.removeEventListener('abort', stop));
  });
}

type DistributiveOmit<T, K extends PropertyKey> = T extends unknown ? Omit<T, K> : never;
