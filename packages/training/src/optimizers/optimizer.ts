import type { Tensor } from '@rivulet/tensor';

/** What one update is given besides the parameter and its gradient: scalars of this step, one tensor [] each. */
export interface UpdateArgs {
  readonly parameter: Tensor;
  readonly gradient: Tensor;
  /** The optimizer's memory of this parameter, in the order of `slots`. */
  readonly slots: readonly Tensor[];
  /** The values of `scalars(step)`. */
  readonly scalars: readonly Tensor[];
  /** False for vectors (biases, norms), which are not decayed by default. */
  readonly decay: boolean;
}

/** A rule that turns gradients into updates. It is traced into the step's graph; only `scalars` runs every step. */
export interface Optimizer {
  readonly name: string;
  /** Names of the tensors that it remembers for every parameter, of the parameter's shape. */
  readonly slots: readonly string[];
  /** The values that the slots start with, all of them. Default 0. */
  readonly initial?: number;
  /** Numbers that change from step to step; step counts from 1. The first is the learning rate. */
  scalars(step: number): number[];
  update(args: UpdateArgs): { readonly parameter: Tensor; readonly slots: readonly Tensor[] };
}

/** A fixed learning rate or one per step (from 1). */
export type LearningRate = number | ((step: number) => number);

export function rateAt(lr: LearningRate, step: number): number {
  return typeof lr === 'number' ? lr : lr(step);
}

/** @throws RangeError naming the option that is not in [0, 1). */
export function wantShares(optimizer: string, options: Readonly<Record<string, number>>): void {
  for (const [key, value] of Object.entries(options))
    if (!(value >= 0 && value < 1)) throw new RangeError(`${optimizer}: ${key} must be in [0, 1), got ${value}`);
}

/** @throws RangeError naming the option that is negative or no number. */
export function wantPositive(optimizer: string, options: Readonly<Record<string, number>>): void {
  for (const [key, value] of Object.entries(options))
    if (!(value >= 0)) throw new RangeError(`${optimizer}: ${key} must be 0 or more, got ${value}`);
}

/** The gradient with L2 regularization: decay·parameter is added. */
export function regularized({ gradient, parameter }: UpdateArgs, decay: number): Tensor {
  return decay === 0 ? gradient : gradient.add(parameter.mul(decay));
}
