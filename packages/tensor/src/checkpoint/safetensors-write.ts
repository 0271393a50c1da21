import { readdir, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { HostTensor } from '../backend/backend.ts';
import { bytesOf, holds } from '../dtype.ts';
import { CheckpointError } from './checkpoint-error.ts';
import { toFloat16 } from './float16.ts';
import { type FileContent, replaceFiles } from './replace-file.ts';
import { PREFIX } from './safetensors-header.ts';
import { CODES } from './stored-types.ts';

export interface WriteOptions {
  /** Strings to keep with the tensors. Default: none. */
  readonly metadata?: Readonly<Record<string, string>>;
  /** Stores float32 in half the space (F16), rounded to nearest; what is beyond 65504 becomes infinite. Default false. */
  readonly half?: boolean;
  /**
   * Bytes of tensors in one file. More than that become `NAME-00001-of-0000N.safetensors` and an index,
   * `NAME.safetensors.index.json`; a tensor is never cut, so a single large one may exceed it. Default: no limit.
   */
  readonly maxShardSize?: number;
}

type Tensors = readonly (readonly [string, HostTensor])[];

const EXTENSION = '.safetensors';

/**
 * Writes a checkpoint: to temporary files that take their names only when all of it is on the disk. The tensors must not
 * change until the promise settles. What an earlier checkpoint of this name left in another number of files is removed.
 * @throws CheckpointError where it cannot be written, or a tensor's data does not fill its dims.
 */
export async function writeSafetensors(
  path: string,
  tensors: ReadonlyMap<string, HostTensor>,
  { metadata, half = false, maxShardSize = Number.POSITIVE_INFINITY }: WriteOptions = {},
): Promise<void> {
  if (!(maxShardSize > 0)) throw new RangeError(`maxShardSize must be positive, got ${maxShardSize}`);
  checkMetadata(path, metadata);
  for (const [key, tensor] of tensors) checkTensor(path, key, tensor);
  const shards = split([...tensors], half, maxShardSize);
  const base = path.endsWith(EXTENSION) ? path.slice(0, -EXTENSION.length) : path;
  if (shards.length === 1) {
    await replaceFiles([{ path, chunks: contents(shards[0]!, metadata, half) }]);
    if (path.endsWith(EXTENSION)) await removeStale(base, []);
    return;
  }
  if (base === path) throw new CheckpointError(path, `must end in ${EXTENSION} to be written in several files`);
  const digits = (n: number): string => String(n).padStart(5, '0');
  const files = shards.map((shard, i): FileContent & { readonly shard: Tensors } => ({
    path: `${base}-${digits(i + 1)}-of-${digits(shards.length)}${EXTENSION}`,
    chunks: contents(shard, metadata, half),
    shard,
  }));
  const weightMap: Record<string, string> = Object.create(null);
  for (const file of files) for (const [key] of file.shard) weightMap[key] = basename(file.path);
  const totalSize = [...tensors.values()].reduce((sum, tensor) => sum + storedSize(tensor, half), 0);
  const index = { metadata: { ...metadata, total_size: totalSize }, weight_map: weightMap };
  const indexPath = `${path}.index.json`;
  await replaceFiles([...files, { path: indexPath, chunks: [`${JSON.stringify(index, null, 2)}\n`] }]);
  await rm(path, { force: true }); // readers would prefer it to the index
  await removeStale(base, [...files.map((file) => file.path), indexPath]);
}

/** Removes the shards and the index that an earlier checkpoint of this name left. */
async function removeStale(base: string, keep: readonly string[]): Promise<void> {
  const [folder, name] = [dirname(base), basename(base)];
  const old = (file: string): boolean =>
    file === `${name}${EXTENSION}.index.json` ||
    (file.startsWith(name) && /^-\d{5}-of-\d{5}\.safetensors$/.test(file.slice(name.length)));
  for (const file of await readdir(folder)) {
    const path = join(folder, file);
    if (old(file) && !keep.some((kept) => basename(kept) === file)) await rm(path, { force: true });
  }
}

/** Cuts the list, in its order, where the next tensor would not fit any more. */
function split(tensors: Tensors, half: boolean, maxShardSize: number): Tensors[] {
  const shards: (readonly [string, HostTensor])[][] = [[]];
  let filled = 0;
  for (const item of tensors) {
    const size = storedSize(item[1], half);
    if (filled > 0 && filled + size > maxShardSize) {
      shards.push([]);
      filled = 0;
    }
    shards.at(-1)!.push(item);
    filled += size;
  }
  return shards;
}

/** The parts of a file, made when their turn comes, not all at once. */
function* contents(tensors: Tensors, metadata: WriteOptions['metadata'], half: boolean): Generator<Uint8Array> {
  const header: Record<string, unknown> = Object.create(null); // where '__proto__' is a key like any other
  if (metadata) header.__metadata__ = metadata;
  let offset = 0;
  for (const [key, tensor] of tensors) {
    const end = offset + storedSize(tensor, half);
    header[key] = { dtype: CODES[storedType(tensor, half)], shape: tensor.dims, data_offsets: [offset, end] };
    offset = end;
  }
  const text = new TextEncoder().encode(JSON.stringify(header));
  const padded = new Uint8Array(Math.ceil(text.length / 8) * 8).fill(0x20); // data is aligned to 8 bytes
  padded.set(text);
  const length = new Uint8Array(PREFIX);
  new DataView(length.buffer).setBigUint64(0, BigInt(padded.length), true);
  yield length;
  yield padded;
  for (const [, tensor] of tensors) {
    const shrink = tensor.dtype === 'float32' && half;
    const data = shrink ? toFloat16(tensor.data as Float32Array) : tensor.data;
    yield new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  }
}

function storedType({ dtype }: HostTensor, half: boolean): HostTensor['dtype'] {
  return dtype === 'float32' && half ? 'float16' : dtype;
}

function storedSize(tensor: HostTensor, half: boolean): number {
  return tensor.data.length * bytesOf(storedType(tensor, half));
}

function checkMetadata(path: string, metadata: WriteOptions['metadata'] = {}): void {
  for (const [key, value] of Object.entries(metadata))
    if (typeof value !== 'string')
      throw new CheckpointError(path, `metadata '${key}' is ${JSON.stringify(value)}, expected a string`);
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
