import type { HostTensor } from '../backend/backend.ts';
import { keepingOpen, openFile } from './byte-source.ts';
import { Checkpoint, convert, type ReadOptions, type StoredTensor } from './checkpoint.ts';
import { type Entry, headerLength, PREFIX, parseHeader } from './safetensors-header.ts';

/**
 * Opens a checkpoint (https://github.com/huggingface/safetensors#format): reads its header, and tensors on demand. No byte
 * of the file is trusted.
 * @throws CheckpointError naming the file, the tensor, and what was expected.
 */
export async function openSafetensors(path: string): Promise<Checkpoint> {
  const source = await openFile(path);
  return keepingOpen(source, async () => {
    const start = PREFIX + headerLength(await source.read(0, Math.min(PREFIX, source.size)), source.size, path);
    const { entries, metadata } = parseHeader(await source.read(PREFIX, start), source.size - start, path);
    const stored = ({ type, dims, begin, end }: Entry): StoredTensor => ({
      type,
      dims,
      file: path,
      bytes: async () => (await source.read(start + begin, start + end)).buffer,
    });
    return new Checkpoint({
      path,
      format: 'safetensors',
      tensors: new Map(entries.map((entry) => [entry.key, stored(entry)])),
      metadata,
      size: source.size,
      close: () => source.close(),
    });
  });
}

/** Opens a checkpoint and reads all of it; see `Checkpoint.readAll` for conversions and memory. */
export async function readSafetensors(path: string, options: ReadOptions = {}): Promise<Map<string, HostTensor>> {
  const checkpoint = await openSafetensors(path);
  try {
    return await checkpoint.readAll(options);
  } finally {
    await checkpoint.dispose();
  }
}

/** As `readSafetensors`, from memory, which is copied; `name` stands for the file in errors. */
export function parseSafetensors(
  bytes: Uint8Array,
  name: string,
  { half = false }: ReadOptions = {},
): Map<string, HostTensor> {
  const start = PREFIX + headerLength(bytes, bytes.length, name);
  const { entries } = parseHeader(bytes.subarray(PREFIX, start), bytes.length - start, name);
  // A copy is aligned, whatever the header's length.
  const copy = ({ begin, end }: Entry): ArrayBuffer =>
    new Uint8Array(bytes.subarray(start + begin, start + end)).buffer;
  return new Map(entries.map((entry) => [entry.key, convert(entry.key, { ...entry, file: name }, copy(entry), half)]));
}
