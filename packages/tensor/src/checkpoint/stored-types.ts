import type { DType, TypedArray } from '../dtype.ts';
import { bytesOf, view } from '../dtype.ts';
import { type Float8, fromFloat8 } from './float8.ts';
import { fromBFloat16, fromFloat16 } from './float16.ts';

/** Names of the element types in files, those of safetensors. */
export const CODES: Readonly<Record<DType, string>> = {
  float32: 'F32',
  float16: 'F16',
  int8: 'I8',
  uint8: 'U8',
  int32: 'I32',
  uint32: 'U32',
  int64: 'I64',
  bool: 'BOOL',
};

/** An element type of files, and how it becomes one of ours. */
export interface StoredType {
  readonly code: string;
  /** Bits of one element. */
  readonly bits: number;
  /** Ours, or null where there is none: only the bytes can be had then. */
  readonly dtype: DType | null;
  /** @throws RangeError naming a value that ours cannot hold. */
  readonly read: (bytes: ArrayBuffer) => TypedArray;
}

const plain = (dtype: DType, code: string = CODES[dtype]): StoredType => {
  const bytes = bytesOf(dtype);
  return { code, bits: bytes * 8, dtype, read: (buffer) => view(dtype, buffer, 0, buffer.byteLength / bytes) };
};

const float8 = (code: Float8): StoredType => ({
  code,
  bits: 8,
  dtype: 'float32',
  read: (buffer) => fromFloat8(code, new Uint8Array(buffer)),
});

const opaque = (code: string, bits: number): StoredType => ({
  code,
  bits,
  dtype: null,
  read: () => {
    throw new RangeError('has no counterpart here; readRaw gives its bytes');
  },
});

/**
 * All element types. F16, BF16 and the F8s become float32, which holds their values exactly; F64 is rounded to float32 (what
 * is beyond 3.4e38 becomes infinite). I16 and U16 become int32, U64 becomes int64 and must fit. F4, F6 and C64 stay bytes.
 */
export const STORED: ReadonlyMap<string, StoredType> = new Map(
  (
    [
      plain('float32'),
      { code: 'F16', bits: 16, dtype: 'float32', read: (buffer) => fromFloat16(new Uint16Array(buffer)) },
      { code: 'BF16', bits: 16, dtype: 'float32', read: (buffer) => fromBFloat16(new Uint16Array(buffer)) },
      { code: 'F64', bits: 64, dtype: 'float32', read: (buffer) => Float32Array.from(new Float64Array(buffer)) },
      ...(['F8_E4M3', 'F8_E5M2', 'F8_E8M0', 'F8_E4M3FNUZ', 'F8_E5M2FNUZ'] as const).map(float8),
      plain('int8'),
      plain('uint8'),
      { code: 'I16', bits: 16, dtype: 'int32', read: (buffer) => Int32Array.from(new Int16Array(buffer)) },
      { code: 'U16', bits: 16, dtype: 'int32', read: (buffer) => Int32Array.from(new Uint16Array(buffer)) },
      plain('int32'),
      plain('uint32'),
      plain('int64'),
      { code: 'U64', bits: 64, dtype: 'int64', read: unsigned },
      { code: 'BOOL', bits: 8, dtype: 'bool', read: booleans },
      opaque('C64', 64),
      opaque('F4', 4),
      opaque('F6_E2M3', 6),
      opaque('F6_E3M2', 6),
    ] satisfies StoredType[]
  ).map((type) => [type.code, type]),
);

/** F16 as it is, for those who ask for it. */
export const HALF: StoredType = plain('float16');

function unsigned(buffer: ArrayBuffer): BigInt64Array {
  const values = new BigInt64Array(buffer);
  const large = values.findIndex((value) => value < 0n);
  if (large >= 0)
    throw new RangeError(`has the value ${BigInt.asUintN(64, values[large]!)} at ${large}, which int64 cannot hold`);
  return values;
}

function booleans(buffer: ArrayBuffer): Uint8Array {
  const values = new Uint8Array(buffer);
  const wrong = values.findIndex((byte) => byte > 1);
  if (wrong >= 0) throw new RangeError(`has the byte ${values[wrong]} at ${wrong}, expected 0 or 1`);
  return values;
}
