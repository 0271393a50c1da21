import { type FileHandle, open, readFile, rename, unlink } from 'node:fs/promises';
import type { OperatorFunction } from 'rxjs';
import { checkWhole } from '../check.ts';
import { pullOperator } from '../pull.ts';

export interface Progress {
  /** Items that are in the file. */
  readonly items: number;
  /** The file's length with them, bytes. */
  readonly bytes: number;
}

/** How far a file that `resumableFile` writes has come; nothing yet when there is no checkpoint. */
export async function progressOf(path: string): Promise<Progress> {
  const checkpoint = `${path}.progress`;
  let json: string;
  try {
    json = await readFile(checkpoint, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return { items: 0, bytes: 0 };
    throw error;
  }
  let value: Partial<Progress> | null = null;
  try {
    value = JSON.parse(json) as Partial<Progress> | null;
  } catch {} // told below
  const { items, bytes } = value ?? {};
  if (!Number.isSafeInteger(items) || !Number.isSafeInteger(bytes) || items! < 0 || bytes! < 0)
    throw new RangeError(`${checkpoint}: expected items and bytes, whole numbers from 0, got ${json.slice(0, 60)}`);
  return { items: items!, bytes: bytes! };
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
  return pullOperator(async function* (source) {
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
        await replace(`${path}.progress`, JSON.stringify({ items, bytes }));
      } catch (error) {
        const reason = error instanceof Error ? error.message : String(error);
        throw new Error(`${path}: could not be written after item ${items}: ${reason}`, { cause: error });
      }
      return { items, bytes };
    };
    try {
      const { size } = await file.stat();
      if (size < bytes) throw new RangeError(`${path} has ${size} bytes, its checkpoint says ${bytes}`);
      await file.truncate(bytes);
      for await (const text of source) {
        waiting.push(text);
        if (waiting.length === every) yield await save();
      }
      if (waiting.length > 0 || items === 0) yield await save();
    } finally {
      await file.close();
    }
  });
}

async function writeAll(file: FileHandle, data: Uint8Array, position: number): Promise<void> {
  for (let at = 0; at < data.length; ) at += (await file.write(data, at, data.length - at, position + at)).bytesWritten;
}

/** Either the old content or the new one is there, whatever happens in between. */
async function replace(path: string, text: string): Promise<void> {
  const fresh = `${path}.new`;
  const file = await open(fresh, 'w');
  try {
    await file.writeFile(text);
    await file.sync();
  } catch (error) {
    await unlink(fresh).catch(() => {});
    throw error;
  } finally {
    await file.close();
  }
  await rename(fresh, path);
}
