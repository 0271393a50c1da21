import type { HostTensor } from '../backend/backend.ts';
import type { InParts } from '../slices.ts';

/** How the weights of linear layers are stored in a compiled graph. */
export type WeightFormat = 'float32' | 'int8' | 'int4';

export const weightFormats: readonly WeightFormat[] = ['float32', 'int8', 'int4'];

/** @throws TypeError for an unknown format. */
export function checkWeightFormat(format: WeightFormat): void {
  if (!weightFormats.includes(format))
    throw new TypeError(`there is no weight format '${format}'; there are: ${weightFormats.join(', ')}`);
}

/** Values of 4 bits that share a scale and a zero point: 32 neighbours of a row. */
export const BLOCK = 32;
/** What stands for 0 in 8 bits. */
export const MIDDLE = 128;

/** A matrix [N, K] in whole numbers, as the operators want it. */
export interface PackedMatrix {
  /** uint8: of 8 bits [K, N]; of 4 bits [N, blocks, BLOCK / 2], the lower half first, rows filled up to whole blocks. */
  readonly values: HostTensor;
  /** float32: of 8 bits [N]; of 4 bits [N · blocks]. */
  readonly scales: HostTensor;
  /** Of 4 bits: uint8 [N · ⌈blocks / 2⌉], two in each. */
  readonly zeroPoints?: HostTensor;
}

/**
 * Packs a float32 matrix; a part is a row.
 * @param transposed the matrix lies as [K, N].
 */
export function* packMatrix(
  { dims, data }: HostTensor,
  format: 'int8' | 'int4',
  transposed: boolean = false,
): InParts<PackedMatrix> {
  const [rows, width] = (transposed ? dims.toReversed() : dims) as [number, number];
  const matrix = transposed ? yield* transpose(data as Float32Array, rows) : (data as Float32Array);
  return yield* format === 'int8' ? packEight(matrix, rows, width) : packFour(matrix, rows, width);
}

/** Of [K, rows]. */
function* transpose(data: Float32Array, rows: number): InParts<Float32Array> {
  const turned = new Float32Array(data.length);
  for (let row = 0, to = 0; row < rows; row++) {
    for (let from = row; from < data.length; from += rows) turned[to++] = data[from]!;
    if (row % 16 === 15) yield;
  }
  return turned;
}

/** x ≈ scale · (q − 128): the largest value of a row decides its scale. */
function* packEight(data: Float32Array, rows: number, width: number): InParts<PackedMatrix> {
  const values = new Uint8Array(width * rows);
  const scales = new Float32Array(rows);
  for (let row = 0; row < rows; row++) {
    scales[row] = packRow(data.subarray(row * width, (row + 1) * width), values, row, rows);
    yield;
  }
  return {
    values: { dtype: 'uint8', dims: [width, rows], data: values },
    scales: { dtype: 'float32', dims: [rows], data: scales },
  };
}

function packRow(x: Float32Array, into: Uint8Array, column: number, columns: number): number {
  let largest = 0;
  for (let i = 0; i < x.length; i++) {
    const size = Math.abs(x[i]!);
    if (size > largest) largest = size;
  }
  const inverse = largest === 0 ? 0 : 127 / largest;
  for (let i = 0, at = column; i < x.length; i++, at += columns) into[at] = (x[i]! * inverse + MIDDLE + 0.5) | 0;
  return largest / 127;
}

function* packFour(data: Float32Array, rows: number, width: number): InParts<PackedMatrix> {
  const blocks = Math.ceil(width / BLOCK);
  const pairs = Math.ceil(blocks / 2);
  const bytes = BLOCK / 2;
  const values = new Uint8Array(rows * blocks * bytes);
  const scales = new Float32Array(rows * blocks);
  const zeroPoints = new Uint8Array(rows * pairs);
  const filled = new Float32Array(blocks * BLOCK); // a row; what is beyond its end stays zero
  const packer = new FourBits();
  for (let row = 0; row < rows; row++) {
    filled.set(data.subarray(row * width, (row + 1) * width));
    for (let block = 0; block < blocks; block++) {
      const at = row * blocks + block;
      scales[at] = packer.pack(filled, block * BLOCK, values, at * bytes);
      zeroPoints[row * pairs + (block >> 1)]! |= packer.zeroPoint << (4 * (block & 1));
    }
    yield;
  }
  return {
    values: { dtype: 'uint8', dims: [rows, blocks, bytes], data: values },
    scales: { dtype: 'float32', dims: [rows * blocks], data: scales },
    zeroPoints: { dtype: 'uint8', dims: [rows * pairs], data: zeroPoints },
  };
}

/** Shares of a block's range that the 16 steps may cover instead of all: values beyond are cut, the others get finer steps. */
const NARROWER = [0.92, 0.84];

/**
 * x ≈ scale · (q − z), q and z of 0 to 15. Rounding to the nearest step of the whole range is not the best: of several ranges and
 * zero points, each with the scale that its roundings fit best (least squares), the one with the least squared error is kept.
 */
class FourBits {
  zeroPoint = 0;
  #scale = 0;
  #error = 0;

  pack(x: Float32Array, from: number, into: Uint8Array, at: number): number {
    let low = 0;
    let high = 0;
    for (let i = from; i < from + BLOCK; i++) {
      const value = x[i]!;
      if (value < low) low = value;
      if (value > high) high = value;
    }
    this.zeroPoint = 8;
    this.#scale = 0;
    this.#error = Number.POSITIVE_INFINITY;
    if (high > low) {
      const middle = Math.round((-low / (high - low)) * 15);
      for (let zero = Math.max(middle - 1, 0); zero <= Math.min(middle + 1, 15); zero++)
        this.#try(x, from, steps(low, high, zero), zero);
      const best = this.zeroPoint;
      for (const covered of NARROWER) this.#try(x, from, steps(low, high, best) / covered, best);
    }
    const inverse = this.#scale === 0 ? 0 : 1 / this.#scale;
    const offset = this.zeroPoint + 0.5;
    for (let i = 0; i < BLOCK; i += 2)
      into[at + (i >> 1)] =
        clip((x[from + i]! * inverse + offset) | 0) | (clip((x[from + i + 1]! * inverse + offset) | 0) << 4);
    return this.#scale;
  }

  /** Σ(x − s·q)² over the roundings q is Σx² − (Σx·q)²/Σq² with the best s, Σx·q/Σq². Σx² is the same for all. */
  #try(x: Float32Array, from: number, inverse: number, zero: number): void {
    let product = 0;
    let square = 0;
    const offset = zero + 0.5;
    for (let i = from; i < from + BLOCK; i++) {
      const value = x[i]!;
      const q = (clip((value * inverse + offset) | 0) - zero) | 0;
      product += value * q;
      square = (square + Math.imul(q, q)) | 0;
    }
    if (square === 0 || product <= 0) return;
    const error = -(product * product) / square;
    if (error >= this.#error) return;
    this.#error = error;
    this.#scale = product / square;
    this.zeroPoint = zero;
  }
}

/** Steps to a unit that cover the whole range. */
function steps(low: number, high: number, zero: number): number {
  return Math.min(zero < 15 ? (15 - zero) / high : Infinity, zero > 0 ? zero / -low : Infinity);
}

const clip = (q: number): number => (q < 0 ? 0 : q > 15 ? 15 : q);
