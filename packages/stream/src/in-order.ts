import { leave } from './pull.ts';

/** Events of an item that were made before their turn. */
interface Started<R> {
  readonly events: R[];
  readonly controller: AbortController;
  ended: boolean;
  failure?: { readonly error: unknown };
}

/**
 * Runs up to `concurrency` items at once; what they give comes out item after item. An item runs ahead of those before it, so
 * its events wait here: `run` must end by itself. When one fails, or nobody wants more, `signal` of the others is aborted.
 */
export async function* inOrder<T, R>(
  source: AsyncIterable<T>,
  concurrency: number,
  signal: AbortSignal,
  run: (item: T, signal: AbortSignal) => AsyncIterable<R>,
): AsyncGenerator<R> {
  const iterator = source[Symbol.asyncIterator]();
  const started: Started<R>[] = [];
  const stop = (): void => {
    for (const { controller } of started) controller.abort(signal.reason);
  };
  signal.addEventListener('abort', stop);
  let wake = (): void => {};
  let pulling = false;
  let ended = false;

  const start = async (item: T): Promise<void> => {
    const each: Started<R> = { events: [], controller: new AbortController(), ended: false };
    started.push(each);
    try {
      for await (const event of run(item, each.controller.signal)) {
        each.events.push(event);
        wake();
      }
    } catch (error) {
      each.failure = { error };
    }
    each.ended = true;
    wake();
  };
  const pull = async (): Promise<void> => {
    pulling = true;
    try {
      const { done, value } = await iterator.next();
      if (done) ended = true;
      else void start(value);
    } catch (error) {
      ended = true;
      started.push({ events: [], controller: new AbortController(), ended: true, failure: { error } });
    }
    pulling = false;
    wake();
  };

  try {
    while (!signal.aborted) {
      if (!ended && !pulling && started.length < concurrency) void pull();
      const first = started[0];
      if (first && first.events.length > 0) yield* first.events.splice(0);
      else if (first?.failure) throw first.failure.error;
      else if (first?.ended) started.shift();
      else if (!first && ended) return;
      else
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
    }
  } finally {
    signal.removeEventListener('abort', stop);
    stop();
    if (!ended) await leave(iterator, pulling);
  }
}
