import { full, type Tensor } from '@rivulet/tensor';
import {
  type LearningRate,
  type Optimizer,
  rateAt,
  regularized,
  type UpdateArgs,
  wantPositive,
  wantShares,
} from './optimizer.ts';

export interface AdamOptions {
  readonly lr: LearningRate;
  /** Default [0.9, 0.999]. */
  readonly betas?: readonly [number, number];
  /** Default 1e-8. */
  readonly eps?: number;
  /** L2 regularization, added to the gradient. Default 0. */
  readonly weightDecay?: number;
}

export interface AdamWOptions extends AdamOptions {
  /** Decoupled weight decay. Default 0.01. */
  readonly weightDecay?: number;
  /** Which parameters decay: matrices only (default), or all of them as torch.optim.AdamW does without groups. */
  readonly decayed?: 'matrices' | 'all';
}

/** Adam (https://arxiv.org/abs/1412.6980), as torch.optim.Adam. */
export function adam({ weightDecay = 0, ...options }: AdamOptions): Optimizer {
  wantPositive('adam', { weightDecay });
  return adaptive('adam', options, (args) => ({ ...args, gradient: regularized(args, weightDecay) }));
}

/** Adam with decoupled weight decay (https://arxiv.org/abs/1711.05101), as torch.optim.AdamW. */
export function adamW({ weightDecay = 0.01, decayed = 'matrices', ...options }: AdamWOptions): Optimizer {
  wantPositive('adamW', { weightDecay });
  return adaptive('adamW', options, (args) => {
    if (weightDecay === 0 || !(args.decay || decayed === 'all')) return args;
    return { ...args, parameter: decoupledDecay(args.parameter, args.scalars[0]!, weightDecay) };
  });
}

/** parameter·(1 − rate·decay) */
export function decoupledDecay(parameter: Tensor, rate: Tensor, decay: number): Tensor {
  return parameter.mul(full([], 1).sub(rate.mul(decay)));
}

/**
 * The slots hold sums, Σβᵗ⁻ⁱ·gᵢ and Σβᵗ⁻ⁱ·gᵢ², in place of averages: their factors 1 − β and the corrections of the first steps
 * go into two numbers, which saves three passes over every parameter.
 */
function adaptive(name: string, options: AdamOptions, decay: (args: UpdateArgs) => UpdateArgs): Optimizer {
  const { lr, betas: [beta1, beta2] = [0.9, 0.999], eps = 1e-8 } = options;
  wantShares(name, { beta1, beta2 });
  wantPositive(name, { eps });
  return {
    name,
    slots: ['gradient_sum', 'gradient_sq_sum'],
    scalars(step) {
      const rate = rateAt(lr, step);
      const deviation = Math.sqrt((1 - beta2) / (1 - beta2 ** step)); // times √(sum of squares): Adam's denominator
      return [rate, (rate * (1 - beta1)) / (1 - beta1 ** step) / deviation, eps / deviation];
    },
    update(args) {
      const { parameter, gradient, slots, scalars } = decay(args);
      const [sum, squares] = slots as [Tensor, Tensor];
      const [, stepSize, floor] = scalars as [Tensor, Tensor, Tensor];
      const nextSum = sum.mul(beta1).add(gradient);
      const nextSquares = squares.mul(beta2).add(gradient.mul(gradient));
      const change = nextSum.div(nextSquares.sqrt().add(floor)).mul(stepSize);
      return { parameter: parameter.sub(change), slots: [nextSum, nextSquares] };
    },
  };
}
