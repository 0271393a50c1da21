import { open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { CheckpointError } from './checkpoint-error.ts';

/** A single write may not be larger than 2 GiB. */
const PIECE = 2 ** 30;

let count = 0;

export interface FileContent {
  readonly path: string;
  /** Pulled one at a time, so that they can be made while the file is written. */
  readonly chunks: Iterable<Uint8Array | string>;
}

/**
 * Writes a file so that a crash or a full disk leaves the old one: temporary file beside it, sync, rename.
 * @param chunks pulled one at a time, so that they can be made while the file is written.
 * @throws CheckpointError where the folder does not exist, is not writable, or is full.
 */
export async function replaceFile(path: string, chunks: Iterable<Uint8Array | string>): Promise<void> {
  await replaceFiles([{ path, chunks }]);
}

/**
 * As `replaceFile`, for files that belong together: none takes its name before all are on the disk. They are renamed in
 * the order given, so the one that refers to the others comes last.
 */
export async function replaceFiles(files: readonly FileContent[]): Promise<void> {
  const temporaries = files.map(({ path }) => `${path}.${process.pid}-${count++}.tmp`);
  let current = 0;
  try {
    for (; current < files.length; current++) await writeFile(temporaries[current]!, files[current]!.chunks);
    for (current = 0; current < files.length; current++) await rename(temporaries[current]!, files[current]!.path);
  } catch (error) {
    for (const temporary of temporaries) await rm(temporary, { force: true });
    const { path } = files[current]!;
    throw new CheckpointError(path, `cannot be written: ${(error as Error).message}`, { cause: error });
  }
  for (const folder of new Set(files.map(({ path }) => dirname(path)))) await syncFolder(folder);
}

async function writeFile(path: string, chunks: Iterable<Uint8Array | string>): Promise<void> {
  const file = await open(path, 'w');
  try {
    for (const chunk of chunks)
      await writeAll(file, typeof chunk === 'string' ? new TextEncoder().encode(chunk) : chunk);
    await file.sync();
  } finally {
    await file.close();
  }
}

async function writeAll(file: Awaited<ReturnType<typeof open>>, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length; )
    at += (await file.write(bytes, at, Math.min(bytes.length - at, PIECE))).bytesWritten;
}

/** Makes the new names last through a power cut, on systems where a folder can be opened for that (not Windows). */
async function syncFolder(path: string): Promise<void> {
  const folder = await open(path).catch(() => null);
  try {
    await folder?.sync();
  } catch {
    // The files are whole and have their names; only how soon the disk knows of it is left to the system.
  } finally {
    await folder?.close();
  }
}
