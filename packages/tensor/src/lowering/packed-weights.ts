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

/** Values of 4 bits that share a scale: 32 neighbours of a row. */
export const BLOCK = 32;
/** What stands for 0 in 4 bits. */
export const MIDDLE = 8;

/** A matrix [N, K] in whole numbers, as the operators want it. */
export interface PackedMatrix {
  /** Of 8 bits int8 [K, N]; of 4 bits uint8 [N, blocks, BLOCK / 2], the lower half first, rows filled up to whole blocks. */
  readonly values: HostTensor;
  /** float32: of 8 bits [N]; of 4 bits [N · blocks]. */
  readonly scales: HostTensor;
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

/**
 * x ≈ scale · q. Without VNNI, processors add the products of two neighbours in 16 bits: unsigned bytes of up to 255 times signed ones stay
 * below 2¹⁵ where the sizes of two neighbours come to 128 at most. So the largest sum of two decides a row's scale, and not the largest
 * value, which would allow steps a quarter finer and wants a kernel that takes a quarter longer.
 */
function* packEight(data: Float32Array, rows: number, width: number): InParts<PackedMatrix> {
  const values = new Int8Array(width * rows);
  const scales = new Float32Array(rows);
  for (let row = 0; row < rows; row++) {
    scales[row] = packRow(data.subarray(row * width, (row + 1) * width), values, row, rows);
    yield;
  }
  return {
    values: { dtype: 'int8', dims: [width, rows], data: values },
    scales: { dtype: 'float32', dims: [rows], data: scales },
  };
}

/** Two neighbours come to this before they are rounded, which adds half a step to each. */
const PAIR = 127;

function packRow(x: Float32Array, into: Int8Array, column: number, columns: number): number {
  let largest = x.length % 2 === 1 ? Math.abs(x.at(-1)!) : 0;
  for (let i = 1; i < x.length; i += 2) {
    const sum = Math.abs(x[i - 1]!) + Math.abs(x[i]!);
    if (sum > largest) largest = sum;
  }
  const inverse = largest === 0 ? 0 : PAIR / largest;
  for (let i = 0, at = column; i < x.length; i++, at += columns) into[at] = ((x[i]! * inverse + 128.5) | 0) - 128;
  return largest / PAIR;
}

function* packFour(data: Float32Array, rows: number, width: number): InParts<PackedMatrix> {
  const blocks = Math.ceil(width / BLOCK);
  const bytes = BLOCK / 2;
  const values = new Uint8Array(rows * blocks * bytes);
  const scales = new Float32Array(rows * blocks);
  const filled = new Float32Array(blocks * BLOCK); // a row; what is beyond its end stays zero
  const packer = new FourBits();
  for (let row = 0; row < rows; row++) {
    filled.set(data.subarray(row * width, (row + 1) * width));
    for (let block = 0; block < blocks; block++) {
      const at = row * blocks + block;
      scales[at] = packer.pack(filled, block * BLOCK, values, at * bytes);
    }
    yield;
  }
  return {
    values: { dtype: 'uint8', dims: [rows, blocks, bytes], data: values },
    scales: { dtype: 'float32', dims: [rows * blocks], data: scales },
  };
}

/** How many steps the largest value of a block is away from 0, to try: towards 0, where 8 are the most, and towards 15. Beyond, it is cut. */
const REACHES = { down: [7.7, 8.4, 9.2], up: [7, 7.7, 8.5] };

/**
 * x ≈ scale · (q − 8), q of 0 to 15, with a scale of either sign: there is one step more below 8 than above. Rounding to the nearest step of the
 * whole range is not the best: of several ranges, each with the scale that its roundings fit best (least squares), the one with the least
 * squared error is kept. With a zero point for each block, errors are 4 % smaller and the products of a single row take 15 % longer.
 */
class FourBits {
  /** The steps to a unit of the best so far, its scale, and its squared error less that of rounding all to 0. */
  #inverse = 0;
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
    this.#inverse = 0;
    this.#scale = 0;
    this.#error = 0;
    const largest = high > -low ? high : low;
    if (largest !== 0) {
      for (const reach of REACHES.down) this.#try(x, from, -reach / largest);
      for (const reach of REACHES.up) this.#try(x, from, reach / largest);
      this.#try(x, from, 1 / this.#scale); // with the scale that fits the best of these, some are rounded otherwise
    }
    const inverse = this.#inverse;
    for (let i = 0; i < BLOCK; i += 2)
      into[at + (i >> 1)] = step(x[from + i]! * inverse) | (step(x[from + i + 1]! * inverse) << 4);
    return this.#scale;
  }

  /** Σ(x − s·q)² over the roundings q is Σx² − (Σx·q)²/Σq² with the best s, Σx·q/Σq². Σx² is the same for all. */
  #try(x: Float32Array, from: number, inverse: number): void {
    let product = 0;
    let square = 0;
    for (let i = from; i < from + BLOCK; i++) {
      const value = x[i]!;
      const q = (step(value * inverse) - MIDDLE) | 0;
      product += value * q;
      square = (square + Math.imul(q, q)) | 0;
    }
    if (square === 0) return;
    const error = -(product * product) / square;
    if (error >= this.#error) return;
    this.#error = error;
    this.#scale = product / square;
    this.#inverse = inverse;
  }
}

/** The step that is next to a multiple of the scale. */
function step(multiple: number): number {
  const q = (multiple + (MIDDLE + 0.5)) | 0;
  return q < 0 ? 0 : q > 15 ? 15 : q;
}
