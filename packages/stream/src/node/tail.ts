import { type FileHandle, open, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { checkDuration } from '../check.ts';
import { fromPull, type PullObservable } from '../pull.ts';
import { type ByteLine, ByteLines } from './byte-lines.ts';
import { type EncodingOptions, type FileLine, naming } from './files.ts';
import { type FilePosition, readPositions, writePositions } from './positions.ts';

export interface TailOptions extends EncodingOptions {
  /** Which files of the folder are followed, by name. Default: all that do not begin with a dot. */
  readonly match?: (name: string) => boolean;
  /** Where to begin in the files that are there already; later ones are read from their start. Default `end`. */
  readonly from?: 'start' | 'end';
  /** How long to wait before looking again when nothing new was there, ms. Default 250. */
  readonly poll?: number;
  /**
   * A file that says how far each file was read, written by `savePositions` at the chain's end: there a stopped pipeline goes on, and
   * files that it does not know are read from their start. Where it is not there yet, it is made; files that were deleted
   * leave it with the next line of another. Default: none.
   */
  readonly checkpoint?: string;
}

/** A line, and where it ends. */
export interface TailLine extends FileLine {
  readonly position: FilePosition;
}

/** So many bytes at a file's start tell it from another one under its name or inode. */
const HEAD = 256;
const CHUNK = 2 ** 16;

/** One file that is followed. */
interface Followed {
  readonly key: string;
  path: string;
  /** The first bytes, up to `HEAD` of what was read. */
  head: Uint8Array;
  /** Bytes that were read, and those up to the end of the last line that was given. */
  offset: number;
  given: number;
  /** When the file was changed, as of the last look, ms. */
  changed: number;
  /** How many looks in a row did not find it. */
  absent: number;
  line: number;
  lines: ByteLines;
}

/**
 * The lines that are appended to the files of a folder, and those of new files there; never ends by itself. `path` may also be one
 * file, which need not exist yet. Looks at the folder only when a line is asked for and none is at hand.
 *
 *     appended:  --a0-----b0(new file)--a1--|
 *     tail:      --a0-----b0------------a1---
 *
 * A line is given when its end is written. A file that was renamed within the folder (rotation) is read on to its end; one that
 * became shorter, or begins otherwise than before, is read anew from its start, after what was left of an unfinished line. What is
 * deleted before it was read is gone. Errors name the file.
 */
export function tail(
  path: string,
  { match = (name) => !name.startsWith('.'), from = 'end', poll = 250, checkpoint, ...options }: TailOptions = {},
): PullObservable<TailLine> {
  checkDuration('poll', poll);
  const fresh = (offset = 0, line = 0): Pick<Followed, 'offset' | 'given' | 'line' | 'lines'> => {
    return { offset, given: offset, line, lines: new ByteLines(options, line) };
  };
  fresh(); // a RangeError here, not in the middle of a stream
  const follow = (key: string, at: string): Followed => {
    return { key, path: at, head: new Uint8Array(0), changed: 0, absent: 0, ...fresh() };
  };

  return fromPull(async function* (signal) {
    const gone = new Set<string>(); // told with the next line of another
    const followed = new Map<string, Followed>(); // by device and inode, which a renamed file keeps
    const own = new Set(checkpoint === undefined ? [] : [join(checkpoint), join(`${checkpoint}.new`)]);
    let first = true;
    const saved = checkpoint === undefined ? null : await readPositions(checkpoint);
    for (const { file: key, head, offset, lines } of saved?.values() ?? [])
      followed.set(key, { ...follow(key, ''), head: Buffer.from(head, 'base64'), ...fresh(offset, lines) });
    const begin = (file: Followed): void => {
      Object.assign(file, { head: new Uint8Array(0), ...fresh() });
    };
    const give = function* (file: Followed, lines: Iterable<ByteLine>): Generator<TailLine> {
      for (const { text, bytes } of lines) {
        file.given += bytes;
        const told = [...gone].filter((key) => deviceOf(key) === deviceOf(file.key)); // a device that is gone may come back with all
        for (const key of told) gone.delete(key);
        const { path } = file;
        const line = file.line++;
        yield { path, line, text, position: { ...positionOf(file), ...(told.length > 0 && { gone: told }) } };
      }
    };
    const rest = function* (file: Followed): Generator<TailLine> {
      yield* give(file, file.lines.end());
    };
    /** What stands behind the offset. */
    const read = async function* (file: Followed, handle: FileHandle, size: number): AsyncGenerator<TailLine> {
      if (size < file.offset || !(await begins(handle, file.head))) {
        yield* rest(file);
        begin(file);
      }
      while (!signal.aborted) {
        const { bytesRead, buffer } = await handle.read(new Uint8Array(CHUNK), 0, CHUNK, file.offset);
        if (bytesRead === 0) return;
        const bytes = buffer.subarray(0, bytesRead);
        const { head, offset } = file; // the head may reach beyond, where a checkpoint was made within a line
        if (head.length < HEAD) file.head = Buffer.concat([head, bytes.subarray(head.length - offset, HEAD - offset)]);
        file.offset += bytesRead;
        yield* give(file, file.lines.push(bytes));
      }
    };

    while (!signal.aborted) {
      let changed = false;
      const present = new Set<string>();
      const found = (await look(path, match)).filter(({ path: at }) => !own.has(at));
      if (first && from === 'end' && !saved) {
        for (const { key, path: at, size, wanted } of found)
          if (wanted) followed.set(key, { ...follow(key, at), ...(await skipped(at, size)), ...fresh(size) });
        if (checkpoint !== undefined) await writePositions(checkpoint, [...followed.values()].map(positionOf));
      }
      first = false;
      for (const { key, path: at, size, changed: time, wanted } of found) {
        let file = followed.get(key);
        if (!file && !wanted) continue;
        present.add(key);
        if (!file) {
          file = follow(key, at);
          followed.set(key, file);
        }
        file.path = at;
        if (size === file.offset && time === file.changed) continue;
        const handle = await open(at, 'r').catch((error: NodeJS.ErrnoException) => {
          if (error.code === 'ENOENT') return null; // renamed in between: the next look finds it
          throw naming(at, error);
        });
        if (!handle) continue;
        try {
          const { dev, ino, size: now, mtimeMs } = await handle.stat();
          if (`${dev}:${ino}` !== key) continue; // another one has its name by now: the next look finds both
          const before = file.offset;
          file.changed = mtimeMs;
          for await (const line of read(file, handle, now)) {
            changed = true;
            yield line;
          }
          changed ||= file.offset !== before;
        } catch (error) {
          throw naming(at, error);
        } finally {
          await handle.close();
        }
      }
      for (const [key, file] of followed)
        if (present.has(key)) file.absent = 0;
        else if (++file.absent === 2) {
          // The first time, it may have been renamed between the listing of its name and the look at it.
          followed.delete(key);
          yield* rest(file);
          if (checkpoint !== undefined) gone.add(key);
        }
      if (!changed) await sleep(poll, undefined, { signal }).catch(() => {});
    }
  });
}

const deviceOf = (key: string): string => key.slice(0, key.indexOf(':'));

function positionOf({ key, head, given, line }: Followed): FilePosition {
  return { file: key, head: Buffer.from(head).toString('base64'), offset: given, lines: line };
}

interface Found {
  readonly key: string;
  readonly path: string;
  readonly size: number;
  readonly changed: number;
  /** Whether its name is one that is followed. */
  readonly wanted: boolean;
}

/** The files of a folder, or beside a file, sorted by name; none where there is no such folder or file yet. */
async function look(path: string, match: (name: string) => boolean): Promise<Found[]> {
  const info = await stat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null;
    throw naming(path, error);
  });
  const isFolder = info?.isDirectory() ?? false;
  const folder = isFolder ? path : join(path, '..');
  const names = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') throw new Error(`${folder}: there is no such folder`, { cause: error });
    throw naming(folder, error);
  });
  const found: Found[] = [];
  for (const name of names.sort()) {
    const at = join(folder, name);
    const each = await stat(at).catch(() => null); // gone in between
    if (!each?.isFile()) continue;
    const wanted = isFolder ? match(name) : join(folder, name) === join(path);
    found.push({ key: `${each.dev}:${each.ino}`, path: at, size: each.size, changed: each.mtimeMs, wanted });
  }
  return found;
}

/** Whether a file begins with these bytes. */
async function begins(handle: FileHandle, head: Uint8Array): Promise<boolean> {
  if (head.length === 0) return true;
  const { bytesRead, buffer } = await handle.read(new Uint8Array(head.length), 0, head.length, 0);
  return bytesRead === head.length && Buffer.compare(buffer, head) === 0;
}

/** The head of a file whose content is skipped; a line that is unfinished there is given from its middle. */
async function skipped(path: string, size: number): Promise<Pick<Followed, 'head'>> {
  const handle = await open(path, 'r').catch((error: unknown) => {
    throw naming(path, error);
  });
  try {
    const { bytesRead, buffer } = await handle.read(new Uint8Array(HEAD), 0, Math.min(HEAD, size), 0);
    return { head: buffer.subarray(0, bytesRead) };
  } finally {
    await handle.close();
  }
}
