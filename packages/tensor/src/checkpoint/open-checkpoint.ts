import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { HostTensor } from '../backend/backend.ts';
import { openFile } from './byte-source.ts';
import type { Checkpoint, ReadOptions } from './checkpoint.ts';
import { CheckpointError } from './checkpoint-error.ts';
import { openSafetensors } from './safetensors.ts';
import { openSharded } from './sharded.ts';
import { openTorch } from './torch.ts';
import type { TorchOptions } from './torch-values.ts';

/** Names of checkpoints in a folder, the ones we would rather read first. */
const NAMES = [
  'model.safetensors',
  'model.safetensors.index.json',
  'pytorch_model.bin',
  'pytorch_model.bin.index.json',
  'diffusion_pytorch_model.safetensors',
  'diffusion_pytorch_model.safetensors.index.json',
];

/**
 * Opens a checkpoint, whose format its content tells: safetensors, a PyTorch file, or the index of one in several files.
 * In a folder, looks for `model.safetensors`, its index, `pytorch_model.bin`, its index. Reads no values yet; dispose of
 * what it returns.
 * @param options `root` and `flatten` are for PyTorch files, whose values can be nested.
 * @throws CheckpointError naming the file and what is wrong with it.
 */
export async function openCheckpoint(path: string, options: TorchOptions = {}): Promise<Checkpoint> {
  const info = await stat(path).catch(() => null);
  if (!info?.isDirectory()) return openFileOrIndex(path, options);
  for (const name of NAMES) {
    const file = join(path, name);
    if (await stat(file).catch(() => null)) return openFileOrIndex(file, options);
  }
  throw new CheckpointError(path, `holds no checkpoint; looked for ${NAMES.join(', ')}`);
}

/** Opens a checkpoint as `openCheckpoint` does and reads all of it; see `Checkpoint.readAll`. */
export async function readCheckpoint(
  path: string,
  options: TorchOptions & ReadOptions = {},
): Promise<Map<string, HostTensor>> {
  const checkpoint = await openCheckpoint(path, options);
  try {
    return await checkpoint.readAll(options);
  } finally {
    await checkpoint.dispose();
  }
}

async function openFileOrIndex(path: string, options: TorchOptions): Promise<Checkpoint> {
  return (await formatOf(path)) === 'index'
    ? openSharded(path, (shard) => openSingle(shard, options))
    : openSingle(path, options);
}

async function openSingle(path: string, options: TorchOptions): Promise<Checkpoint> {
  const format = await formatOf(path);
  if (format === 'torch') return openTorch(path, options);
  if (format === 'index') throw new CheckpointError(path, 'is an index, where a file with tensors is expected');
  if (options.root !== undefined && options.root.length > 0)
    throw new CheckpointError(
      path,
      `is a safetensors file, which has no nested values; the option root is ${options.root}`,
    );
  return openSafetensors(path);
}

/** Told from the first bytes; what is nothing else is left to the safetensors reader, whose messages explain most. */
async function formatOf(path: string): Promise<'safetensors' | 'torch' | 'index'> {
  const source = await openFile(path);
  try {
    const start = await source.read(0, Math.min(64, source.size));
    const text = new TextDecoder('latin1').decode(start);
    if (text.startsWith('PK\x03\x04') || (start[0] === 0x80 && start[1]! >= 2 && start[1]! <= 5 && text[8] !== '{'))
      return 'torch';
    return /^\s*\{/.test(text) && text[8] !== '{' ? 'index' : 'safetensors';
  } finally {
    await source.close();
  }
}
