import { open, readFile, rename, rm } from 'node:fs/promises';
import type { HostTensor } from '../backend/backend.ts';
import { type DType, type TypedArray, view } from '../dtype.ts';
import { fromBFloat16, fromFloat16, toFloat16 } from './float16.ts';

/** A .safetensors file that cannot be trusted or understood. */
export class CheckpointError extends Error {
  readonly file: string;

  constructor(file: string, message: string, options?: ErrorOptions) {
    super(`${file}: ${message}`, options);
    this.name = 'CheckpointError';
    this.file = file;
  }
}

const codes: Partial<Record<DType, string>> = {
  float32: 'F32',
  int8: 'I8',
  uint8: 'U8',
  int32: 'I32',
  uint32: 'U32',
  int64: 'I64',
  bool: 'BOOL',
};

/** How a stored type becomes one of ours; the narrow and wide floats become float32. */
const readers: Readonly<
  Record<string, { bytes: number; dtype: DType; read: (bytes: ArrayBuffer, length: number) => TypedArray }>
> = {
  ...Object.fromEntries(
    (Object.entries(codes) as [DType, string][]).map(([dtype, code]) => {
      const bytes = { I64: 8, F32: 4, I32: 4, U32: 4 }[code] ?? 1;
      return [code, { bytes, dtype, read: (buffer: ArrayBuffer, length: number) => view(dtype, buffer, 0, length) }];
    }),
  ),
  F16: { bytes: 2, dtype: 'float32', read: (buffer) => fromFloat16(new Uint16Array(buffer)) },
  BF16: { bytes: 2, dtype: 'float32', read: (buffer) => fromBFloat16(new Uint16Array(buffer)) },
  F64: { bytes: 8, dtype: 'float32', read: (buffer) => Float32Array.from(new Float64Array(buffer)) },
};

/** The header's length may not be larger, whatever the file says (the limit of the format's own library). */
const MAX_HEADER = 100_000_000;

/**
 * Reads a checkpoint (https://github.com/huggingface/safetensors#format). F16, BF16 and F64 come as float32.
 * @throws CheckpointError naming the file and what is wrong; no byte of it is trusted.
 */
export async function readSafetensors(path: string): Promise<Map<string, HostTensor>> {
  let bytes: Uint8Array;
  try {
    bytes = await readFile(path);
  } catch (error) {
    throw new CheckpointError(path, `cannot be read: ${(error as Error).message}`, { cause: error });
  }
  return parseSafetensors(bytes, path);
}

/** As `readSafetensors`, from memory; `name` stands for the file in errors. */
export function parseSafetensors(bytes: Uint8Array, name: string): Map<string, HostTensor> {
  const fail = (message: string): never => {
    throw new CheckpointError(name, message);
  };
  if (bytes.length < 8)
    fail(`has ${bytes.length} bytes; a .safetensors file starts with 8 that give the header's length`);
  const headerLength = Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true));
  if (headerLength > MAX_HEADER || headerLength > bytes.length - 8)
    fail(
      `says its header has ${headerLength} bytes, but only ${bytes.length - 8} follow; it is truncated or no .safetensors file`,
    );
  const header = parseHeader(bytes.subarray(8, 8 + headerLength), fail);
  const data = bytes.subarray(8 + headerLength);
  const tensors = new Map<string, HostTensor>();
  let expected = 0;
  const entries = Object.entries(header).filter(([key]) => key !== '__metadata__');
  const located = entries.map(([key, value]) => ({ key, ...checkEntry(key, value, data.length, fail) }));
  for (const { key, begin, end, dims, code } of located.sort((a, b) => a.begin - b.begin || a.end - b.end)) {
    if (begin !== expected)
      fail(`tensor '${key}' starts at byte ${begin}, expected ${expected}: the data overlaps or has a hole`);
    expected = end;
    const reader = readers[code]!;
    const copy = new Uint8Array(data.subarray(begin, end)).buffer; // aligned, whatever the header's length
    tensors.set(key, { dtype: reader.dtype, dims, data: reader.read(copy, (end - begin) / reader.bytes) });
  }
  if (expected !== data.length) fail(`has ${data.length - expected} bytes behind the last tensor`);
  return new Map(entries.map(([key]) => [key, tensors.get(key)!]));
}

function parseHeader(bytes: Uint8Array, fail: (message: string) => never): Record<string, unknown> {
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    const header: unknown = JSON.parse(text);
    if (typeof header === 'object' && header !== null && !Array.isArray(header))
      return header as Record<string, unknown>;
  } catch (error) {
    return fail(`has a header that is no JSON: ${(error as Error).message}`);
  }
  return fail('has a header that is no JSON object');
}

interface Entry {
  readonly begin: number;
  readonly end: number;
  readonly dims: readonly number[];
  readonly code: string;
}

function checkEntry(key: string, value: unknown, available: number, fail: (message: string) => never): Entry {
  const { dtype: code, shape, data_offsets: offsets } = (value ?? {}) as Record<string, unknown>;
  const reader = readers[code as string];
  if (!reader)
    return fail(`tensor '${key}' has the type ${JSON.stringify(code)}; known: ${Object.keys(readers).join(', ')}`);
  const isSize = (n: unknown): boolean => Number.isSafeInteger(n) && (n as number) >= 0;
  if (!Array.isArray(shape) || !shape.every(isSize))
    return fail(`tensor '${key}' has the shape ${JSON.stringify(shape)}, expected sizes`);
  if (!Array.isArray(offsets) || offsets.length !== 2 || !offsets.every(isSize))
    return fail(`tensor '${key}' has the offsets ${JSON.stringify(offsets)}, expected [begin, end]`);
  const [begin, end] = offsets as [number, number];
  const wanted = shape.reduce((a: number, b: number) => a * b, reader.bytes);
  if (end - begin !== wanted)
    return fail(`tensor '${key}' ${code} [${shape.join(', ')}] needs ${wanted} bytes, its offsets give ${end - begin}`);
  if (end > available) return fail(`tensor '${key}' ends at byte ${end} of ${available}: the file is truncated`);
  return { begin, end, dims: shape as number[], code: code as string };
}

export interface WriteOptions {
  /** Strings to keep with the tensors. */
  readonly metadata?: Readonly<Record<string, string>>;
  /** Stores float32 in half the space, rounded. */
  readonly half?: boolean;
}

/** Writes a checkpoint: to a temporary file that replaces `path` only when all of it is on the disk. */
export async function writeSafetensors(
  path: string,
  tensors: ReadonlyMap<string, HostTensor>,
  { metadata, half = false }: WriteOptions = {},
): Promise<void> {
  const header: Record<string, unknown> = metadata ? { __metadata__: metadata } : {};
  const chunks: Uint8Array[] = [];
  let offset = 0;
  for (const [name, { dtype, dims, data }] of tensors) {
    const shrunk = half && dtype === 'float32';
    const stored = shrunk ? toFloat16(data as Float32Array) : data;
    const code = shrunk || dtype === 'float16' ? 'F16' : codes[dtype];
    header[name] = { dtype: code, shape: dims, data_offsets: [offset, offset + stored.byteLength] };
    chunks.push(new Uint8Array(stored.buffer as ArrayBuffer, stored.byteOffset, stored.byteLength));
    offset += stored.byteLength;
  }
  const text = new TextEncoder().encode(JSON.stringify(header));
  const padded = new Uint8Array(Math.ceil(text.length / 8) * 8).fill(0x20); // data is aligned to 8 bytes
  padded.set(text);
  const length = new Uint8Array(new BigUint64Array([BigInt(padded.length)]).buffer);
  await replaceFile(path, [length, padded, ...chunks]);
}

/** Writes a file so that a crash or a full disk leaves the old one: temporary file, sync, rename. */
export async function replaceFile(path: string, chunks: readonly (Uint8Array | string)[]): Promise<void> {
  const temporary = `${path}.${process.pid}.tmp`;
  try {
    const file = await open(temporary, 'w');
    try {
      for (const chunk of chunks) await file.writeFile(chunk);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw new CheckpointError(path, `cannot be written: ${(error as Error).message}`, { cause: error });
  }
}
