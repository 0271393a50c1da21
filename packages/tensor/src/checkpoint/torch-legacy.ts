import type { ByteSource } from './byte-source.ts';
import { CheckpointError } from './checkpoint-error.ts';
import { type PickleValue, unpickle } from './pickle.ts';
import { PickleError } from './pickle-bytes.ts';
import type { TorchFile } from './torch-file.ts';
import { TorchStorage, torchContext } from './torch-globals.ts';
import type { StorageBytes } from './torch-view.ts';

const MAGIC = 0x1950a86a20f9469cfc6cn;
const VERSION = 1001;
const MAX_PICKLE = 100_000_000;

/**
 * Reads the format before PyTorch 1.6: pickles of a magic number, a version, the system's properties, the value and the keys
 * of its storages, then the storages, each a count of elements (8 bytes) and the elements.
 */
export async function readLegacy(source: ByteSource): Promise<TorchFile> {
  const widths = new Map<string, number>();
  const context = {
    ...torchContext,
    persistent: (id: PickleValue): PickleValue => {
      const storage = torchContext.persistent(id);
      if (storage instanceof TorchStorage) widths.set(storage.key, (storage.type?.bits ?? 8) / 8);
      return storage;
    },
  };
  const { values, end } = await readPickles(source, context);
  const [magic, version, system, value, keys] = values;
  if (magic !== MAGIC || version !== VERSION)
    throw new CheckpointError(
      source.name,
      'is no checkpoint of PyTorch: neither its ZIP format nor the one before 1.6; load it there and save it again with torch.save',
    );
  if (system instanceof Map && system.get('little_endian') === false)
    throw new CheckpointError(
      source.name,
      'was written by a big-endian machine before PyTorch 1.6; save it again there',
    );
  if (!Array.isArray(keys)) throw new PickleError('has no list of storages');
  const places = await findStorages(source, end, keys, widths);
  return { value: value!, storage: ({ key }) => places.get(key) ?? null, bigEndian: false };
}

/** The five pickles at the file's beginning. Their length is not known before, so more and more is read. */
async function readPickles(
  source: ByteSource,
  context: typeof torchContext,
): Promise<{ values: PickleValue[]; end: number }> {
  for (let length = 1 << 16; ; length *= 8) {
    const bytes = await source.read(0, Math.min(length, source.size, MAX_PICKLE));
    try {
      const values: PickleValue[] = [];
      let end = 0;
      while (values.length < 5) {
        const next = unpickle(bytes, context, end);
        values.push(next.value);
        end = next.end;
        if (values[0] !== MAGIC) break; // something else that begins like a pickle
      }
      return { values, end };
    } catch (error) {
      if (!(error instanceof PickleError && error.truncated) || bytes.length === source.size || length >= MAX_PICKLE)
        throw error;
    }
  }
}

async function findStorages(
  source: ByteSource,
  start: number,
  keys: readonly PickleValue[],
  widths: ReadonlyMap<string, number>,
): Promise<Map<string, StorageBytes>> {
  const places = new Map<string, StorageBytes>();
  let at = start;
  for (const key of keys) {
    const width = typeof key === 'string' ? widths.get(key) : undefined;
    if (typeof key !== 'string' || width === undefined || places.has(key))
      throw new PickleError(`lists the storage ${JSON.stringify(key)}, which no tensor has`);
    if (at + 8 > source.size)
      throw new CheckpointError(source.name, `ends before the storage '${key}'; it is truncated`);
    const count = Number(new DataView((await source.read(at, at + 8)).buffer).getBigUint64(0, true));
    const begin = at + 8;
    const size = count * width;
    if (begin + size > source.size)
      throw new CheckpointError(
        source.name,
        `has ${source.size - begin} bytes of the ${size} of storage '${key}'; it is truncated`,
      );
    places.set(key, { size, read: (from, to) => source.read(begin + from, begin + to) });
    at = begin + size;
  }
  return places;
}
