import type { Tensor } from '@rivulet/tensor';
import { type LearningRate, type Optimizer, rateAt, regularized, wantPositive, wantShares } from './optimizer.ts';

export interface RMSpropOptions {
  readonly lr: LearningRate;
  /** How much of the average of squares is kept. Default 0.99. */
  readonly alpha?: number;
  /** Default 1e-8. */
  readonly eps?: number;
  /** Default 0. */
  readonly momentum?: number;
  /** Divides by the deviation instead of the root of the squares (https://arxiv.org/abs/1308.0850). Default false. */
  readonly centered?: boolean;
  /** L2 regularization, added to the gradient. Default 0. */
  readonly weightDecay?: number;
}

/** RMSprop (Hinton's lecture 6e, https://www.cs.toronto.edu/~tijmen/csc321/slides/lecture_slides_lec6.pdf), as torch.optim.RMSprop. */
export function rmsprop(options: RMSpropOptions): Optimizer {
  const { lr, alpha = 0.99, eps = 1e-8, momentum = 0, centered = false, weightDecay = 0 } = options;
  wantPositive('rmsprop', { alpha, eps, momentum, weightDecay });
  const slots = ['square_avg', ...(centered ? ['grad_avg'] : []), ...(momentum > 0 ? ['momentum_buffer'] : [])];
  return {
    name: 'rmsprop',
    slots,
    scalars: (step) => [rateAt(lr, step)],
    update(args) {
      const gradient = regularized(args, weightDecay);
      const slot = (name: string): Tensor => args.slots[slots.indexOf(name)]!;
      const rate = args.scalars[0]!;
      const squares = slot('square_avg')
        .mul(alpha)
        .add(gradient.mul(gradient).mul(1 - alpha));
      const next = [squares];
      let variance = squares;
      if (centered) {
        const mean = slot('grad_avg')
          .mul(alpha)
          .add(gradient.mul(1 - alpha));
        next.push(mean);
        variance = squares.sub(mean.mul(mean));
      }
      let direction = gradient.div(variance.sqrt().add(eps));
      if (momentum > 0) {
        direction = slot('momentum_buffer').mul(momentum).add(direction);
        next.push(direction);
      }
      return { parameter: args.parameter.sub(direction.mul(rate)), slots: next };
    },
  };
}

export interface AdagradOptions {
  readonly lr: LearningRate;
  /** The rate at step t is lr / (1 + (t − 1)·lrDecay). Default 0. */
  readonly lrDecay?: number;
  /** What the sum of squares starts from. Default 0. */
  readonly initialAccumulator?: number;
  /** Default 1e-10. */
  readonly eps?: number;
  /** L2 regularization, added to the gradient. Default 0. */
  readonly weightDecay?: number;
}

/** Adagrad (https://jmlr.org/papers/v12/duchi11a.html), as torch.optim.Adagrad. */
export function adagrad(options: AdagradOptions): Optimizer {
  const { lr, lrDecay = 0, initialAccumulator = 0, eps = 1e-10, weightDecay = 0 } = options;
  wantPositive('adagrad', { lrDecay, initialAccumulator, eps, weightDecay });
  return {
    name: 'adagrad',
    slots: ['sum'],
    initial: initialAccumulator,
    scalars: (step) => [rateAt(lr, step) / (1 + (step - 1) * lrDecay)],
    update(args) {
      const gradient = regularized(args, weightDecay);
      const sum = args.slots[0]!.add(gradient.mul(gradient));
      const change = gradient.div(sum.sqrt().add(eps)).mul(args.scalars[0]!);
      return { parameter: args.parameter.sub(change), slots: [sum] };
    },
  };
}

export interface AdadeltaOptions {
  /** Default 1. */
  readonly lr?: LearningRate;
  /** How much of both averages is kept. Default 0.9. */
  readonly rho?: number;
  /** Default 1e-6. */
  readonly eps?: number;
  /** L2 regularization, added to the gradient. Default 0. */
  readonly weightDecay?: number;
}

/** Adadelta (https://arxiv.org/abs/1212.5701), as torch.optim.Adadelta. */
export function adadelta({ lr = 1, rho = 0.9, eps = 1e-6, weightDecay = 0 }: AdadeltaOptions = {}): Optimizer {
  wantShares('adadelta', { rho });
  wantPositive('adadelta', { eps, weightDecay });
  return {
    name: 'adadelta',
    slots: ['square_avg', 'acc_delta'],
    scalars: (step) => [rateAt(lr, step)],
    update(args) {
      const gradient = regularized(args, weightDecay);
      const [average, changes] = args.slots as [Tensor, Tensor];
      const squares = average.mul(rho).add(gradient.mul(gradient).mul(1 - rho));
      const change = gradient.mul(changes.add(eps).sqrt().div(squares.add(eps).sqrt()));
      const nextChanges = changes.mul(rho).add(change.mul(change).mul(1 - rho));
      return { parameter: args.parameter.sub(change.mul(args.scalars[0]!)), slots: [squares, nextChanges] };
    },
  };
}
