import { createReadStream } from 'node:fs';
import { pipeline, type Transform } from 'node:stream';
import * as zlib from 'node:zlib';
import type { LinesOptions } from '../line-splitter.ts';
import { lines } from '../lines.ts';
import { fromPull, type PullObservable } from '../pull.ts';

export type Compression = 'none' | 'gzip' | 'deflate' | 'brotli' | 'zstd';

export interface EncodingOptions extends LinesOptions {
  /** An encoding that `TextDecoder` knows. Default utf-8. */
  readonly encoding?: string;
  /** Whether bytes that the encoding does not allow are an error; otherwise they become U+FFFD. Default false. */
  readonly fatal?: boolean;
}

export interface FilesOptions extends EncodingOptions {
  /** How the files are packed. Default: as their names end (.gz, .br, .zst), else not at all. zstd needs Node 22.15 or later. */
  readonly compression?: Compression;
}

/** A line and where it stands. */
export interface FileLine {
  readonly path: string;
  /** The line's number, from 0. */
  readonly line: number;
  readonly text: string;
}

/**
 * The lines of files, one file after the other, unpacked and decoded; `glob` finds files by patterns. A file is opened when its first
 * line is asked for, and closed before the next. Errors name the file.
 *
 *     paths:  (a b)|
 *     files:  --a0--a1--b0--|
 */
export function files(
  paths: Iterable<string> | AsyncIterable<string>,
  { encoding = 'utf-8', fatal = false, compression, ...options }: FilesOptions = {},
): PullObservable<FileLine> {
  if (typeof paths === 'string') throw new TypeError(`files expects a list of paths; for ${paths}: files([${JSON.stringify(paths)}]) or files(glob(…))`); // biome-ignore format: one message
  new TextDecoder(encoding, { fatal }); // a RangeError here, not in the middle of a stream
  if (compression) unpacker(compression);
  return fromPull(async function* (signal) {
    for await (const path of paths) {
      let stop = (): void => {};
      try {
        const unpack = unpacker(compression ?? compressionOf(path));
        const file = createReadStream(path);
        const source = unpack ? pipeline(file, unpack, () => {}) : file;
        stop = () => void source.destroy();
        signal.addEventListener('abort', stop);
        let line = 0;
        const decoder = new TextDecoder(encoding, { fatal });
        for await (const text of lines(decoded(source, decoder), options).pull(signal))
          yield { path, line: line++, text };
      } catch (error) {
        throw naming(path, error);
      } finally {
        signal.removeEventListener('abort', stop);
        stop();
      }
    }
  });
}

/** The error with the file's name before its message. */
export function naming(path: string, error: unknown): Error {
  const reason = error instanceof Error ? error.message : String(error);
  return reason.includes(path) ? (error as Error) : new Error(`${path}: ${reason}`, { cause: error });
}

function compressionOf(path: string): Compression {
  if (path.endsWith('.gz')) return 'gzip';
  if (path.endsWith('.br')) return 'brotli';
  return path.endsWith('.zst') ? 'zstd' : 'none';
}

function unpacker(compression: Compression): Transform | null {
  switch (compression) {
    case 'none':
      return null;
    case 'gzip':
      return zlib.createGunzip();
    case 'deflate':
      return zlib.createInflate();
    case 'brotli':
      return zlib.createBrotliDecompress();
    case 'zstd': {
      const { createZstdDecompress } = zlib as { createZstdDecompress?: () => Transform };
      if (createZstdDecompress) return createZstdDecompress();
      throw new Error(`zstd needs Node 22.15 or later, this is ${process.version}`);
    }
    default:
      throw new RangeError(`compression ${JSON.stringify(compression)} is unknown; known: none, gzip, deflate, brotli, zstd`); // biome-ignore format: one message
  }
}

async function* decoded(
  chunks: AsyncIterable<Uint8Array>,
  decoder: InstanceType<typeof TextDecoder>,
): AsyncGenerator<string> {
  for await (const chunk of chunks) yield decoder.decode(chunk, { stream: true });
  yield decoder.decode();
}
