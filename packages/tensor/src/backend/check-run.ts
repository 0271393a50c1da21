import { type DType, holds } from '../dtype.ts';
import type { HostTensor, ResultShape, SessionOptions } from './backend.ts';
import { OPTIMIZATIONS } from './optimizations.ts';

/** Name and element type of a session's input or output. */
export interface ValueType {
  readonly name: string;
  readonly dtype: DType;
}

/** The tensor to write into, where there is one. */
export const given = (output: HostTensor | ResultShape | null): HostTensor | null =>
  output && 'data' in output ? output : null;

/** @throws RangeError or TypeError naming the option. */
export function checkOptions({ threads, optimization }: SessionOptions): void {
  if (threads !== undefined && !(Number.isInteger(threads) && threads >= 1 && threads <= 1024))
    throw new RangeError(`the option 'threads' must be an integer from 1 to 1024, got ${threads}`);
  if (optimization !== undefined && !OPTIMIZATIONS.includes(optimization))
    throw new TypeError(`the option 'optimization' must be one of ${OPTIMIZATIONS.join(', ')}, got '${optimization}'`);
}

/** Refuses tensors that native code would misread. @throws TypeError or RangeError naming the input or output. */
export function checkRun(
  inputTypes: readonly ValueType[],
  outputTypes: readonly ValueType[],
  inputs: readonly HostTensor[],
  outputs: readonly (HostTensor | null)[] | undefined,
  inPlace: SessionOptions['inPlace'] = {},
): void {
  checkCount('inputs', inputTypes, inputs.length);
  inputs.forEach((tensor, i) => {
    checkTensor('input', inputTypes[i]!, tensor);
  });
  if (!outputs) return;
  checkCount('outputs', outputTypes, outputs.length);
  outputs.forEach((tensor, i) => {
    if (tensor !== null) checkTensor('output', outputTypes[i]!, tensor);
  });
  checkMemory(inputTypes, outputTypes, inputs, outputs, inPlace);
}

function checkCount(what: string, types: readonly ValueType[], count: number): void {
  if (count === types.length) return;
  const names = types.map(({ name }) => name).join(', ');
  throw new RangeError(`the session has ${types.length} ${what} (${names}), got ${count}`);
}

function checkTensor(what: string, { name, dtype }: ValueType, tensor: HostTensor | undefined): void {
  let size = 1;
  if (tensor) for (const dim of tensor.dims) size *= dim;
  if (tensor?.dtype === dtype && size === tensor.data.length && holds(dtype, tensor.data)) return;
  const label = `${what} '${name}'`;
  if (!tensor) throw new TypeError(`${label} is missing: got ${tensor}, expected a tensor of ${dtype}`);
  if (tensor.dtype !== dtype) throw new TypeError(`${label} is ${tensor.dtype}, expected ${dtype}`);
  if (!holds(dtype, tensor.data))
    throw new TypeError(`${label}: a ${tensor.data.constructor.name} does not hold ${dtype}`);
  throw new RangeError(
    `${label}: ${tensor.data.length} values for the shape [${tensor.dims.join(', ')}], which needs ${size}`,
  );
}

interface Range {
  readonly name: string;
  readonly written: boolean;
  readonly begin: number;
  readonly end: number;
}

/**
 * Refuses an output that shares memory with an input or with another output. The runtime may write an output before it has
 * read an input for the last time; nothing fails then, the results are wrong.
 */
function checkMemory(
  inputTypes: readonly ValueType[],
  outputTypes: readonly ValueType[],
  inputs: readonly HostTensor[],
  outputs: readonly (HostTensor | null)[],
  inPlace: NonNullable<SessionOptions['inPlace']>,
): void {
  const written = new Map<ArrayBufferLike, Range[]>();
  const same = new Map<string, HostTensor>(); // input → the output that may lie in its place
  outputs.forEach((tensor, i) => {
    if (!tensor) return;
    const place = inPlace[outputTypes[i]!.name];
    if (place !== undefined) same.set(place, tensor);
    const known = written.get(tensor.data.buffer);
    const range = rangeOf(outputTypes[i]!.name, true, tensor);
    if (known) known.push(range);
    else written.set(tensor.data.buffer, [range]);
  });
  inputs.forEach((tensor, i) => {
    const { name } = inputTypes[i]!;
    if (!sameMemory(tensor, same.get(name))) written.get(tensor.data.buffer)?.push(rangeOf(name, false, tensor));
  });
  for (const ranges of written.values()) if (ranges.length > 1) checkRanges(ranges);
}

function sameMemory({ data }: HostTensor, other: HostTensor | undefined): boolean {
  return (
    data.buffer === other?.data.buffer &&
    data.byteOffset === other.data.byteOffset &&
    data.byteLength === other.data.byteLength
  );
}

const labelOf = ({ name, written }: Range): string => `the ${written ? 'output' : 'input'} '${name}'`;

function rangeOf(name: string, written: boolean, { data }: HostTensor): Range {
  return { name, written, begin: data.byteOffset, end: data.byteOffset + data.byteLength };
}

/** Inputs may overlap each other. Everything else is compared with the output, and the range, that reaches furthest. */
function checkRanges(ranges: Range[]): void {
  let furthest: Range | undefined;
  let furthestOutput: Range | undefined;
  for (const range of ranges.filter(({ begin, end }) => begin < end).sort((a, b) => a.begin - b.begin)) {
    const other = range.written ? furthest : furthestOutput;
    if (other && range.begin < other.end) {
      const [output, shared] = range.written ? [range, other] : [other, range];
      throw new RangeError(`${labelOf(output)} shares memory with ${labelOf(shared)}; give it a buffer of its own`);
    }
    if (!furthest || range.end > furthest.end) furthest = range;
    if (range.written && (!furthestOutput || range.end > furthestOutput.end)) furthestOutput = range;
  }
}
