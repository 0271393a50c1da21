/** Element types, named as in safetensors and NumPy. float16 is for storage: files hold it, arithmetic is float32. */
export type DType = 'float32' | 'float16' | 'int8' | 'uint8' | 'int32' | 'uint32' | 'int64' | 'bool';

export type TypedArray =
  | Float32Array
  | Uint16Array // float16, as bits
  | Int8Array
  | Uint8Array // uint8 and bool
  | Int32Array
  | Uint32Array
  | BigInt64Array;

interface DTypeInfo {
  readonly bytes: number;
  /** TensorProto.DataType of ONNX; ONNXTensorElementDataType of the C API has the same numbers. */
  readonly onnx: number;
  readonly array: {
    new (length: number): TypedArray;
    new (buffer: ArrayBuffer, offset: number, length: number): TypedArray;
  };
}

const info: Record<DType, DTypeInfo> = {
  float32: { bytes: 4, onnx: 1, array: Float32Array },
  float16: { bytes: 2, onnx: 10, array: Uint16Array },
  int8: { bytes: 1, onnx: 3, array: Int8Array },
  uint8: { bytes: 1, onnx: 2, array: Uint8Array },
  int32: { bytes: 4, onnx: 6, array: Int32Array },
  uint32: { bytes: 4, onnx: 12, array: Uint32Array },
  int64: { bytes: 8, onnx: 7, array: BigInt64Array },
  bool: { bytes: 1, onnx: 9, array: Uint8Array },
};

export const dtypes: readonly DType[] = Object.keys(info) as DType[];

export function bytesOf(dtype: DType): number {
  return info[dtype].bytes;
}

/** ONNX's number of an element type. */
export function onnxType(dtype: DType): number {
  return info[dtype].onnx;
}

export function dtypeOfOnnx(code: number): DType {
  const dtype = dtypes.find((name) => info[name].onnx === code);
  if (!dtype) throw new TypeError(`element type ${code} of ONNX is not supported; supported: ${dtypes.join(', ')}`);
  return dtype;
}

/** A zeroed array for `length` elements. */
export function allocate(dtype: DType, length: number): TypedArray {
  return new info[dtype].array(length);
}

/** A view of `length` elements at `offset` bytes; the offset must be a multiple of the element's size. */
export function view(dtype: DType, buffer: ArrayBuffer, offset: number, length: number): TypedArray {
  return new info[dtype].array(buffer, offset, length);
}

/** True where `array` is the kind of typed array that holds `dtype`. */
export function holds(dtype: DType, array: TypedArray): boolean {
  return array instanceof info[dtype].array;
}
