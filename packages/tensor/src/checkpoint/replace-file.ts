import { open, rename, rm } from 'node:fs/promises';
import { CheckpointError } from './checkpoint-error.ts';

/** A single write may not be larger than 2 GiB. */
const PIECE = 2 ** 30;

let count = 0;

/**
 * Writes a file so that a crash or a full disk leaves the old one: temporary file beside it, sync, rename.
 * @param chunks pulled one at a time, so that they can be made while the file is written.
 * @throws CheckpointError where the folder does not exist, is not writable, or is full.
 */
export async function replaceFile(path: string, chunks: Iterable<Uint8Array | string>): Promise<void> {
  const temporary = `${path}.${process.pid}-${count++}.tmp`;
  try {
    const file = await open(temporary, 'w');
    try {
      for (const chunk of chunks)
        await writeAll(file, typeof chunk === 'string' ? new TextEncoder().encode(chunk) : chunk);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw new CheckpointError(path, `cannot be written: ${(error as Error).message}`, { cause: error });
  }
}

async function writeAll(file: Awaited<ReturnType<typeof open>>, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length; )
    at += (await file.write(bytes, at, Math.min(bytes.length - at, PIECE))).bytesWritten;
}
