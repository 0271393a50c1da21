/** A storage in a file. */
export interface StorageBytes {
  readonly size: number;
  /** Its bytes from `begin` up to `end`. */
  readonly read: (begin: number, end: number) => Promise<Uint8Array<ArrayBuffer>>;
}

/**
 * Reads the elements that a view has, in row-major order; of the file, no more than from its first to its last one.
 * @param width bytes of an element; `offset` and `strides` are in elements.
 */
export async function makeContiguous(
  storage: StorageBytes,
  width: number,
  offset: number,
  dims: readonly number[],
  strides: readonly number[],
): Promise<ArrayBuffer> {
  const size = dims.reduce((a, b) => a * b, 1);
  if (size === 0) return new ArrayBuffer(0);
  const span = 1 + dims.reduce((sum, dim, i) => sum + (dim - 1) * strides[i]!, 0);
  const { buffer } = await storage.read(offset * width, (offset + span) * width);
  return isContiguous(dims, strides) ? buffer : gather(buffer, width, size, dims, strides);
}

function isContiguous(dims: readonly number[], strides: readonly number[]): boolean {
  let expected = 1;
  for (let i = dims.length - 1; i >= 0; i--) {
    if (dims[i] === 1) continue;
    if (strides[i] !== expected) return false;
    expected *= dims[i]!;
  }
  return true;
}

function gather(
  buffer: ArrayBuffer,
  width: number,
  size: number,
  dims: readonly number[],
  strides: readonly number[],
): ArrayBuffer {
  const result = new ArrayBuffer(size * width);
  // Elements move as whole numbers of their width.
  if (width === 8) fill(new BigUint64Array(buffer), new BigUint64Array(result), dims, strides);
  else if (width === 4) fill(new Uint32Array(buffer), new Uint32Array(result), dims, strides);
  else if (width === 2) fill(new Uint16Array(buffer), new Uint16Array(result), dims, strides);
  else fill(new Uint8Array(buffer), new Uint8Array(result), dims, strides);
  return result;
}

function fill<T>(
  source: { readonly [i: number]: T },
  target: { [i: number]: T; readonly length: number },
  dims: readonly number[],
  strides: readonly number[],
): void {
  const index = dims.map(() => 0);
  let at = 0;
  for (let i = 0; i < target.length; i++) {
    target[i] = source[at]!;
    for (let d = dims.length - 1; d >= 0; d--) {
      at += strides[d]!;
      index[d]!++;
      if (index[d]! < dims[d]!) break;
      at -= strides[d]! * dims[d]!;
      index[d] = 0;
    }
  }
}

/** Turns big-endian elements of so many bytes into little-endian ones. */
export function swapBytes(buffer: ArrayBuffer, width: number): void {
  const bytes = Buffer.from(buffer);
  if (width === 8) bytes.swap64();
  else if (width === 4) bytes.swap32();
  else if (width === 2) bytes.swap16();
}
