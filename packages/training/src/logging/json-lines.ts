import { type FileHandle, mkdir, open } from 'node:fs/promises';
import { dirname } from 'node:path';
import { FileError } from '@rivulet/tensor';

/** Bytes that are looked at together for the end of the last whole line. */
const BLOCK = 1 << 16;

/**
 * Appends events to a file, one JSON object per line (https://jsonlines.org). NaN and infinities, which JSON lacks, and
 * bigints are written as strings. Calls may overlap and keep their order.
 */
export class JsonLinesWriter {
  readonly path: string;
  readonly #file: FileHandle;
  #last: Promise<void> = Promise.resolve();
  #closed = false;

  private constructor(path: string, file: FileHandle) {
    this.path = path;
    this.#file = file;
  }

  /**
   * Opens a file to append to, and makes it and its folder where they are missing. A last line that a crash cut off is removed.
   * @throws FileError where it cannot be written.
   */
  static async open(path: string): Promise<JsonLinesWriter> {
    try {
      await mkdir(dirname(path), { recursive: true });
      const file = await open(path, 'a+');
      try {
        await file.truncate(await wholeLines(file));
      } catch (error) {
        await file.close();
        throw error;
      }
      return new JsonLinesWriter(path, file);
    } catch (error) {
      throw cannotWrite(path, error);
    }
  }

  write(event: Readonly<Record<string, unknown>>): Promise<void> {
    if (this.#closed) return Promise.reject(new FileError(this.path, 'was disposed of; no event can be added'));
    const line = `${JSON.stringify(event, plain)}\n`;
    this.#last = this.#last.then(async () => {
      try {
        await this.#file.appendFile(line);
      } catch (error) {
        throw cannotWrite(this.path, error);
      }
    });
    return this.#last;
  }

  /** Writes what is pending and closes the file; calling it twice is harmless. */
  async dispose(): Promise<void> {
    if (this.#closed) return this.#last;
    this.#closed = true;
    this.#last = this.#last.finally(() => this.#file.close());
    return this.#last;
  }
}

function cannotWrite(path: string, error: unknown): FileError {
  return new FileError(path, `cannot be written: ${(error as Error).message}`, { cause: error });
}

function plain(_key: string, value: unknown): unknown {
  if (typeof value === 'bigint' || (typeof value === 'number' && !Number.isFinite(value))) return String(value);
  return value;
}

/** Bytes up to the last line's end. */
async function wholeLines(file: FileHandle): Promise<number> {
  const block = new Uint8Array(BLOCK);
  for (let end = (await file.stat()).size; end > 0; ) {
    const begin = Math.max(0, end - BLOCK);
    const { bytesRead } = await file.read(block, 0, end - begin, begin);
    const newline = block.subarray(0, bytesRead).lastIndexOf(0x0a);
    if (newline >= 0) return begin + newline + 1;
    end = begin;
  }
  return 0;
}
