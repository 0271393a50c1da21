import { open, readFile, rename, unlink } from 'node:fs/promises';
import type { OperatorFunction } from 'rxjs';
import { checkWhole } from '../check.ts';
import { pullOperator } from '../pull.ts';

export interface Progress {
  /** Items that are in the file. */
  readonly items: number;
  /** The file's length with them, bytes. */
  readonly bytes: number;
}

/** Reads a checkpoint; nothing yet where there is none. */
export async function readProgress(checkpoint: string): Promise<Progress> {
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

/** Writes a checkpoint. */
export async function writeProgress(checkpoint: string, progress: Progress): Promise<void> {
  await replace(checkpoint, JSON.stringify(progress));
}

/**
 * Leaves out the items that `saveProgress` counted in the same checkpoint file: put it behind the source, `saveProgress` at the
 * chain's end. The file is read when someone subscribes. Window: 1.
 *
 *     source:                        --a--b--c--|
 *     resumeFrom(a file that says 2): -------c--|
 */
export function resumeFrom<T>(checkpoint: string): OperatorFunction<T, T> {
  return pullOperator(async function* (source) {
    let { items: left } = await readProgress(checkpoint);
    for await (const item of source)
      if (left > 0) left--;
      else yield item;
  });
}

export interface SaveProgressOptions<T> {
  /** A checkpoint is written after this many items, and at the end of the run, however it ends. Default 1000. */
  readonly every?: number;
  /**
   * The number of an item among those that `resumeFrom` let through, from 0, where operators in between leave items out or make
   * several of one. Default: the items are counted.
   */
  readonly indexOf?: (item: T) => number;
}

/**
 * Gives every item on and notes in a file how many are done, so that a stopped pipeline resumes where it was: an item is done when
 * the next is asked for. At least once: what was done after the last checkpoint of a machine that stopped is done again. For exactly
 * once into a file: `resumableFile`. Window: 1.
 *
 *     source:                 --a--b--c--|
 *     saveProgress, every 2:  --a--b--c--|
 *     the file:               -------2--3-
 */
export function saveProgress<T>(
  checkpoint: string,
  { every = 1000, indexOf }: SaveProgressOptions<T> = {},
): OperatorFunction<T, T> {
  checkWhole('every', every);
  return pullOperator(async function* (source) {
    const { items: before } = await readProgress(checkpoint);
    let done = before;
    let unsaved = 0;
    const save = async (): Promise<void> => {
      if (unsaved === 0) return;
      unsaved = 0;
      await writeProgress(checkpoint, { items: done, bytes: 0 });
    };
    try {
      for await (const item of source) {
        yield item;
        done = indexOf ? before + indexOf(item) + 1 : done + 1;
        if (++unsaved === every) await save();
      }
    } finally {
      await save();
    }
  });
}

/** Either the old content or the new one is there, whatever happens in between. */
export async function replace(path: string, text: string): Promise<void> {
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
