import { Readable } from 'node:stream';
import type { Observable } from 'rxjs';
import { toAsyncIterable } from '../sinks.ts';

/**
 * A Node stream of an observable's values, which are asked for as it is read; destroying it ends the run. Values are chunks as they
 * are (`objectMode`), one of which waits.
 *
 *     source:          --a--b--|
 *     toNodeReadable:  --a--b--|
 */
export function toNodeReadable<T>(source: Observable<T>): Readable {
  return Readable.from(toAsyncIterable(source), { objectMode: true, highWaterMark: 1 });
}
