import { full, type Tensor } from '@rivulet/tensor';

/** What one update is given besides the parameter and its gradient: scalars of this step, one tensor [] each. */
export interface UpdateArgs {
  readonly parameter: Tensor;
  readonly gradient: Tensor;
  /** The optimizer's memory of this parameter, in the order of `slots`; zero at the start. */
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
  /** Numbers that change from step to step; step counts from 1. The first is the learning rate. */
  scalars(step: number): number[];
  update(args: UpdateArgs): { readonly parameter: Tensor; readonly slots: readonly Tensor[] };
}

/** A fixed learning rate or one per step (from 1). */
export type LearningRate = number | ((step: number) => number);

export interface AdamOptions {
  readonly lr: LearningRate;
  /** Default [0.9, 0.999]. */
  readonly betas?: readonly [number, number];
  /** Default 1e-8. */
  readonly eps?: number;
}

export interface AdamWOptions extends AdamOptions {
  /** Decoupled weight decay. Default 0.01. */
  readonly weightDecay?: number;
  /** Which parameters decay: matrices only (default), or all of them as torch.optim.AdamW does without groups. */
  readonly decayed?: 'matrices' | 'all';
}

/** Adam (https://arxiv.org/abs/1412.6980), as torch.optim.Adam. */
export function adam(options: AdamOptions): Optimizer {
  return adaptive('adam', options, 0, 'all');
}

/** Adam with decoupled weight decay (https://arxiv.org/abs/1711.05101), as torch.optim.AdamW. */
export function adamW({ weightDecay = 0.01, decayed = 'matrices', ...options }: AdamWOptions): Optimizer {
  return adaptive('adamW', options, weightDecay, decayed);
}

function adaptive(name: string, options: AdamOptions, weightDecay: number, decayed: 'matrices' | 'all'): Optimizer {
  const { lr, betas: [beta1, beta2] = [0.9, 0.999], eps = 1e-8 } = options;
  for (const [key, value] of Object.entries({ beta1, beta2 }))
    if (!(value >= 0 && value < 1)) throw new RangeError(`${name}: ${key} must be in [0, 1), got ${value}`);
  return {
    name,
    slots: ['exp_avg', 'exp_avg_sq'],
    scalars(step) {
      const rate = typeof lr === 'number' ? lr : lr(step);
      // PyTorch's order of operations: rate/(1 − β1ᵗ) and √(1 − β2ᵗ).
      return [rate, rate / (1 - beta1 ** step), 1 / Math.sqrt(1 - beta2 ** step)];
    },
    update({ parameter, gradient, slots: [mean, square], scalars: [rate, stepSize, correction], decay }) {
      const nextMean = mean!.mul(beta1).add(gradient.mul(1 - beta1));
      const nextSquare = square!.mul(beta2).add(gradient.mul(gradient).mul(1 - beta2));
      const denominator = nextSquare.sqrt().mul(correction!).add(eps);
      const shrinks = weightDecay > 0 && (decay || decayed === 'all');
      const shrunk = shrinks ? parameter.mul(full([], 1).sub(rate!.mul(weightDecay))) : parameter;
      return { parameter: shrunk.sub(nextMean.div(denominator).mul(stepSize!)), slots: [nextMean, nextSquare] };
    },
  };
}

/** The gradients scaled so that their common Euclidean norm is at most `maxNorm` (as torch's clip_grad_norm_), and that norm. */
export function clipByNorm(gradients: readonly Tensor[], maxNorm: number): { gradients: Tensor[]; norm: Tensor } {
  const norm = globalNorm(gradients);
  const scale = full([], maxNorm).div(norm.add(1e-6)).minimum(1);
  return { gradients: gradients.map((g) => g.mul(scale)), norm };
}

/** The Euclidean norm of all values together, []. */
export function globalNorm(tensors: readonly Tensor[]): Tensor {
  return tensors
    .map((t) => t.mul(t).sum())
    .reduce((a, b) => a.add(b))
    .sqrt();
}
