import type { WriteStream } from 'node:fs';
import { open } from 'node:fs/promises';
import type { OperatorFunction } from 'rxjs';
import { fromPull, pullOf, pullOperator } from '../pull.ts';
import { naming } from './files.ts';
import { intoWritable } from './writable.ts';

export interface IntoFileOptions {
  /** Whether items go behind what the file holds. Default false: the file begins anew. */
  readonly append?: boolean;
}

/**
 * Writes every item to a file and gives it on. The file is opened by the run, and closed when the run ends, fails or is
 * unsubscribed; what was given on is in it then. For a run that resumes: `resumableFile`. Window: 1.
 *
 *     source:    --"a"--"b"--|
 *     intoFile:  --"a"--"b"--|
 *
 * An error, such as a full disk, names the file and how many items were given on; what was written stays.
 */
export function intoFile<T extends string | Uint8Array>(
  path: string,
  { append = false }: IntoFileOptions = {},
): OperatorFunction<T, T> {
  return pullOperator(async function* (source, signal) {
    const handle = await open(path, append ? 'a' : 'w').catch((error: unknown) => {
      throw naming(path, error);
    });
    const file = handle.createWriteStream();
    let items = 0;
    let failure: { error: unknown } | null = null; // of the source: passed on as it is
    const watched = fromPull(async function* () {
      try {
        yield* source;
      } catch (error) {
        failure = { error };
        throw error;
      }
    });
    try {
      for await (const item of pullOf(watched.pipe(intoWritable<T>(file)))(signal)) {
        items++;
        yield item;
      }
    } catch (error) {
      if (failure) throw error;
      throw naming(`${path}: could not be written after ${items} items`, error);
    } finally {
      await closed(file);
    }
  });
}

/** Resolves when what was given to the file is in it. */
function closed(file: WriteStream): Promise<void> {
  return new Promise((resolve) => {
    if (file.destroyed) return resolve();
    file.once('close', () => resolve());
    file.on('error', () => {}); // told already, or nobody is left to be told
    file.end();
  });
}
