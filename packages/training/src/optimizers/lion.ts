import { decoupledDecay } from './adam.ts';
import { type LearningRate, type Optimizer, rateAt, wantPositive, wantShares } from './optimizer.ts';

export interface LionOptions {
  readonly lr: LearningRate;
  /** Default [0.9, 0.99]. */
  readonly betas?: readonly [number, number];
  /** Decoupled weight decay. Default 0. */
  readonly weightDecay?: number;
  /** Which parameters decay. Default 'matrices'. */
  readonly decayed?: 'matrices' | 'all';
}

/** Lion (https://arxiv.org/abs/2302.06675, program 1): the sign of an interpolated momentum. */
export function lion({
  lr,
  betas: [beta1, beta2] = [0.9, 0.99],
  weightDecay = 0,
  decayed = 'matrices',
}: LionOptions): Optimizer {
  wantShares('lion', { beta1, beta2 });
  wantPositive('lion', { weightDecay });
  return {
    name: 'lion',
    slots: ['exp_avg'],
    scalars: (step) => [rateAt(lr, step)],
    update({ parameter, gradient, slots: [momentum], scalars: [rate], decay }) {
      const shrinks = weightDecay > 0 && (decay || decayed === 'all');
      const shrunk = shrinks ? decoupledDecay(parameter, rate!, weightDecay) : parameter;
      const direction = momentum!
        .mul(beta1)
        .add(gradient.mul(1 - beta1))
        .sign();
      const next = momentum!.mul(beta2).add(gradient.mul(1 - beta2));
      return { parameter: shrunk.sub(direction.mul(rate!)), slots: [next] };
    },
  };
}
