import { open, stat } from 'node:fs/promises';
import type { HostTensor } from '../backend/backend.ts';
import { bytesOf, holds } from '../dtype.ts';
import { CheckpointError } from './checkpoint-error.ts';
import { toFloat16 } from './float16.ts';
import { replaceFile } from './replace-file.ts';
import { CODES, type Entry, headerLength, PREFIX, parseHeader } from './safetensors-header.ts';

export { CheckpointError, replaceFile };

/** A single read may not be larger than 2 GiB. */
const PIECE = 2 ** 30;

/**
 * Reads a checkpoint (https://github.com/huggingface/safetensors#format). F16, BF16 and F64 come as float32; F64 loses
 * precision. No byte of the file is trusted. Takes the memory of its tensors, and no more than one of them besides.
 * @throws CheckpointError naming the file, the tensor, and what was expected.
 */
export async function readSafetensors(path: string): Promise<Map<string, HostTensor>> {
  try {
    const info = await stat(path); // before it is opened: opening a pipe waits for a writer
    if (!info.isFile()) throw new Error('it is no regular file');
    const file = await open(path);
    try {
      const read = async (begin: number, end: number): Promise<Uint8Array<ArrayBuffer>> => {
        const bytes = new Uint8Array(end - begin);
        for (let at = 0; at < bytes.length; ) {
          const { bytesRead } = await file.read(bytes, at, Math.min(bytes.length - at, PIECE), begin + at);
          if (bytesRead === 0) throw new Error(`it ended at byte ${begin + at} of ${info.size} while it was read`);
          at += bytesRead;
        }
        return bytes;
      };
      const start = PREFIX + headerLength(await read(0, Math.min(PREFIX, info.size)), info.size, path);
      const entries = parseHeader(await read(PREFIX, start), info.size - start, path);
      const tensors = new Map<string, HostTensor>();
      for (const entry of entries)
        tensors.set(entry.key, toTensor(entry, (await read(start + entry.begin, start + entry.end)).buffer, path));
      return tensors;
    } finally {
      await file.close();
    }
  } catch (error) {
    if (error instanceof CheckpointError) throw error;
    throw new CheckpointError(path, `cannot be read: ${(error as Error).message}`, { cause: error });
  }
}

/** As `readSafetensors`, from memory, which is copied; `name` stands for the file in errors. */
export function parseSafetensors(bytes: Uint8Array, name: string): Map<string, HostTensor> {
  const start = PREFIX + headerLength(bytes, bytes.length, name);
  const entries = parseHeader(bytes.subarray(PREFIX, start), bytes.length - start, name);
  // A copy is aligned, whatever the header's length.
  const copy = ({ begin, end }: Entry): ArrayBuffer =>
    new Uint8Array(bytes.subarray(start + begin, start + end)).buffer;
  return new Map(entries.map((entry) => [entry.key, toTensor(entry, copy(entry), name)]));
}

function toTensor({ key, dims, type }: Entry, buffer: ArrayBuffer, name: string): HostTensor {
  const data = type.read(buffer);
  if (type.dtype === 'bool') {
    const wrong = (data as Uint8Array).findIndex((byte) => byte > 1);
    if (wrong >= 0)
      throw new CheckpointError(name, `tensor '${key}' BOOL has the byte ${data[wrong]} at ${wrong}, expected 0 or 1`);
  }
  return { dtype: type.dtype, dims, data };
}

export interface WriteOptions {
  /** Strings to keep with the tensors. Default: none. */
  readonly metadata?: Readonly<Record<string, string>>;
  /** Stores float32 in half the space (F16), rounded to nearest; what is beyond 65504 becomes infinite. Default false. */
  readonly half?: boolean;
}

/**
 * Writes a checkpoint: to a temporary file that replaces `path` only when all of it is on the disk. The tensors must not
 * change until the promise settles.
 * @throws CheckpointError where it cannot be written, or a tensor's data does not fill its dims.
 */
export async function writeSafetensors(
  path: string,
  tensors: ReadonlyMap<string, HostTensor>,
  { metadata, half = false }: WriteOptions = {},
): Promise<void> {
  const header: Record<string, unknown> = Object.create(null); // where '__proto__' is a key like any other
  if (metadata) header.__metadata__ = metadata;
  let offset = 0;
  for (const [key, tensor] of tensors) {
    checkTensor(path, key, tensor);
    const dtype = storedType(tensor, half);
    const end = offset + tensor.data.length * bytesOf(dtype);
    header[key] = { dtype: CODES[dtype], shape: tensor.dims, data_offsets: [offset, end] };
    offset = end;
  }
  const text = new TextEncoder().encode(JSON.stringify(header));
  const padded = new Uint8Array(Math.ceil(text.length / 8) * 8).fill(0x20); // data is aligned to 8 bytes
  padded.set(text);
  const length = new Uint8Array(PREFIX);
  new DataView(length.buffer).setBigUint64(0, BigInt(padded.length), true);
  await replaceFile(path, chunks(length, padded, tensors, half));
}

/** Halves are made when their turn comes, not all at once. */
function* chunks(
  length: Uint8Array,
  header: Uint8Array,
  tensors: ReadonlyMap<string, HostTensor>,
  half: boolean,
): Generator<Uint8Array> {
  yield length;
  yield header;
  for (const tensor of tensors.values()) {
    const shrink = tensor.dtype === 'float32' && half;
    const data = shrink ? toFloat16(tensor.data as Float32Array) : tensor.data;
    yield new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  }
}

function storedType({ dtype }: HostTensor, half: boolean): HostTensor['dtype'] {
  return dtype === 'float32' && half ? 'float16' : dtype;
}

function checkTensor(path: string, key: string, { dtype, dims, data }: HostTensor): void {
  const label = `tensor '${key}' ${dtype} [${dims.join(', ')}]`;
  if (key === '__metadata__') throw new CheckpointError(path, `no tensor may be called '${key}'`);
  if (!holds(dtype, data))
    throw new CheckpointError(path, `${label}: a ${data.constructor.name} does not hold ${dtype}`);
  const size = dims.reduce((a, b) => a * b, 1);
  if (size !== data.length)
    throw new CheckpointError(path, `${label} needs ${size} values, its data has ${data.length}`);
}
