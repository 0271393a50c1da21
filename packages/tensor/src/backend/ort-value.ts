import { allocate, bytesOf, onnxType, type TypedArray, view } from '../dtype.ts';
import type { HostTensor } from './backend.ts';
import { type Address, addressOf, copyMemory } from './c-api.ts';
import { check, created, elementType, type Runtime } from './runtime.ts';

/** OrtValues over typed arrays, one per HostTensor for as long as that object lives: binding it again costs nothing. */
const values = new WeakMap<HostTensor, Address>();

interface Bound {
  readonly runtime: Runtime;
  readonly value: Address;
  /** Held, so that the memory lives as long as the value that points to it. */
  readonly data: TypedArray;
}

const forgotten = new FinalizationRegistry<Bound>(({ runtime, value }) => runtime.api.releaseValue(value));

/** The OrtValue over a tensor's own memory. */
export function ortValue(runtime: Runtime, tensor: HostTensor): Address {
  const known = values.get(tensor);
  if (known !== undefined) return known;
  const { api, memoryInfo } = runtime;
  const { dtype, dims, data } = tensor;
  const shape = BigInt64Array.from(dims, BigInt);
  const value = created(api, (out) =>
    api.createTensorWithData(memoryInfo, addressOf(data), data.byteLength, shape, dims.length, onnxType(dtype), out),
  );
  values.set(tensor, value);
  forgotten.register(tensor, { runtime, value, data });
  return value;
}

/** Copies an OrtValue that the runtime made. The caller releases it. */
export function read({ api }: Runtime, value: Address): HostTensor {
  const info = created(api, (out) => api.tensorTypeAndShape(value, out));
  try {
    const dtype = elementType(api, info);
    const rank = Number(created(api, (out) => api.rank(info, out)));
    const shape = new BigInt64Array(rank);
    check(api, api.dims(info, shape, rank));
    const dims = Array.from(shape, Number);
    const length = dims.reduce((a, b) => a * b, 1);
    if (length === 0) return { dtype, dims, data: allocate(dtype, 0) };
    const address = created(api, (out) => api.tensorData(value, out));
    return { dtype, dims, data: view(dtype, copyMemory(address, length * bytesOf(dtype)).buffer, 0, length) };
  } finally {
    api.releaseTensorInfo(info);
  }
}
