import type { Feeds, InputSpecs } from '@rivulet/tensor';
import { Observable } from 'rxjs';
import type { StepResult, Trainer } from './trainer.ts';

/** A position in a run: the batch to do next. */
export interface Position {
  readonly epoch: number;
  /** Batches of this epoch that are done. */
  readonly batch: number;
}

export interface Batch<I extends InputSpecs> {
  readonly feeds: Feeds<I>;
  /** What progress counts: tokens or examples. */
  readonly items: number;
}

export interface FitOptions<I extends InputSpecs> {
  /** The batches of an epoch (from 0), always the same for the same epoch: resuming skips the ones that are done. */
  readonly batches: (epoch: number) => Iterable<Batch<I>>;
  /** How many batches an epoch has, for progress. */
  readonly batchCount: (epoch: number) => number;
  readonly epochs: number;
  /** Figures to report after an epoch, such as a validation loss. */
  readonly evaluate?: (epoch: number) => Promise<Record<string, number>>;
  /** Where to go on. Default: at the start. */
  readonly from?: Position;
  /** Aborting ends the run after the step in progress, with `run-end`. */
  readonly signal?: AbortSignal;
}

interface Event {
  /** What comes next: a checkpoint made now continues here. */
  readonly position: Position;
  /** Steps done since the training began, earlier runs included. */
  readonly step: number;
  /** The run goes on only when the promise has settled; its rejection is the run's error. */
  waitUntil(work: Promise<unknown>): void;
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
 */
export function fit<I extends InputSpecs>(trainer: Trainer<I>, options: FitOptions<I>): Observable<TrainingEvent> {
  return new Observable((subscriber) => {
    const pump = async (): Promise<void> => {
      const run = events(trainer, options, () => subscriber.closed);
      for await (const { event, settled } of run) {
        subscriber.next(event);
        await settled();
      }
      subscriber.complete();
    };
    pump().catch((error: unknown) => subscriber.error(error));
  });
}

interface Delivery {
  readonly event: TrainingEvent;
  readonly settled: () => Promise<unknown>;
}

async function* events<I extends InputSpecs>(
  trainer: Trainer<I>,
  { batches, batchCount, epochs, evaluate, from = { epoch: 0, batch: 0 }, signal }: FitOptions<I>,
  closed: () => boolean,
): AsyncGenerator<Delivery> {
  const stopped = (): boolean => signal?.aborted === true || closed();
  let position = from;
  const deliver = (body: DistributiveOmit<TrainingEvent, keyof Event>): Delivery => {
    const work: Promise<unknown>[] = [];
    const event = {
      ...body,
      position,
      step: trainer.step,
      waitUntil: (promise: Promise<unknown>) => work.push(promise),
    };
    return { event: event as unknown as TrainingEvent, settled: () => Promise.all(work) };
  };

  yield deliver({ type: 'run-start', epochs, stepsPerEpoch: batchCount(position.epoch) });
  while (position.epoch < epochs && !stopped()) {
    const { epoch, batch: skip } = position;
    await new Promise((resolve) => setImmediate(resolve)); // ordering the data takes its time: let the event loop run first
    const losses = { sum: 0, count: 0 };
    let index = 0;
    for (const { feeds, items } of batches(epoch)) {
      if (index++ < skip) continue;
      const begin = performance.now();
      const result = await trainer.train(feeds);
      losses.sum += result.loss;
      losses.count++;
      position = { epoch, batch: index };
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

type DistributiveOmit<T, K extends PropertyKey> = T extends unknown ? Omit<T, K> : never;
