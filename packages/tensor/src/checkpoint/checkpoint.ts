import type { HostTensor } from '../backend/backend.ts';
import type { DType } from '../dtype.ts';
import { CheckpointError } from './checkpoint-error.ts';
import { HALF, type StoredType } from './stored-types.ts';

/** What a file says about a tensor. */
export interface TensorInfo {
  /** Element type in the file, by its name in safetensors: 'F32', 'BF16', 'I64' … */
  readonly type: string;
  /** Element type that `read` gives; null where there is none and only `readRaw` works. */
  readonly dtype: DType | null;
  readonly dims: readonly number[];
  /** Bytes in the file. */
  readonly byteLength: number;
}

/** A tensor as the file has it: row-major, little-endian. */
export interface RawTensor {
  readonly type: string;
  readonly dims: readonly number[];
  readonly bytes: Uint8Array<ArrayBuffer>;
}

export interface ReadOptions {
  /** F16 stays float16 (bits, half the memory) instead of becoming float32. Default false. */
  readonly half?: boolean;
}

/** What stands beside the tensors: strings in safetensors, numbers and the like in PyTorch's files. */
export type MetadataValue = string | number | bigint | boolean | null;

/** A tensor that was found in a file and not read yet. */
export interface StoredTensor {
  readonly type: StoredType;
  readonly dims: readonly number[];
  /** The file that holds it. */
  readonly file: string;
  readonly bytes: () => Promise<ArrayBuffer>;
  /** Equal for tensors of one file that are the same values. Default: no other is. */
  readonly identity?: string;
}

export interface CheckpointParts {
  readonly path: string;
  readonly format: Checkpoint['format'];
  readonly tensors: ReadonlyMap<string, StoredTensor>;
  readonly metadata: ReadonlyMap<string, MetadataValue>;
  /** Bytes of all files. */
  readonly size: number;
  readonly close: () => Promise<void>;
}

/** An open checkpoint: names, types and shapes are known, values are read from the file on demand. */
export class Checkpoint {
  readonly path: string;
  readonly format: 'safetensors' | 'torch';
  /** Every tensor by its name, in the order of the file. */
  readonly tensors: ReadonlyMap<string, TensorInfo>;
  readonly metadata: ReadonlyMap<string, MetadataValue>;
  /** Bytes of the file, or of all files. */
  readonly fileSize: number;
  readonly #stored: ReadonlyMap<string, StoredTensor>;
  readonly #close: () => Promise<void>;
  #closed = false;

  /** @internal Use `openCheckpoint`. */
  constructor({ path, format, tensors, metadata, size, close }: CheckpointParts) {
    this.path = path;
    this.format = format;
    this.metadata = metadata;
    this.tensors = new Map(
      [...tensors].map(([name, { type, dims }]) => [
        name,
        { type: type.code, dtype: type.dtype, dims, byteLength: byteLength(type, dims) },
      ]),
    );
    this.#stored = tensors;
    this.fileSize = size;
    this.#close = close;
  }

  /**
   * Reads one tensor, converted where the type has no counterpart: F16, BF16, F8 and F64 come as float32 (only F64 loses
   * precision), I16 and U16 as int32, U64 as int64.
   * @throws CheckpointError where there is no such tensor, it cannot be read, or its values do not fit.
   */
  async read(name: string, options: ReadOptions = {}): Promise<HostTensor> {
    return readStored(name, this.#find(name), options);
  }

  /** Reads the bytes of one tensor, unconverted. */
  async readRaw(name: string): Promise<RawTensor> {
    const { type, dims, bytes } = this.#find(name);
    return { type: type.code, dims, bytes: new Uint8Array(await bytes()) };
  }

  /**
   * Reads all tensors, one after the other: takes their memory and no more than one of them besides. Tensors that the file
   * has as one share an array.
   */
  async readAll(options: ReadOptions = {}): Promise<Map<string, HostTensor>> {
    const result = new Map<string, HostTensor>();
    const shared = new Map<string, HostTensor>();
    // Views let a small file describe endless tensors.
    let budget = 16 * this.fileSize + 2 ** 26;
    for (const [name, stored] of this.#stored) {
      const identity = stored.identity === undefined ? null : `${stored.file}\n${stored.identity}`;
      let tensor = identity === null ? undefined : shared.get(identity);
      if (!tensor) {
        budget -= byteLength(stored.type, stored.dims);
        if (budget < 0)
          throw new CheckpointError(
            this.path,
            `has ${this.fileSize} bytes, but tensors (views of the same bytes) that take over 16 times as many; read them one by one`,
          );
        tensor = await readStored(name, stored, options);
        if (identity !== null) shared.set(identity, tensor);
      }
      result.set(name, tensor);
    }
    return result;
  }

  /** Closes the file; calling it twice is harmless. */
  async dispose(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#close();
  }

  #find(name: string): StoredTensor {
    const stored = this.#stored.get(name);
    if (stored) return stored;
    const names = [...this.#stored.keys()];
    const some = names.slice(0, 3).map((other) => `'${other}'`);
    throw new CheckpointError(
      this.path,
      `has no tensor '${name}'; it has ${names.length}: ${some.join(', ')}${names.length > 3 ? ', …' : ''}`,
    );
  }

  /** For those who combine checkpoints. @internal */
  stored(): ReadonlyMap<string, StoredTensor> {
    return this.#stored;
  }
}

/** Bytes of a tensor in a file; not a whole number where packed elements do not fill one. */
export function byteLength({ bits }: StoredType, dims: readonly number[]): number {
  return dims.reduce((a, b) => a * b, bits / 8);
}

async function readStored(name: string, stored: StoredTensor, { half = false }: ReadOptions): Promise<HostTensor> {
  return convert(name, stored, stored.type.dtype === null ? new ArrayBuffer(0) : await stored.bytes(), half);
}

/** Makes one of our tensors from the bytes of a stored one. @throws CheckpointError naming file and tensor. */
export function convert(
  name: string,
  { type, dims, file }: Pick<StoredTensor, 'type' | 'dims' | 'file'>,
  bytes: ArrayBuffer,
  half: boolean,
): HostTensor {
  const target = half && type.code === 'F16' ? HALF : type;
  try {
    return { data: target.read(bytes), dtype: target.dtype!, dims };
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new CheckpointError(file, `tensor '${name}' ${type.code} ${error.message}`, { cause: error });
  }
}
