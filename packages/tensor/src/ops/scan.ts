import { type Dim, formatShape, sameDim, sameShape } from '../dim.ts';
import { ShapeError } from '../errors.ts';
import { input, type Tensor } from '../tensor.ts';
import type { Rules } from './rule.ts';
import { applyScan, type ScanAttributes } from './scan-body.ts';
import { scanGradient } from './scan-gradient.ts';

export interface ScanOps {
  /** Initial carries, sequences [T, …], captured tensors → final carries, outputs [T, …]. */
  scan: ScanAttributes;
}

export const scanRules: Rules<ScanOps> = {
  scan: {
    shape: (inputs, { body, carries, sequences }) => {
      const length: Dim = inputs[carries]!.shape[0]!;
      for (let i = 0; i < carries; i++) {
        const [before, after] = [inputs[i]!, body.results[i]!];
        if (!sameShape(before.shape, after.shape) || before.dtype !== after.dtype)
          throw new ShapeError(
            'scan',
            `carry ${i} starts as ${before.dtype} ${formatShape(before.shape)} and becomes ${after.dtype} ${formatShape(after.shape)}`,
          );
      }
      for (const x of inputs.slice(carries, carries + sequences))
        if (!sameDim(x.shape[0] ?? 0, length))
          throw new ShapeError('scan', `sequences of different lengths: ${length} and ${formatShape(x.shape)}`);
      return body.results.map(({ dtype, shape }, i) => ({ dtype, shape: i < carries ? shape : [length, ...shape] }));
    },
    gradient: scanGradient,
    lower: (g, { names, attrs: { body, carries, sequences, reverse } }) => {
      const directions = (count: number): number[] => Array<number>(count).fill(reverse ? 1 : 0);
      const outputs = body.results.length - carries;
      return g.ops(body.results.length, 'Scan', names.slice(0, carries + sequences), {
        body: g.subgraph('scan', body),
        num_scan_inputs: sequences,
        scan_input_directions: directions(sequences),
        ...(outputs > 0 ? { scan_output_directions: directions(outputs) } : {}),
      });
    },
  },
};

export interface ScanStep {
  /** The next carries. */
  readonly carry: readonly Tensor[];
  /** What this step puts out. */
  readonly outputs: readonly Tensor[];
}

export interface ScanOptions {
  /** The carries before the first step, float32. */
  readonly initial: readonly Tensor[];
  /** [T, …] each; the step gets one slice of each. */
  readonly sequences: readonly Tensor[];
  /** From the last slice to the first; outputs stay aligned with the sequences. Default false. */
  readonly reverse?: boolean;
}

/**
 * A recurrence: `step` is traced once and runs T times. It may use any tensor from outside; what does not depend on
 * the step is computed once.
 * @returns the final carries, and the outputs stacked to [T, …].
 */
export function scan(
  step: (carry: Tensor[], slices: Tensor[]) => ScanStep,
  { initial, sequences, reverse = false }: ScanOptions,
): { final: Tensor[]; outputs: Tensor[] } {
  if (sequences.length === 0) throw new ShapeError('scan', 'needs at least one sequence');
  const carry = initial.map((t) => input('carry', t.shape, t.dtype));
  const slices = sequences.map((t) => input('slice', t.shape.slice(1), t.dtype));
  const next = step(carry, slices);
  const body = { params: [...carry, ...slices], results: [...next.carry, ...next.outputs] };
  if (next.carry.length !== initial.length)
    throw new ShapeError('scan', `the step returned ${next.carry.length} carries for ${initial.length}`);
  const all = applyScan(body, initial, sequences, reverse);
  return { final: all.slice(0, initial.length), outputs: all.slice(initial.length) };
}
