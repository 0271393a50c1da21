import { type FileHandle, mkdir, open } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { FileError } from '@rivulet/tensor';
import { crc32c } from './crc32c.ts';
import { bytesField, doubleField, doublesField, floatField, intField, message } from './proto.ts';

export interface TensorBoardOptions {
  /** Seconds since 1970, for the events' times. Default: the clock. */
  readonly now?: () => number;
  /** Name of the file. Default: the one TensorBoard expects, of time, host and process. */
  readonly fileName?: string;
}

let count = 0;

/**
 * Writes curves that TensorBoard shows: an event file, records of checksummed protobuf messages
 * (https://github.com/tensorflow/tensorboard/blob/master/tensorboard/compat/proto/event.proto). Every call appends one
 * event; calls may overlap and keep their order.
 */
export class TensorBoardWriter {
  readonly path: string;
  readonly #file: FileHandle;
  readonly #now: () => number;
  #last: Promise<void> = Promise.resolve();
  #closed = false;

  private constructor(path: string, file: FileHandle, now: () => number) {
    this.path = path;
    this.#file = file;
    this.#now = now;
  }

  /** Starts a new event file in a run's folder, which is made. @throws FileError where it cannot be written. */
  static async open(directory: string, options: TensorBoardOptions = {}): Promise<TensorBoardWriter> {
    const { now = () => Date.now() / 1000 } = options;
    const unique = `${Math.floor(now())}.${hostname()}.${process.pid}.${count++}`;
    const path = join(directory, options.fileName ?? `events.out.tfevents.${unique}`);
    const file = await mkdir(directory, { recursive: true })
      .then(() => open(path, 'wx'))
      .catch((error: unknown) => {
        throw cannotWrite(path, error);
      });
    const writer = new TensorBoardWriter(path, file, now);
    await writer.#append(message(doubleField(1, now()), bytesField(3, 'brain.Event:2')));
    return writer;
  }

  /** A point of a curve. */
  scalar(tag: string, value: number, step: number): Promise<void> {
    return this.#summary(tag, step, 'scalars', floatTensor(value), 1);
  }

  /** A text, shown as Markdown. */
  text(tag: string, text: string, step: number): Promise<void> {
    // TensorProto: dtype DT_STRING, a list of one.
    const shape = bytesField(2, message(bytesField(2, message(intField(1, 1)))));
    return this.#summary(tag, step, 'text', message(intField(1, 7), shape, bytesField(8, text)), 2);
  }

  /**
   * The distribution of values: so many buckets of equal width between the least and the largest.
   * @throws RangeError where a value is NaN or infinite, which no bucket holds.
   */
  histogram(
    tag: string,
    values: ArrayLike<number>,
    step: number,
    { buckets = 30 }: { readonly buckets?: number } = {},
  ): Promise<void> {
    const rows = histogramOf(tag, values, buckets);
    const sizes = [rows.length / 3, 3].map((size) => bytesField(2, message(intField(1, size))));
    // TensorProto: dtype DT_DOUBLE, rows of left edge, right edge, count.
    const tensor = message(intField(1, 2), bytesField(2, message(...sizes)), doublesField(6, rows));
    return this.#summary(tag, step, 'histograms', tensor, 3);
  }

  /** Writes what is pending and closes the file; calling it twice is harmless. */
  async dispose(): Promise<void> {
    if (this.#closed) return this.#last;
    this.#closed = true;
    this.#last = this.#last.finally(() => this.#file.close());
    return this.#last;
  }

  #summary(tag: string, step: number, plugin: string, tensor: Uint8Array, dataClass: number): Promise<void> {
    if (!Number.isSafeInteger(step) || step < 0)
      throw new RangeError(`the step of '${tag}' must be a whole number from 0 on, got ${step}`);
    const metadata = message(bytesField(1, message(bytesField(1, plugin))), intField(4, dataClass));
    const value = message(bytesField(1, tag), bytesField(8, tensor), bytesField(9, metadata));
    return this.#append(
      message(doubleField(1, this.#now()), intField(2, step), bytesField(5, message(bytesField(1, value)))),
    );
  }

  #append(event: Uint8Array): Promise<void> {
    if (this.#closed) return Promise.reject(new FileError(this.path, 'was disposed of; no event can be added'));
    const bytes = record(event);
    this.#last = this.#last.then(async () => {
      try {
        await this.#file.appendFile(bytes);
      } catch (error) {
        throw cannotWrite(this.path, error);
      }
    });
    return this.#last;
  }
}

function cannotWrite(path: string, error: unknown): FileError {
  return new FileError(path, `cannot be written: ${(error as Error).message}`, { cause: error });
}

/** A TFRecord: length, its checksum, the data, its checksum. */
function record(data: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(data.length + 16);
  const view = new DataView(bytes.buffer);
  view.setBigUint64(0, BigInt(data.length), true);
  view.setUint32(8, masked(crc32c(bytes.subarray(0, 8))), true);
  bytes.set(data, 12);
  view.setUint32(12 + data.length, masked(crc32c(data)), true);
  return bytes;
}

/** Checksums are masked, so that those of data with checksums in it do not go wrong. */
function masked(crc: number): number {
  return (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0;
}

/** TensorProto: dtype DT_FLOAT, no dims. */
function floatTensor(value: number): Uint8Array {
  return message(intField(1, 1), bytesField(2, new Uint8Array(0)), floatField(5, value));
}

function histogramOf(tag: string, values: ArrayLike<number>, buckets: number): number[] {
  if (!Number.isSafeInteger(buckets) || buckets < 1)
    throw new RangeError(`the histogram '${tag}' needs a positive number of buckets, got ${buckets}`);
  if (values.length === 0) return [];
  let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!;
    if (!Number.isFinite(value)) throw new RangeError(`the histogram '${tag}' has the value ${value} at ${i}`);
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  const width = high / buckets - low / buckets; // the range itself may overflow
  if (low + width === low) return [low - 0.5, high + 0.5, values.length]; // as TensorBoard's own summaries do
  const counts = new Array<number>(buckets).fill(0);
  for (let i = 0; i < values.length; i++) counts[Math.min(Math.floor((values[i]! - low) / width), buckets - 1)]!++;
  return counts.flatMap((n, i) => [low + i * width, i === buckets - 1 ? high : low + (i + 1) * width, n]);
}
