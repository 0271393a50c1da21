import type { Observable, OperatorFunction } from 'rxjs';
import { checkWhole } from './check.ts';
import { fromPull, type PullObservable, pullOf, pullOperator } from './pull.ts';
import { mapItems } from './step.ts';

/** What `fromReadable` needs of a Node stream. */
export type NodeReadable<T> = AsyncIterable<T> & { destroy(): unknown };

/**
 * Values of a web or Node stream, read when they are asked for; unsubscribing cancels or destroys it. A stream can be read once.
 *
 *     stream:        --a--b--|
 *     fromReadable:  --a--b--|
 */
export function fromReadable<T>(stream: ReadableStream<T> | NodeReadable<T>): PullObservable<T> {
  return fromPull(async function* (signal) {
    const reader = 'getReader' in stream ? stream.getReader() : null;
    const cancel = (): void => {
      if (reader) void reader.cancel().catch(() => {});
      else (stream as NodeReadable<T>).destroy(); // its iterator would wait for the read to end
    };
    signal.addEventListener('abort', cancel);
    try {
      if (!reader) yield* stream as NodeReadable<T>;
      else for (let next = await reader.read(); !next.done; next = await reader.read()) yield next.value;
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
 * Values as lines of JSON. Window: 1. A value without a form in JSON fails the stream with an error that says which.
 *
 *     source:     --{a:1}----------|
 *     jsonLines:  --'{"a":1}\n'----|
 */
export function jsonLines<T>(): OperatorFunction<T, string> {
  return mapItems((item: T, index) => `${json(item, index)}\n`);
}

export interface ServerSentEventsOptions {
  /** The events' name. Default: none, which readers take as `message`. */
  readonly event?: string;
  /** How long a reader should wait before it connects anew, ms; told with the first event. Default: as the reader chooses. */
  readonly retry?: number;
  /** The number of the first event, where a reader goes on behind the one it saw last. Default 0. */
  readonly firstId?: number;
}

/**
 * Values as Server-Sent Events with JSON data (https://html.spec.whatwg.org/#server-sent-events), numbered so that a reader can say
 * where it stopped. Window: 1.
 *
 *     source:            --{a:1}-----------------------|
 *     serverSentEvents:  --'id: 0\ndata: {"a":1}\n\n'--|
 */
export function serverSentEvents<T>({
  event,
  retry,
  firstId = 0,
}: ServerSentEventsOptions = {}): OperatorFunction<T, string> {
  if (event !== undefined && /[\r\n]/.test(event)) throw new RangeError('event must be a single line');
  if (retry !== undefined) checkWhole('retry', retry, 0);
  checkWhole('firstId', firstId, 0);
  const head = event === undefined ? '' : `event: ${event}\n`;
  const first = retry === undefined ? '' : `retry: ${retry}\n`;
  return mapItems(
    (item: T, index) => `${index === 0 ? first : ''}id: ${firstId + index}\n${head}data: ${json(item, index)}\n\n`,
  );
}

function json(item: unknown, index: number): string {
  let text: string | undefined;
  try {
    text = JSON.stringify(item);
  } catch (error) {
    throw new TypeError(`item ${index} has no form in JSON: ${(error as Error).message}`, { cause: error });
  }
  if (text === undefined) throw new RangeError(`item ${index} (${typeof item}) has no form in JSON`);
  return text;
}
