/**
 * Half-precision bits (IEEE 754 binary16) of float32 values, rounded to nearest, ties to even. What is beyond 65504 becomes
 * infinite; every NaN becomes the quiet one.
 */
export function toFloat16(values: Float32Array): Uint16Array<ArrayBuffer> {
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
  const halves = new Uint16Array(values.length);
  for (let i = 0; i < bits.length; i++) halves[i] = toHalf(bits[i]!);
  return halves;
}

function toHalf(x: number): number {
  const sign = (x >>> 16) & 0x8000;
  const magnitude = x & 0x7fffffff;
  if (magnitude > 0x7f800000) return sign | 0x7e00;
  const exponent = (magnitude >>> 23) - 112; // 112 = 127 - 15, the difference of the two biases
  if (exponent >= 31) return sign | 0x7c00;
  // Dropping 13 bits leaves exponent and fraction in place; a carry out of the fraction is right, it gives the next number.
  if (exponent > 0) return sign | dropBits(magnitude - (112 << 23), 13);
  if (exponent < -10) return sign; // below half of the smallest subnormal number
  return sign | dropBits((magnitude & 0x7fffff) | 0x800000, 14 - exponent);
}

/** Drops the lowest bits, to nearest, ties to even. */
function dropBits(value: number, bits: number): number {
  const half = value >>> bits;
  const rest = value & ((1 << bits) - 1);
  const middle = 1 << (bits - 1);
  return rest > middle || (rest === middle && (half & 1) === 1) ? half + 1 : half;
}

let table: Float32Array | undefined;

/** The exact float32 values of half-precision bits. */
export function fromFloat16(halves: Uint16Array): Float32Array<ArrayBuffer> {
  table ??= Float32Array.from({ length: 65536 }, (_, half) => fromHalf(half)); // 256 KiB, made by the first use
  const values = new Float32Array(halves.length);
  for (let i = 0; i < halves.length; i++) values[i] = table[halves[i]!]!;
  return values;
}

function fromHalf(half: number): number {
  const sign = half & 0x8000 ? -1 : 1;
  const exponent = (half >>> 10) & 31;
  const fraction = half & 0x3ff;
  if (exponent === 31) return fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

/** The exact float32 values of bfloat16 bits, which are the upper half of a float32. */
export function fromBFloat16(halves: Uint16Array): Float32Array<ArrayBuffer> {
  const bits = new Uint32Array(halves.length);
  for (let i = 0; i < halves.length; i++) bits[i] = halves[i]! << 16;
  return new Float32Array(bits.buffer);
}
