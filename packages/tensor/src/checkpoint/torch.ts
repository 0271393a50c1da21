import { type ByteSource, keepingOpen, openFile } from './byte-source.ts';
import { Checkpoint, type StoredTensor } from './checkpoint.ts';
import { CheckpointError } from './checkpoint-error.ts';
import { unpickle } from './pickle.ts';
import { PickleError } from './pickle-bytes.ts';
import type { TorchFile } from './torch-file.ts';
import { type TorchTensor, torchContext } from './torch-globals.ts';
import { readLegacy } from './torch-legacy.ts';
import { collect, type TorchOptions } from './torch-values.ts';
import { makeContiguous, swapBytes } from './torch-view.ts';
import { readZip, type ZipEntry } from './zip.ts';

/** Pickles may not be longer: values of tensors are outside of them. */
const MAX_PICKLE = 100_000_000;

const ZIP = [0x50, 0x4b, 0x03, 0x04];

/**
 * Opens a checkpoint that PyTorch wrote with `torch.save` (`.pt`, `.pth`, `.bin`), in its ZIP format or the one before 1.6.
 * Nothing in it is executed: the pickle may use a short list of names (tensors, storages, dicts, numbers), anything else is
 * refused by name. Values are read from the file on demand; views are made contiguous.
 * @throws CheckpointError naming the file and what is wrong or not allowed.
 */
export async function openTorch(path: string, options: TorchOptions = {}): Promise<Checkpoint> {
  const source = await openFile(path);
  return keepingOpen(source, async () => {
    const start = await source.read(0, Math.min(4, source.size));
    const zipped = ZIP.every((byte, i) => start[i] === byte);
    const file = await naming(path, () => (zipped ? readArchive(source) : readLegacy(source)));
    const { tensors, metadata } = collect(file.value, options, path);
    return new Checkpoint({
      path,
      format: 'torch',
      tensors: new Map([...tensors].map(([name, tensor]) => [name, locate(name, tensor, file, path)])),
      metadata,
      size: source.size,
      close: () => source.close(),
    });
  });
}

async function naming<T>(path: string, run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    if (!(error instanceof PickleError)) throw error;
    throw new CheckpointError(path, `cannot be read safely: its pickle ${error.message}`, { cause: error });
  }
}

async function readArchive(source: ByteSource): Promise<TorchFile> {
  const entries = await readZip(source);
  const pickles = [...entries.values()].filter(({ path }) => /^([^/]+\/)?data\.pkl$/.test(path));
  const pickle = pickles[0];
  if (!pickle || pickles.length > 1)
    throw new CheckpointError(
      source.name,
      `is a ZIP archive with ${pickles.length} entries called data.pkl, expected the one of a PyTorch checkpoint`,
    );
  const folder = pickle.path.slice(0, -'data.pkl'.length);
  if (entries.has(`${folder}constants.pkl`))
    throw new CheckpointError(source.name, 'is a TorchScript program; save the state_dict() of its model instead');
  if (pickle.size > MAX_PICKLE)
    throw new CheckpointError(source.name, `has a pickle of ${pickle.size} bytes; at most ${MAX_PICKLE} are allowed`);
  const bytes = await pickle.read(0, pickle.size);
  return {
    value: unpickle(bytes, torchContext).value,
    storage: ({ key }) => entries.get(`${folder}data/${key}`) ?? null,
    bigEndian: await isBigEndian(entries.get(`${folder}byteorder`), source.name),
  };
}

async function isBigEndian(entry: ZipEntry | undefined, file: string): Promise<boolean> {
  if (!entry) return false; // before PyTorch 2.1
  const order = new TextDecoder().decode(await entry.read(0, Math.min(entry.size, 10)));
  if (order !== 'little' && order !== 'big')
    throw new CheckpointError(file, `has the byte order ${JSON.stringify(order)}, expected little or big`);
  return order === 'big';
}

/** Where a tensor's bytes are, checked against what the file has. */
function locate(name: string, tensor: TorchTensor, file: TorchFile, path: string): StoredTensor {
  const { storage, type, dims, strides } = tensor;
  const run = file.storage(storage);
  if (!run)
    throw new CheckpointError(path, `tensor '${name}' is in the storage '${storage.key}', which the file lacks`);
  const bytes = ((storage.offset + storage.length) * (storage.type?.bits ?? 8)) / 8;
  if (run.size < bytes)
    throw new CheckpointError(
      path,
      `tensor '${name}' is in the storage '${storage.key}' of ${bytes} bytes, of which the file has ${run.size}`,
    );
  const offset = tensor.offset + storage.offset;
  return {
    type,
    dims,
    file: path,
    identity: `${storage.key} ${type.code} ${offset} ${dims} ${strides}`,
    bytes: async () => {
      const buffer = await makeContiguous(run, type.bits / 8, offset, dims, strides);
      if (file.bigEndian) swapBytes(buffer, type.code === 'C64' ? 4 : type.bits / 8);
      return buffer;
    },
  };
}
