import { type FileHandle, open } from 'node:fs/promises';
import type { OperatorFunction } from 'rxjs';
import { checkWhole } from '../check.ts';
import { pullOperator } from '../pull.ts';
import { type Progress, readProgress, writeProgress } from './progress.ts';

/** How far a file that `resumableFile` writes has come; nothing yet when there is no checkpoint. */
export function progressOf(path: string): Promise<Progress> {
  return readProgress(`${path}.progress`);
}

export interface ResumableFileOptions {
  /** A checkpoint is written after this many items. Default 1000. */
  readonly every?: number;
}

/**
 * Writes texts to a file so that a run that was stopped, or whose machine was, resumes with every item in the file exactly once:
 * skip `progressOf(path).items` items of the source, and subscribe again. What stands in the file behind the last checkpoint is
 * cut off first. Gives the progress at every checkpoint. Window: `every`.
 *
 *     source:                 --a--b--c--|
 *     resumableFile, every 2: ------{2}--{3}|
 *
 * Text and checkpoint are forced to the disk, in this order. A disk that is full fails the stream with an error that names the file;
 * what the last checkpoint counts stays.
 */
export function resumableFile(
  path: string,
  { every = 1000 }: ResumableFileOptions = {},
): OperatorFunction<string, Progress> {
  checkWhole('every', every);
  return pullOperator(
    async function* (source) {
      const before = await progressOf(path);
      let { items, bytes } = before;
      let waiting: string[] = [];
      const file = await open(path, before.bytes > 0 ? 'r+' : 'w');
      const save = async (): Promise<Progress> => {
        const data = Buffer.from(waiting.join(''));
        try {
          await writeAll(file, data, bytes);
          await file.sync();
          bytes += data.length;
          items += waiting.length;
          waiting = [];
          await writeProgress(`${path}.progress`, { items, bytes });
        } catch (error) {
          const reason = error instanceof Error ? error.message : String(error);
          throw new Error(`${path}: could not be written after item ${items}: ${reason}`, { cause: error });
        }
        return { items, bytes };
      };
      try {
        const { size } = await file.stat();
        if (size < bytes) throw new RangeError(`${path} has ${size} bytes, its checkpoint says ${bytes}`);
        if (size > bytes) await file.truncate(bytes);
        for await (const text of source) {
          waiting.push(text);
          if (waiting.length === every) yield await save();
        }
        if (waiting.length > 0 || items === 0) yield await save();
      } finally {
        await file.close();
      }
    },
    { window: every, completes: () => every },
  );
}

async function writeAll(file: FileHandle, data: Uint8Array, position: number): Promise<void> {
  for (let at = 0; at < data.length; ) at += (await file.write(data, at, data.length - at, position + at)).bytesWritten;
}
