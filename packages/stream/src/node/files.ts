import { createReadStream } from 'node:fs';
import { pipeline } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { type LinesOptions, lines } from '../lines.ts';
import { fromPull, type PullObservable } from '../pull.ts';

export interface FilesOptions extends LinesOptions {
  /** An encoding that `TextDecoder` knows. Default utf-8. */
  readonly encoding?: string;
}

/** A line and where it stands. */
export interface FileLine {
  readonly path: string;
  /** The line's number, from 0. */
  readonly line: number;
  readonly text: string;
}

/**
 * The lines of files, one file after the other; names that end in .gz are unpacked. A file is opened when its first line is asked
 * for, and closed before the next. Errors name the file.
 *
 *     paths:  (a b)|
 *     files:  --a0--a1--b0--|
 */
export function files(
  paths: Iterable<string> | AsyncIterable<string>,
  { encoding = 'utf-8', ...options }: FilesOptions = {},
): PullObservable<FileLine> {
  new TextDecoder(encoding); // a RangeError here, not in the middle of a stream
  return fromPull(async function* (signal) {
    for await (const path of paths) {
      const file = createReadStream(path);
      const source = path.endsWith('.gz') ? pipeline(file, createGunzip(), () => {}) : file;
      const stop = (): void => void source.destroy();
      signal.addEventListener('abort', stop);
      try {
        let line = 0;
        for await (const text of lines(decoded(source, encoding), options).pull(signal))
          yield { path, line: line++, text };
      } catch (error) {
        const reason = error instanceof Error ? error.message : String(error);
        throw new Error(`${path}: ${reason}`, { cause: error });
      } finally {
        signal.removeEventListener('abort', stop);
        stop();
      }
    }
  });
}

async function* decoded(chunks: AsyncIterable<Uint8Array>, encoding: string): AsyncGenerator<string> {
  const decoder = new TextDecoder(encoding);
  for await (const chunk of chunks) yield decoder.decode(chunk, { stream: true });
  yield decoder.decode();
}
