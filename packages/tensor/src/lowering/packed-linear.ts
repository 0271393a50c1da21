import type { Dim } from '../dim.ts';
import type { Lowering, PackedNames } from './lowering.ts';
import { BLOCK } from './packed-weights.ts';

/** x [rows, K] times a packed weight [N, K], transposed, and a bias [N] where it is not empty. */
export function packedLinear(
  g: Lowering,
  x: string,
  { bits, values, scales }: PackedNames,
  bias: string,
  { rows, weight: [N, K] }: { rows: Dim; weight: readonly [number, number] },
): string {
  if (bits === 8) return eightBits(g, x, values, scales, bias, rows, K);
  const given = [x, values, scales, ...(bias ? ['', '', bias] : [])];
  // Accuracy level 4: products of whole numbers, for which each row of x is rounded to 8 bits, block by block.
  const attributes = { K, N, bits, block_size: BLOCK, accuracy_level: 4 };
  return g.op('MatMulNBits', given, attributes, 'com.microsoft');
}

/**
 * Each row of x is rounded to 8 bits with a scale of its own, so that it does not depend on its neighbours in a batch. It is unsigned then,
 * with 128 for 0, and the weights are signed: what processors multiply at once, and right without VNNI too as the weights are
 * packed. Products of signed bytes take eight times as long. A row of zeros has the scale 0: whatever it is rounded to, it comes out as
 * zeros. Every node counts: with a single row, those beside the product take as long as a fifth of it.
 */
function eightBits(
  g: Lowering,
  x: string,
  values: string,
  scales: string,
  bias: string,
  rows: Dim,
  width: number,
): string {
  const zero = g.scalar(128, 'uint8');
  const largest = g.op('ReduceMax', [g.op('Abs', [x]), g.ints([1])], { keepdims: 1 });
  const scale = g.op('Mul', [largest, g.float(1 / 127)]);
  const zeros = g.op('Expand', [zero, g.shape([rows, 1])]); // the same for all layers: the runtime computes it once
  // A row as a block of its own: so its scale stays [rows, 1], as the product wants it.
  const rounded = g.op('QuantizeLinear', [x, scale, zeros], { axis: 1, block_size: width });
  const factors = [rounded, values, g.float(1), scales, zero, g.scalar(0, 'int8')];
  const product = g.op('MatMulIntegerToFloat', factors, {}, 'com.microsoft');
  const scaled = g.op('Mul', [product, scale]);
  return bias ? g.op('Add', [scaled, bias]) : scaled;
}
