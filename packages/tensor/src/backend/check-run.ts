import { type DType, holds } from '../dtype.ts';
import type { HostTensor } from './backend.ts';

/** Name and element type of a session's input or output. */
export interface ValueType {
  readonly name: string;
  readonly dtype: DType;
}

/** Refuses tensors that native code would misread. @throws TypeError or RangeError naming the input or output. */
export function checkRun(
  inputTypes: readonly ValueType[],
  outputTypes: readonly ValueType[],
  inputs: readonly HostTensor[],
  outputs: readonly (HostTensor | null)[] | undefined,
): void {
  checkCount('inputs', inputTypes, inputs.length);
  if (outputs) checkCount('outputs', outputTypes, outputs.length);
  inputs.forEach((tensor, i) => {
    checkTensor('input', inputTypes[i]!, tensor);
  });
  const written = outputs?.filter((tensor) => tensor !== null) ?? [];
  if (written.length === 0) return;
  outputs!.forEach((tensor, i) => {
    if (tensor) checkTensor('output', outputTypes[i]!, tensor);
  });
  const taken = new Set<unknown>(inputs.map((tensor) => tensor.data.buffer));
  for (const { data } of written) {
    // The runtime may write an output before it has read an input for the last time, and results are wrong silently.
    if (taken.has(data.buffer) && inputs.some((tensor) => overlap(tensor.data, data)))
      throw new RangeError('an output shares memory with an input; give it a buffer of its own');
  }
}

function checkCount(what: string, types: readonly ValueType[], count: number): void {
  if (count === types.length) return;
  const names = types.map(({ name }) => name).join(', ');
  throw new RangeError(`the session has ${types.length} ${what} (${names}), got ${count}`);
}

function checkTensor(what: string, { name, dtype }: ValueType, tensor: HostTensor): void {
  const label = `${what} '${name}'`;
  if (tensor.dtype !== dtype) throw new TypeError(`${label} is ${tensor.dtype}, the session wants ${dtype}`);
  if (!holds(dtype, tensor.data))
    throw new TypeError(`${label}: ${tensor.data.constructor.name} does not hold ${dtype}`);
  const size = tensor.dims.reduce((a, b) => a * b, 1);
  if (size !== tensor.data.length)
    throw new RangeError(`${label}: ${tensor.data.length} values for the shape [${tensor.dims.join(', ')}]`);
}

function overlap(a: ArrayBufferView, b: ArrayBufferView): boolean {
  return (
    a.buffer === b.buffer && a.byteOffset < b.byteOffset + b.byteLength && b.byteOffset < a.byteOffset + a.byteLength
  );
}
