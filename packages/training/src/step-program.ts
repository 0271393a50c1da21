import {
  buffer,
  currentTrace,
  full,
  gradientsInParts,
  type InParts,
  type InputSpecs,
  type Inputs,
  type StepProgram,
  type Tensor,
} from '@rivulet/tensor';
import { clipByNorm, clipByValue, globalNorm } from './optimizers/clip.ts';
import type { Optimizer } from './optimizers/optimizer.ts';

/** A parameter with what training keeps beside it. */
export interface Trained {
  readonly name: string;
  readonly parameter: Tensor;
  readonly optimizer: Optimizer;
  readonly slots: readonly Tensor[];
}

/** A parameter or a buffer of the model with its moving average. */
export interface Averaged {
  readonly name: string;
  readonly of: Tensor;
  readonly average: Tensor;
}

export type StepOutputs = { loss: Tensor; norm: Tensor };

export interface Clipping {
  readonly clipNorm?: number | undefined;
  readonly clipValue?: number | undefined;
}

/**
 * What a step computes.
 * - 'step': the gradients of one batch, and the update.
 * - 'gather': the gradients of one batch times `share`, added to what was gathered.
 * - 'finish': as 'gather', then the update with all that was gathered.
 */
export type StepKind = 'step' | 'gather' | 'finish';

/** The inputs of a step beside the batch: the optimizers' scalars and the batch's share. */
export function stepInputs(optimizers: readonly Optimizer[]): InputSpecs {
  const scalars = optimizers.flatMap((optimizer, i) =>
    optimizer.scalars(1).map((_, j) => [`scalar_${i}_${j}`, { shape: [] }]),
  );
  return Object.fromEntries([...scalars, ['share', { shape: [] }]]);
}

export interface StepParts {
  readonly loss: Tensor;
  readonly trained: readonly Trained[];
  readonly optimizers: readonly Optimizer[];
  readonly gathered: readonly Tensor[];
  readonly clipping: Clipping;
  readonly averages: readonly Averaged[];
  /** The decay of the moving averages. */
  readonly ema: number;
}

/** The program of one kind of step; `given` has the inputs of `stepInputs`. */
export function* stepProgram(
  kind: StepKind,
  given: Inputs<InputSpecs>,
  { loss, trained, optimizers, gathered, clipping: { clipNorm, clipValue }, averages, ema }: StepParts,
): InParts<StepProgram<StepOutputs>> {
  yield;
  let gradients = yield* gradientsInParts(
    loss,
    trained.map(({ parameter }) => parameter),
  );
  if (kind !== 'step') gradients = gradients.map((g, i) => gathered[i]!.add(g.mul(given.share!)));
  if (kind === 'gather') {
    const updates = new Map(gathered.map((sum, i) => [sum, gradients[i]!]));
    return { outputs: { loss, norm: full([], 0) }, updates };
  }
  const limited = clipValue === undefined ? gradients : clipByValue(gradients, clipValue);
  const clipped =
    clipNorm === undefined ? { gradients: limited, norm: globalNorm(limited) } : clipByNorm(limited, clipNorm);
  const updates = new Map<Tensor, Tensor>();
  for (const [i, { parameter, optimizer, slots }] of trained.entries()) {
    yield;
    const group = optimizers.indexOf(optimizer);
    const scalars = optimizer.scalars(1).map((_, j) => given[`scalar_${group}_${j}`]!);
    const gradient = clipped.gradients[i]!;
    const next = optimizer.update({ parameter, gradient, slots, scalars, decay: parameter.rank > 1 });
    updates.set(parameter, next.parameter);
    slots.forEach((slot, j) => {
      updates.set(slot, next.slots[j]!);
    });
    if (kind === 'finish') updates.set(gathered[i]!, full(parameter.shape, 0));
  }
  yield;
  const trace = currentTrace();
  for (const { of, average } of averages) {
    const next = updates.get(of) ?? trace.latest(of);
    if (next !== of) updates.set(average, average.mul(ema).add(next.mul(1 - ema))); // frozen batch norm's stays what it is
  }
  return { outputs: { loss, norm: clipped.norm }, updates };
}

/** A buffer of a parameter's shape, zero. */
export function like(parameter: Tensor): Tensor {
  return buffer(...parameter.shape.map((_, axis) => parameter.size(axis)));
}
