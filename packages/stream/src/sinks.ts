import type { Observable, OperatorFunction } from 'rxjs';
import { fromPull, type PullObservable, pullOf, pullOperator } from './pull.ts';
import { mapItems } from './step.ts';

/**
 * Values of a web stream, read when they are asked for; unsubscribing cancels it. A stream can be read once.
 *
 *     stream:        --a--b--|
 *     fromReadable:  --a--b--|
 */
export function fromReadable<T>(stream: ReadableStream<T>): PullObservable<T> {
  return fromPull(async function* (signal) {
    const reader = stream.getReader();
    const cancel = (): void => void reader.cancel().catch(() => {});
    signal.addEventListener('abort', cancel);
    try {
      for (let next = await reader.read(); !next.done; next = await reader.read()) yield next.value;
    } finally {
      signal.removeEventListener('abort', cancel);
      cancel();
    }
  });
}

/** A web stream of an observable's values, which asks for one when it is read; cancelling it ends the run. */
export function toReadable<T>(source: Observable<T>): ReadableStream<T> {
  const controller = new AbortController();
  let iterator: AsyncIterator<T> | undefined;
  return new ReadableStream<T>(
    {
      async pull(stream) {
        iterator ??= pullOf(source)(controller.signal)[Symbol.asyncIterator]();
        const next = await iterator.next();
        if (next.done) stream.close();
        else stream.enqueue(next.value);
      },
      cancel() {
        controller.abort();
        iterator?.return?.()?.catch(() => {});
      },
    },
    { highWaterMark: 0 },
  );
}

/** An observable's values, asked for one by one; leaving the loop ends the run. */
export async function* toAsyncIterable<T>(source: Observable<T>): AsyncGenerator<T> {
  const controller = new AbortController();
  try {
    yield* pullOf(source)(controller.signal);
  } finally {
    controller.abort();
  }
}

/**
 * Writes every item to a web stream and gives it on; the next is asked for when the stream took it. At the end the stream is closed;
 * an error aborts it. Window: 1.
 *
 *     source:           --a--b--|
 *     intoWebWritable:  --a--b--|
 */
export function intoWebWritable<T>(stream: WritableStream<T>): OperatorFunction<T, T> {
  return pullOperator(async function* (source, signal) {
    const writer = stream.getWriter();
    let complete = false;
    try {
      for await (const item of source) {
        await writer.write(item);
        yield item;
      }
      complete = !signal.aborted;
      if (complete) await writer.close();
    } finally {
      if (!complete) await writer.abort().catch(() => {}); // it may have failed itself
      writer.releaseLock();
    }
  });
}

/**
 * Values as lines of JSON. Window: 1.
 *
 *     source:     --{a:1}----------|
 *     jsonLines:  --'{"a":1}\n'----|
 */
export function jsonLines<T>(): OperatorFunction<T, string> {
  return mapItems((item: T, index) => {
    const json = JSON.stringify(item) as string | undefined;
    if (json === undefined) throw new RangeError(`item ${index} (${typeof item}) has no form in JSON`);
    return `${json}\n`;
  });
}

/**
 * Values as Server-Sent Events with JSON data (https://html.spec.whatwg.org/#server-sent-events), numbered so that a reader can say
 * where it stopped. Window: 1.
 *
 *     source:            --{a:1}-----------------------|
 *     serverSentEvents:  --'id: 0\ndata: {"a":1}\n\n'--|
 */
export function serverSentEvents<T>({ event }: { event?: string } = {}): OperatorFunction<T, string> {
  if (event !== undefined && /[\r\n]/.test(event)) throw new RangeError('event must be a single line');
  const head = event === undefined ? '' : `event: ${event}\n`;
  return mapItems((item: T, index) => `id: ${index}\n${head}data: ${JSON.stringify(item) ?? 'null'}\n\n`);
}
