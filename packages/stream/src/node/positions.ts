import { readFile } from 'node:fs/promises';
import type { OperatorFunction } from 'rxjs';
import { checkWhole } from '../check.ts';
import { pullOperator } from '../pull.ts';
import { replace } from './progress.ts';

/** How far a file was read. */
export interface FilePosition {
  /** Device and inode, which a renamed file keeps. */
  readonly file: string;
  /** The file's first bytes, base64: another file may come under the same inode. */
  readonly head: string;
  /** Bytes that were read. */
  readonly offset: number;
  /** Lines that were read. */
  readonly lines: number;
  /** Files that are there no more, and all of whose lines came before: once this line is done, nobody needs to know of them. */
  readonly gone?: readonly string[];
}

/** Reads the positions that a checkpoint holds, by file; null where there is none yet. @throws RangeError for a file that is none. */
export async function readPositions(checkpoint: string): Promise<Map<string, FilePosition> | null> {
  let json: string;
  try {
    json = await readFile(checkpoint, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch {} // told below
  const count = (x: unknown): boolean => Number.isSafeInteger(x) && (x as number) >= 0;
  const isPosition = (x: Partial<FilePosition> | null): x is FilePosition =>
    typeof x?.file === 'string' && typeof x.head === 'string' && count(x.offset) && count(x.lines);
  if (!Array.isArray(value) || !value.every(isPosition))
    throw new RangeError(`${checkpoint}: expected a list of { file, head, offset, lines }, got ${json.slice(0, 60)}`);
  return new Map(value.map((position) => [position.file, position]));
}

export async function writePositions(checkpoint: string, positions: Iterable<FilePosition>): Promise<void> {
  await replace(checkpoint, JSON.stringify([...positions]));
}

export interface SavePositionsOptions<T> {
  /** A checkpoint is written after this many items, and at the end of the run, however it ends. Default 1000. */
  readonly every?: number;
  /** Where an item's line ends. Default: the item is a line of `tail`. */
  readonly positionOf?: (item: T) => FilePosition;
}

/**
 * Gives every item on and notes how far each file is done, for `tail` with the same checkpoint: a stopped pipeline resumes where it
 * was, also in files that were renamed meanwhile. An item is done when the next is asked for. At least once: what was done after the
 * last checkpoint of a machine that stopped comes again. Window: 1.
 *
 *     source:                   --a--b--c--
 *     savePositions, every 2:   --a--b--c--
 *     the file:                 -------2---
 */
export function savePositions<T>(
  checkpoint: string,
  { every = 1000, positionOf = (item) => (item as { position: FilePosition }).position }: SavePositionsOptions<T> = {},
): OperatorFunction<T, T> {
  checkWhole('every', every);
  return pullOperator(async function* (source) {
    const done = new Map<string, FilePosition>();
    const gone = new Set<string>();
    let unsaved = 0;
    const save = async (): Promise<void> => {
      if (unsaved === 0) return;
      unsaved = 0;
      const before = (await readPositions(checkpoint)) ?? []; // with what `tail` noted of other files
      const all = [...new Map([...before, ...done]).values()];
      await writePositions(
        checkpoint,
        all.filter(({ file }) => !gone.has(file)),
      );
      done.clear();
      gone.clear();
    };
    try {
      for await (const item of source) {
        yield item;
        const { gone: left = [], ...position } = positionOf(item);
        for (const file of left) gone.add(file);
        done.set(position.file, position);
        gone.delete(position.file); // it came back, or the chain changed the order
        if (++unsaved === every) await save();
      }
    } finally {
      await save();
    }
  });
}
