import { type LearningRate, type Optimizer, rateAt, regularized, wantPositive } from './optimizer.ts';

export interface SGDOptions {
  readonly lr: LearningRate;
  /** Default 0. */
  readonly momentum?: number;
  /** The share of the gradient that does not enter the momentum, from the second step on. Default 0. */
  readonly dampening?: number;
  /** Looks ahead along the momentum (https://proceedings.mlr.press/v28/sutskever13.html). Default false. */
  readonly nesterov?: boolean;
  /** L2 regularization, added to the gradient. Default 0. */
  readonly weightDecay?: number;
}

/**
 * Stochastic gradient descent, as torch.optim.SGD.
 * @throws RangeError for a negative option, and for Nesterov's momentum without momentum or with dampening.
 */
export function sgd({ lr, momentum = 0, dampening = 0, nesterov = false, weightDecay = 0 }: SGDOptions): Optimizer {
  wantPositive('sgd', { momentum, weightDecay });
  if (nesterov && (momentum === 0 || dampening !== 0))
    throw new RangeError('sgd: nesterov needs a momentum and no dampening');
  const dampened = momentum > 0 && dampening !== 0;
  return {
    name: 'sgd',
    slots: momentum > 0 ? ['momentum_buffer'] : [],
    scalars: (step) => [rateAt(lr, step), ...(dampened ? [step === 1 ? 1 : 1 - dampening] : [])],
    update(args) {
      const { parameter, slots, scalars } = args;
      const [rate, share] = scalars;
      const gradient = regularized(args, weightDecay);
      const [buffer] = slots;
      if (!buffer) return { parameter: parameter.sub(gradient.mul(rate!)), slots: [] };
      const next = buffer.mul(momentum).add(share ? gradient.mul(share) : gradient);
      const direction = nesterov ? gradient.add(next.mul(momentum)) : next;
      return { parameter: parameter.sub(direction.mul(rate!)), slots: [next] };
    },
  };
}
