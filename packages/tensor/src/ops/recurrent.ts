import type { Dim } from '../dim.ts';
import { apply, type Tensor } from '../tensor.ts';
import { concat, iota } from './layout.ts';
import { addmm } from './matmul.ts';

/** The parts of a weight [G·H, …] or a bias [G·H] that belong to each of `count` gates. */
export function perGate(stacked: Tensor, count: number): Tensor[] {
  return stacked.chunk(count, 0);
}

/** What the inputs x [T, B, I] add to every gate, for all steps at once: one [T, B, H] per gate. */
export function projections(x: Tensor, weight: Tensor, biases: readonly Tensor[]): Tensor[] {
  const [time, batch] = x.shape;
  const rows = rowsOf(x);
  return perGate(weight, biases.length).map((w, gate) =>
    apply('linear', [rows, w, biases[gate]!], {}).reshape([time!, batch!, w.dim(0)]),
  );
}

/** [T, B, H] → [T·B, H] */
export function rowsOf(sequence: Tensor): Tensor {
  return sequence.reshape([-1, sequence.dim(2)]);
}

/** float32 [T, B, 1]: 1 inside a row's length, 0 past it. */
export function validSteps(time: Dim, lengths: Tensor): Tensor {
  return iota(time).cast('int32').unsqueeze(1).less(lengths.unsqueeze(0)).cast('float32').unsqueeze(2);
}

/** Σ parts[i]·weights[i], each [N, H] · [H, I], onto `start` where there is one. */
export function sumProducts(parts: readonly Tensor[], weights: readonly Tensor[], start?: Tensor): Tensor {
  return parts.reduce<Tensor | undefined>(
    (sum, part, i) => (sum ? addmm(sum, part, weights[i]!) : part.matmul(weights[i]!)),
    start,
  )!;
}

/** The gradient of a weight [G·H, I] (by the rows that it was multiplied with) or, without rows, of a bias [G·H]. */
export function stackGates(gates: readonly Tensor[], rows?: Tensor): Tensor {
  return concat(
    gates.map((gate) => (rows ? gate.matmul(rows, { transposeA: true }) : gate.sum(0))),
    0,
  );
}
