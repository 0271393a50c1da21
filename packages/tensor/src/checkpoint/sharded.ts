import { dirname, join } from 'node:path';
import { openFile } from './byte-source.ts';
import { Checkpoint, type MetadataValue, type StoredTensor } from './checkpoint.ts';
import { CheckpointError } from './checkpoint-error.ts';
import { duplicateKey } from './json-keys.ts';

/** Indexes may not be longer. */
const MAX_INDEX = 100_000_000;

/**
 * Opens a checkpoint in several files by its index (`model.safetensors.index.json`, `pytorch_model.bin.index.json`), whose
 * `weight_map` says which file, beside the index, has which tensor. What the index does not name is not seen.
 * @param openShard opens one of the files.
 * @throws CheckpointError where a file, or a tensor in its file, is missing.
 */
export async function openSharded(path: string, openShard: (path: string) => Promise<Checkpoint>): Promise<Checkpoint> {
  const { weightMap, metadata } = parseIndex(await readIndex(path), path);
  const shards = new Map<string, Checkpoint>();
  const close = async (): Promise<void> => {
    for (const shard of shards.values()) await shard.dispose();
  };
  try {
    for (const file of new Set(weightMap.values())) {
      const shard = await openShard(join(dirname(path), file)).catch((error: unknown) => {
        if ((error as { cause?: { code?: string } }).cause?.code !== 'ENOENT') throw error;
        const names = [...weightMap].filter(([, other]) => other === file).map(([name]) => name);
        const what = names.length === 1 ? `the tensor '${names[0]}'` : `${names.length} tensors ('${names[0]}' …)`;
        throw new CheckpointError(path, `needs the file ${file} for ${what}; there is none`, { cause: error });
      });
      shards.set(file, shard);
    }
    const tensors = new Map<string, StoredTensor>();
    for (const [name, file] of weightMap) {
      const stored = shards.get(file)!.stored().get(name);
      if (!stored)
        throw new CheckpointError(path, `says that the tensor '${name}' is in ${file}, which does not have it`);
      tensors.set(name, stored);
    }
    const opened = [...shards.values()];
    return new Checkpoint({
      path,
      format: opened[0]?.format ?? 'safetensors',
      tensors,
      metadata: new Map([...opened.flatMap((shard) => [...shard.metadata]), ...metadata]),
      size: opened.reduce((sum, shard) => sum + shard.fileSize, 0),
      close,
    });
  } catch (error) {
    await close();
    throw error;
  }
}

async function readIndex(path: string): Promise<Uint8Array> {
  const source = await openFile(path);
  try {
    if (source.size > MAX_INDEX)
      throw new CheckpointError(path, `has ${source.size} bytes; an index has at most ${MAX_INDEX}`);
    return await source.read(0, source.size);
  } finally {
    await source.close();
  }
}

interface Index {
  readonly weightMap: ReadonlyMap<string, string>;
  readonly metadata: ReadonlyMap<string, MetadataValue>;
}

function parseIndex(bytes: Uint8Array, path: string): Index {
  let index: unknown;
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    index = JSON.parse(text);
  } catch (error) {
    throw new CheckpointError(path, `is no JSON: ${(error as Error).message}`, { cause: error });
  }
  const twice = duplicateKey(text);
  if (twice !== null) throw new CheckpointError(path, `has the key '${twice}' twice`);
  const { weight_map: map, metadata } = (index ?? {}) as Record<string, unknown>;
  if (typeof map !== 'object' || map === null || Array.isArray(map))
    throw new CheckpointError(path, 'has no weight_map, an object from the names of tensors to those of files');
  for (const [name, file] of Object.entries(map)) {
    // A file name alone: an index must not reach outside its folder.
    if (typeof file !== 'string' || file === '' || file === '.' || file === '..' || /[\\/\0]/.test(file))
      throw new CheckpointError(
        path,
        `puts '${name}' in ${JSON.stringify(file)}, expected the name of a file beside it`,
      );
  }
  const plain = Object.entries(metadata ?? {}).filter(
    (entry): entry is [string, MetadataValue] => entry[1] === null || typeof entry[1] !== 'object',
  );
  return { weightMap: new Map(Object.entries(map)), metadata: new Map(plain) };
}
