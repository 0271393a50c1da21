import { allocate, bytesOf, onnxType, type TypedArray, view } from '../dtype.ts';
import type { HostTensor } from './backend.ts';
import { type Address, addressOf, copyMemory } from './c-api.ts';
import { check, created, elementType, type Runtime } from './runtime.ts';

/** OrtValues of tensors that are written again and again, one per HostTensor for as long as that object lives. */
const values = new WeakMap<HostTensor, Address>();

interface Bound {
  readonly runtime: Runtime;
  readonly value: Address;
  /** Held, so that the memory lives as long as the value that points to it. */
  readonly data: TypedArray;
}

const forgotten = new FinalizationRegistry<Bound>(({ runtime, value }) => runtime.api.releaseValue(value));

/** An OrtValue over a tensor's own memory; the caller releases it. */
export function bind({ api, memoryInfo }: Runtime, { dtype, dims, data }: HostTensor): Address {
  const shape = BigInt64Array.from(dims, BigInt);
  return created(api, (out) =>
    api.createTensorWithData(memoryInfo, addressOf(data), data.byteLength, shape, dims.length, onnxType(dtype), out),
  );
}

/** The OrtValue that a tensor keeps, where it has one. */
export const kept = (tensor: HostTensor): Address | undefined => values.get(tensor);

/**
 * The OrtValue that a tensor keeps until it is collected: binding it again costs nothing. Not for what is used once, since it
 * lives on, with its data, until V8 collects the whole heap.
 */
export function bindForGood(runtime: Runtime, tensor: HostTensor): Address {
  const known = values.get(tensor);
  if (known !== undefined) return known;
  const value = bind(runtime, tensor);
  values.set(tensor, value);
  forgotten.register(tensor, { runtime, value, data: tensor.data });
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
