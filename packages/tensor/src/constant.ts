import { outputOf } from './apply.ts';
import type { HostTensor } from './backend/backend.ts';
import { toFloat16 } from './checkpoint/float16.ts';
import { formatShape } from './dim.ts';
import { allocate, type DType, holds, type TypedArray } from './dtype.ts';
import { ShapeError } from './errors.ts';
import type { Tensor } from './tensor.ts';

/** Values by rows, as deep as the tensor has axes. */
export type NestedArray = number | boolean | readonly NestedArray[];

/** What stands for a tensor in arithmetic: a number takes the other operand's element type. */
export type Scalar = number | Tensor;

/** A constant of shape []. @throws ShapeError where the type does not hold the number, such as 0.5 and int32. */
export function scalar(value: number, dtype: DType = 'float32'): Tensor {
  return constant([value], [], dtype);
}

/** A tensor with fixed values. Numbers in a plain array become float32. */
export function constant(
  values: TypedArray | readonly (number | boolean)[],
  shape: readonly number[],
  dtype?: DType,
): Tensor {
  const data = hostData(values, shape, dtype);
  const value = { data, dims: shape, dtype: dtype ?? dtypeOf(data) };
  return outputOf({ kind: 'constant', value, types: [{ dtype: value.dtype, shape }] });
}

/**
 * A tensor with fixed values: `tensor([[1, 2], [3, 4]])`, or a flat list and a shape. Numbers become float32, booleans bool,
 * unless a type is given; a typed array keeps its own.
 */
export function tensor(values: TypedArray | readonly NestedArray[], shape?: readonly number[], dtype?: DType): Tensor {
  const host = hostTensor(values, dtype, shape);
  return constant(host.data, host.dims, host.dtype);
}

/** What graphs are fed and trainers train on, from values as in `tensor`: `hostTensor([[1, 2], [3, 4]], 'int32')`. */
export function hostTensor(
  values: TypedArray | readonly NestedArray[],
  dtype?: DType,
  shape?: readonly number[],
): HostTensor {
  if (!Array.isArray(values)) {
    const data = hostData(values as TypedArray, shape ?? [values.length], dtype);
    return { dtype: dtype ?? dtypeOf(data), dims: shape ?? [values.length], data };
  }
  const { dims, flat } = unnest(values);
  const type = dtype ?? (typeof flat[0] === 'boolean' ? 'bool' : 'float32');
  return { dtype: type, dims: shape ?? dims, data: hostData(flat, shape ?? dims, type) };
}

function unnest(values: readonly NestedArray[]): { dims: number[]; flat: (number | boolean)[] } {
  const dims: number[] = [];
  for (let level: NestedArray | undefined = values; Array.isArray(level); level = level[0]) dims.push(level.length);
  const flat: (number | boolean)[] = [];
  const visit = (item: NestedArray | undefined, depth: number): void => {
    const list = Array.isArray(item);
    if (list !== depth < dims.length || (list && item.length !== dims[depth]))
      throw new ShapeError('tensor', `the rows differ in length or depth: expected ${formatShape(dims)} throughout`);
    if (list) for (const part of item as readonly NestedArray[]) visit(part, depth + 1);
    else flat.push(item as number | boolean);
  };
  visit(values, 0);
  return { dims, flat };
}

function hostData(
  values: TypedArray | readonly (number | boolean)[],
  shape: readonly number[],
  dtype?: DType,
): TypedArray {
  const wanted = shape.reduce((n, d) => n * d, 1);
  if (values.length !== wanted)
    throw new ShapeError('tensor', `${values.length} values do not fill the shape ${formatShape(shape)}`);
  if (Array.isArray(values)) return converted(values, dtype ?? 'float32');
  if (dtype && !holds(dtype, values as TypedArray))
    throw new ShapeError('tensor', `${values.constructor.name} does not hold ${dtype}`);
  return values as TypedArray;
}

function converted(values: readonly (number | boolean)[], dtype: DType): TypedArray {
  if (dtype === 'float16') return toFloat16(Float32Array.from(values, Number));
  const data = allocate(dtype, values.length);
  for (let i = 0; i < values.length; i++) {
    const value = Number(values[i]);
    if (dtype !== 'float32' && !Number.isInteger(value)) throw new ShapeError('tensor', `${value} is no ${dtype}`);
    data[i] = (dtype === 'int64' ? BigInt(value) : value) as never;
    if (dtype !== 'float32' && (Number(data[i]) !== value || (dtype === 'bool' && value > 1)))
      throw new ShapeError('tensor', `${value} is no ${dtype}`);
  }
  return data;
}

function dtypeOf(data: TypedArray): DType {
  if (data instanceof Float32Array) return 'float32';
  if (data instanceof BigInt64Array) return 'int64';
  if (data instanceof Int32Array) return 'int32';
  if (data instanceof Int8Array) return 'int8';
  if (data instanceof Uint32Array) return 'uint32';
  if (data instanceof Uint8Array) return 'uint8';
  throw new TypeError('say the dtype: a Uint16Array may hold float16 bits');
}
