import type { Dim } from '../dim.ts';
import { apply, type Tensor } from '../tensor.ts';
import { concat, iota } from './layout.ts';
import { addmm } from './matmul.ts';

/** The inputs of a recurrent operation with so many states, by name; see `recurrentRule` for the shapes. */
export function recurrentInputs(inputs: readonly Tensor[], states: number): RecurrentInputs {
  const [weightIH, weightHH, biasIH, biasHH, lengths] = inputs.slice(1 + states);
  return {
    x: inputs[0]!,
    weightIH: weightIH!,
    weightHH: weightHH!,
    biasIH: biasIH!,
    biasHH: biasHH!,
    valid: lengths ? validSteps(inputs[0]!.dim(0), lengths) : null,
  };
}

interface RecurrentInputs {
  readonly x: Tensor;
  readonly weightIH: Tensor;
  readonly weightHH: Tensor;
  readonly biasIH: Tensor;
  readonly biasHH: Tensor;
  /** [T, B, 1] as `validSteps`, where rows differ in length. */
  readonly valid: Tensor | null;
}

/** What the backward loop found, per gate [T, B, H]. */
interface GateGradients {
  readonly ofInput: readonly Tensor[];
  readonly ofState: readonly Tensor[];
  /** The states that each step started from, [T, B, H]. */
  readonly before: Tensor;
  /** Of the first states. */
  readonly initial: readonly Tensor[];
}

/** The gradients of all inputs, in their order, with one product per weight after the loop. */
export function inputGradients(
  { x, weightIH, valid }: RecurrentInputs,
  { ofInput, ofState, before, initial }: GateGradients,
): (Tensor | null)[] {
  const [forInput, forState] = [ofInput.map(rowsOf), ofState.map(rowsOf)];
  return [
    sumProducts(forInput, perGate(weightIH, ofInput.length)).reshape(x.shape),
    ...initial,
    stackGates(forInput, rowsOf(x)),
    stackGates(forState, rowsOf(before)),
    stackGates(forInput),
    stackGates(forState),
    ...(valid ? [null] : []),
  ];
}

/** Zero past a row's length. */
export const masked = (sequence: Tensor, valid: Tensor | null): Tensor => (valid ? sequence.mul(valid) : sequence);

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
function rowsOf(sequence: Tensor): Tensor {
  return sequence.reshape([-1, sequence.dim(2)]);
}

/** float32 [T, B, 1]: 1 inside a row's length, 0 past it. */
function validSteps(time: Dim, lengths: Tensor): Tensor {
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
function stackGates(gates: readonly Tensor[], rows?: Tensor): Tensor {
  return concat(
    gates.map((gate) => (rows ? gate.matmul(rows, { transposeA: true }) : gate.sum(0))),
    0,
  );
}
