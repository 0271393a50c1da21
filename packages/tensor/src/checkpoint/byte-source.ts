import { type FileHandle, open, stat } from 'node:fs/promises';
import { CheckpointError } from './checkpoint-error.ts';

/** A single read may not be larger than 2 GiB. */
const PIECE = 2 ** 30;

/** Where a checkpoint's bytes come from. */
export interface ByteSource {
  /** The path, for messages. */
  readonly name: string;
  readonly size: number;
  /** The bytes from `begin` up to `end`, in a buffer of their own. */
  read(begin: number, end: number): Promise<Uint8Array<ArrayBuffer>>;
  close(): Promise<void>;
}

/** Opens a file for positioned reads. @throws CheckpointError where it cannot be read or is no regular file. */
export async function openFile(path: string): Promise<ByteSource> {
  return explained(path, async () => {
    const info = await stat(path); // before it is opened: opening a pipe waits for a writer
    if (!info.isFile()) throw new Error('it is no regular file');
    const file = await open(path);
    return {
      name: path,
      size: info.size,
      read: (begin, end) => explained(path, () => readRange(file, begin, end, info.size)),
      close: () => file.close(),
    };
  });
}

async function readRange(file: FileHandle, begin: number, end: number, size: number): Promise<Uint8Array<ArrayBuffer>> {
  if (file.fd < 0) throw new Error('the checkpoint was disposed of');
  const bytes = new Uint8Array(end - begin);
  for (let at = 0; at < bytes.length; ) {
    const { bytesRead } = await file.read(bytes, at, Math.min(bytes.length - at, PIECE), begin + at);
    if (bytesRead === 0) throw new Error(`it ended at byte ${begin + at} of ${size} while it was read`);
    at += bytesRead;
  }
  return bytes;
}

async function explained<T>(path: string, run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    throw new CheckpointError(path, `cannot be read: ${(error as Error).message}`, { cause: error });
  }
}

/** Runs `use`; closes the source only where that fails, as what was made goes on reading from it. */
export async function keepingOpen<T>(source: ByteSource, use: () => Promise<T>): Promise<T> {
  try {
    return await use();
  } catch (error) {
    await source.close();
    throw error;
  }
}
