import { type PickleContext, PickleGlobal, PickleObject, type PickleValue } from './pickle.ts';
import { PickleError } from './pickle-bytes.ts';
import { STORED, type StoredType } from './stored-types.ts';

/** A storage that a pickle refers to: a run of elements in the file. */
export class TorchStorage extends PickleObject {
  readonly key: string;
  /** Null for untyped storages, whose elements are bytes. */
  readonly type: StoredType | null;
  readonly length: number;
  /** Elements of the stored run that come before it. */
  readonly offset: number;

  constructor(key: string, type: StoredType | null, length: number, offset = 0) {
    super();
    this.key = key;
    this.type = type;
    this.length = length;
    this.offset = offset;
  }
}

/** A tensor as a pickle describes it: a view of a storage. */
export class TorchTensor extends PickleObject {
  readonly storage: TorchStorage;
  readonly type: StoredType;
  /** In elements, from the beginning of the storage. */
  readonly offset: number;
  readonly dims: readonly number[];
  /** In elements. */
  readonly strides: readonly number[];

  constructor(
    storage: TorchStorage,
    type: StoredType,
    offset: number,
    dims: readonly number[],
    strides: readonly number[],
  ) {
    super();
    this.storage = storage;
    this.type = type;
    this.offset = offset;
    this.dims = dims;
    this.strides = strides;
  }
}

/** argparse.Namespace: a dict whose items come as its state. */
class Namespace extends PickleObject {
  readonly items = new Map<PickleValue, PickleValue>();

  override setState(state: PickleValue): void {
    if (!(state instanceof Map)) throw new PickleError('has a Namespace whose state is no dict');
    for (const [key, value] of state) this.items.set(key, value);
  }
}

/** A type of NumPy's, as its scalars need it. */
class NumpyType extends PickleObject {
  readonly code: string;
  #littleEndian = true;

  constructor(code: string) {
    super();
    this.code = code;
  }

  override setState(state: PickleValue): void {
    this.#littleEndian = !(Array.isArray(state) && state[1] === '>');
  }

  scalar(bytes: Uint8Array): PickleValue {
    const data = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const readers: Readonly<Record<string, () => number | bigint | boolean>> = {
      f8: () => data.getFloat64(0, this.#littleEndian),
      f4: () => data.getFloat32(0, this.#littleEndian),
      i8: () => data.getBigInt64(0, this.#littleEndian),
      u8: () => data.getBigUint64(0, this.#littleEndian),
      i4: () => data.getInt32(0, this.#littleEndian),
      u4: () => data.getUint32(0, this.#littleEndian),
      i2: () => data.getInt16(0, this.#littleEndian),
      u2: () => data.getUint16(0, this.#littleEndian),
      i1: () => data.getInt8(0),
      u1: () => data.getUint8(0),
      b1: () => data.getUint8(0) !== 0,
    };
    if (!Object.hasOwn(readers, this.code) || bytes.length !== Number(this.code[1]))
      throw new PickleError(`has a NumPy scalar of type ${JSON.stringify(this.code)} in ${bytes.length} bytes`);
    const value = readers[this.code]!();
    return typeof value === 'bigint' && Number.isSafeInteger(Number(value)) ? Number(value) : value;
  }
}

/** torch.float8_e4m3fn and the like, as arguments. */
class TypeGlobal extends PickleGlobal {
  readonly type: StoredType;

  constructor(name: string, code: string) {
    super(name);
    this.type = STORED.get(code)!;
  }
}

const STORAGES: Readonly<Record<string, string>> = {
  Double: 'F64',
  Float: 'F32',
  Half: 'F16',
  BFloat16: 'BF16',
  Long: 'I64',
  Int: 'I32',
  Short: 'I16',
  Char: 'I8',
  Byte: 'U8',
  Bool: 'BOOL',
  ComplexFloat: 'C64',
};

const TYPES: Readonly<Record<string, string>> = {
  float64: 'F64',
  float32: 'F32',
  float16: 'F16',
  bfloat16: 'BF16',
  int64: 'I64',
  int32: 'I32',
  int16: 'I16',
  int8: 'I8',
  uint8: 'U8',
  uint16: 'U16',
  uint32: 'U32',
  uint64: 'U64',
  bool: 'BOOL',
  complex64: 'C64',
  float8_e4m3fn: 'F8_E4M3',
  float8_e5m2: 'F8_E5M2',
  float8_e4m3fnuz: 'F8_E4M3FNUZ',
  float8_e5m2fnuz: 'F8_E5M2FNUZ',
  float8_e8m0fnu: 'F8_E8M0',
};

const UNTYPED = new PickleGlobal('torch.storage.UntypedStorage');
const TENSOR_CLASSES = ['torch.Tensor', 'torch.nn.parameter.Parameter'];

/** Everything that a checkpoint may name; what is missing here is refused. */
const GLOBALS: ReadonlyMap<string, PickleGlobal> = new Map(
  [
    new PickleGlobal('collections.OrderedDict', dict),
    new PickleGlobal('collections.Counter', dict),
    new PickleGlobal('collections.defaultdict', () => new Map()),
    new PickleGlobal('argparse.Namespace', () => new Namespace()),
    ...['builtins', '__builtin__'].flatMap((module) => [
      new PickleGlobal(`${module}.set`, ([items]) => new Set(listOf(items ?? [], 'a set'))),
      new PickleGlobal(`${module}.dict`, dict),
      new PickleGlobal(`${module}.list`, ([items]) => [...listOf(items ?? [], 'a list')]),
      new PickleGlobal(`${module}.int`),
      new PickleGlobal(`${module}.float`),
    ]),
    new PickleGlobal('_codecs.encode', encode),
    ...['numpy._core.multiarray.scalar', 'numpy.core.multiarray.scalar'].map((name) => new PickleGlobal(name, scalar)),
    new PickleGlobal('numpy.dtype', ([code]) => new NumpyType(String(code))),
    new PickleGlobal('torch.Size', ([sizes]) => [...listOf(sizes ?? [], 'torch.Size')]),
    new PickleGlobal('torch.device', ([type, index]) => (index === undefined ? type! : `${type}:${index}`)),
    ...TENSOR_CLASSES.map((name) => new PickleGlobal(name)),
    UNTYPED,
    new PickleGlobal('torch._utils._rebuild_tensor', rebuild),
    new PickleGlobal('torch._utils._rebuild_tensor_v2', rebuild),
    new PickleGlobal('torch._utils._rebuild_tensor_v3', rebuildUntyped),
    new PickleGlobal('torch._utils._rebuild_parameter', ([tensor]) => tensorOf(tensor)),
    new PickleGlobal('torch._utils._rebuild_parameter_with_state', ([tensor]) => tensorOf(tensor)),
    new PickleGlobal('torch._tensor._rebuild_from_type_v2', rebuildTyped),
    ...Object.entries(STORAGES).map(([name, code]) => new TypeGlobal(`torch.${name}Storage`, code)),
    ...Object.entries(TYPES).map(([name, code]) => new TypeGlobal(`torch.${name}`, code)),
  ].map((global) => [global.name, global]),
);

/** What PyTorch's checkpoints may contain. */
export const torchContext: PickleContext = {
  find: (name) => GLOBALS.get(name === 'torch.UntypedStorage' ? UNTYPED.name : name) ?? null,
  persistent: storageOf,
};

/** The items of what was a Namespace, or the value. */
export function plainValue(value: PickleValue): PickleValue {
  return value instanceof Namespace ? value.items : value;
}

/** `('storage', class, key, device, length)`; a sixth item, of the old format, makes it a view of another one. */
function storageOf(id: PickleValue): TorchStorage {
  const [kind, type, key, , length, view] = Array.isArray(id) ? id : [];
  const known = type instanceof TypeGlobal || type === UNTYPED;
  if (kind !== 'storage' || !known || typeof key !== 'string' || !isSize(length))
    throw new PickleError('has a persistent id that is no storage');
  const stored = type instanceof TypeGlobal ? type.type : null;
  if (!Array.isArray(view)) return new TorchStorage(key, stored, length);
  const [, offset, size] = view;
  if (!isSize(offset) || !isSize(size) || offset + size > length)
    throw new PickleError(`has the storage '${key}' as a view that lies outside of it`);
  return new TorchStorage(key, stored, size, offset);
}

/** `(storage, offset, size, stride, …)` */
function rebuild([storage, offset, dims, strides, , , attributes]: readonly PickleValue[]): TorchTensor {
  if (!(storage instanceof TorchStorage) || !storage.type)
    throw new PickleError('has a tensor without a typed storage');
  if (attributes instanceof Map && attributes.size > 0)
    throw new PickleError(
      `has a tensor that is ${[...attributes.keys()].map(String).join(' and ')}; resolve it before saving`,
    );
  return viewOf(storage, storage.type, storage.length, offset, dims, strides);
}

/** `(storage, offset, size, stride, requires_grad, hooks, type, …)`, for types that have no storage class of their own. */
function rebuildUntyped([storage, offset, dims, strides, , , type]: readonly PickleValue[]): TorchTensor {
  if (!(storage instanceof TorchStorage) || storage.type || !(type instanceof TypeGlobal))
    throw new PickleError('has a tensor without an untyped storage and a type');
  return viewOf(storage, type.type, Math.floor((storage.length * 8) / type.type.bits), offset, dims, strides);
}

/** `(function, class, arguments, state)`: a tensor with attributes, which are not kept. */
function rebuildTyped([callee, type, args]: readonly PickleValue[]): TorchTensor {
  if (!(type instanceof PickleGlobal) || !TENSOR_CLASSES.includes(type.name) || !Array.isArray(args))
    throw new PickleError('has a tensor of an unknown class');
  if (!(callee instanceof PickleGlobal) || !callee.name.startsWith('torch._utils._rebuild_') || !callee.call)
    throw new PickleError("has a tensor that is not built by one of PyTorch's functions");
  return tensorOf(callee.call(args));
}

function viewOf(
  storage: TorchStorage,
  type: StoredType,
  length: number,
  offset: PickleValue | undefined,
  dims: PickleValue | undefined,
  strides: PickleValue | undefined,
): TorchTensor {
  if (!isSize(offset) || !isSizes(dims) || !isSizes(strides) || dims.length !== strides.length || dims.length > 64)
    throw new PickleError(`has a tensor of storage '${storage.key}' whose offset, size or stride is wrong`);
  const size = dims.reduce((a, b) => a * b, 1);
  const last = dims.reduce((sum, dim, i) => sum + (dim - 1) * strides[i]!, offset);
  if (size > 0 && !(last < length))
    throw new PickleError(
      `has the tensor [${dims.join(', ')}] with stride [${strides.join(', ')}] at ${offset}, which its storage '${storage.key}' of ${length} elements does not hold`,
    );
  // Expanded dims repeat values; a few bytes must not ask for all memory.
  if (size > length && size > 2 ** 24)
    throw new PickleError(
      `has a tensor [${dims.join(', ')}] that repeats ${length} stored elements; save it contiguous`,
    );
  return new TorchTensor(storage, type, offset, dims, strides);
}

function tensorOf(value: PickleValue | undefined): TorchTensor {
  if (!(value instanceof TorchTensor)) throw new PickleError('has a parameter that is no tensor');
  return value;
}

function dict([items]: readonly PickleValue[]): Map<PickleValue, PickleValue> {
  if (items instanceof Map) return new Map(items);
  const result = new Map<PickleValue, PickleValue>();
  for (const item of listOf(items ?? [], 'a dict')) {
    if (!Array.isArray(item) || item.length !== 2) throw new PickleError('has a dict made of what are no pairs');
    result.set(item[0]!, item[1]!);
  }
  return result;
}

function listOf(value: PickleValue, what: string): PickleValue[] {
  if (!Array.isArray(value)) throw new PickleError(`has ${what} made of what is no list`);
  return value;
}

/** How protocol 2 writes bytes: as text of their codes. */
function encode([text, encoding]: readonly PickleValue[]): Uint8Array {
  if (typeof text !== 'string' || encoding !== 'latin1') throw new PickleError('encodes text other than latin1');
  return Uint8Array.from(text, (char) => char.charCodeAt(0));
}

function scalar([type, bytes]: readonly PickleValue[]): PickleValue {
  if (!(type instanceof NumpyType) || !(bytes instanceof Uint8Array))
    throw new PickleError('has a NumPy scalar without its type and bytes');
  return type.scalar(bytes);
}

function isSize(value: PickleValue | undefined): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}

function isSizes(value: PickleValue | undefined): value is number[] {
  return Array.isArray(value) && value.every(isSize);
}
