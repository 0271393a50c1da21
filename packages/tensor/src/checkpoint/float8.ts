/**
 * The 8-bit floating point formats of checkpoints, as tables of the exact float32 values of their 256 codes.
 * E4M3 and E5M2: https://arxiv.org/abs/2209.05433; the FNUZ forms (no negative zero, whose code means NaN, and one more in
 * the exponent's bias): https://arxiv.org/abs/2206.02915; E8M0, a bare power of two: the OCP Microscaling specification.
 */
export type Float8 = 'F8_E4M3' | 'F8_E5M2' | 'F8_E4M3FNUZ' | 'F8_E5M2FNUZ' | 'F8_E8M0';

const decoders: Readonly<Record<Float8, (code: number) => number>> = {
  F8_E4M3: (code) => ((code & 0x7f) === 0x7f ? Number.NaN : decode(code, 3, 7)),
  F8_E5M2: (code) => {
    if ((code & 0x7c) !== 0x7c) return decode(code, 2, 15);
    if (code & 3) return Number.NaN;
    return code & 0x80 ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
  },
  F8_E4M3FNUZ: (code) => (code === 0x80 ? Number.NaN : decode(code, 3, 8)),
  F8_E5M2FNUZ: (code) => (code === 0x80 ? Number.NaN : decode(code, 2, 16)),
  F8_E8M0: (code) => (code === 0xff ? Number.NaN : 2 ** (code - 127)),
};

function decode(code: number, fractionBits: number, bias: number): number {
  const sign = code & 0x80 ? -1 : 1;
  const exponent = (code & 0x7f) >> fractionBits;
  const fraction = (code & ((1 << fractionBits) - 1)) / (1 << fractionBits);
  return exponent === 0 ? sign * fraction * 2 ** (1 - bias) : sign * (1 + fraction) * 2 ** (exponent - bias);
}

const tables = new Map<Float8, Float32Array>();

/** The exact float32 values of 8-bit floats. */
export function fromFloat8(format: Float8, codes: Uint8Array): Float32Array<ArrayBuffer> {
  let table = tables.get(format);
  if (!table) {
    table = Float32Array.from({ length: 256 }, (_, code) => decoders[format](code));
    tables.set(format, table);
  }
  const values = new Float32Array(codes.length);
  for (let i = 0; i < codes.length; i++) values[i] = table[codes[i]!]!;
  return values;
}
