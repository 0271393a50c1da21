import { type MonoTypeOperatorFunction, tap } from 'rxjs';
import type { TrainingEvent } from '../fit.ts';
import type { JsonLinesWriter } from './json-lines.ts';

/** Writes every event as a JSON line, with the `time` (ISO 8601); the run waits for it. `writeReport` draws such a file. */
export function logEvents(writer: JsonLinesWriter): MonoTypeOperatorFunction<TrainingEvent> {
  return tap((event) => event.waitUntil(writer.write({ ...event, time: new Date().toISOString() })));
}
