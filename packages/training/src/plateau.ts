import { type MonoTypeOperatorFunction, tap } from 'rxjs';
import type { TrainingEvent } from './fit.ts';
import { figureOf, type Watched } from './watch.ts';

export interface PlateauOptions {
  /** The rate to start with. */
  readonly lr: number;
  /** What the rate is multiplied by. Default 0.1. */
  readonly factor?: number;
  /** So many evaluations in a row may bring nothing; the one after reduces the rate. Default 10. */
  readonly patience?: number;
  /** Whether lower or higher figures are better. Default 'min'. */
  readonly mode?: 'min' | 'max';
  /** How much better a figure must be to count. Default 1e-4. */
  readonly threshold?: number;
  /** Whether the threshold is a share of the best figure ('relative', default) or a difference. */
  readonly thresholdMode?: 'relative' | 'absolute';
  /** So many evaluations after a reduction are not counted. Default 0. */
  readonly cooldown?: number;
  /** Default 0. */
  readonly minLr?: number;
  /** Smaller changes of the rate are not made. Default 1e-8. */
  readonly eps?: number;
}

export interface PlateauState {
  readonly lr: number;
  readonly best: number | null;
  readonly waited: number;
  readonly cooling: number;
}

/**
 * A learning rate that falls when a figure stops getting better, as torch.optim.lr_scheduler.ReduceLROnPlateau. `rate` goes to
 * the optimizer: `adamW({ lr: plateau.rate })`; `reduceOnPlateau(plateau, …)` tells it the figures.
 */
export class Plateau {
  /** The learning rate of now, for every step. */
  readonly rate = (): number => this.#state.lr;
  readonly #options: Required<PlateauOptions>;
  #state: PlateauState;

  /** @throws RangeError unless the factor is below 1. */
  constructor(options: PlateauOptions) {
    this.#options = {
      factor: 0.1,
      patience: 10,
      mode: 'min',
      threshold: 1e-4,
      thresholdMode: 'relative',
      cooldown: 0,
      minLr: 0,
      eps: 1e-8,
      ...options,
    };
    const { factor, lr } = this.#options;
    if (!(factor > 0 && factor < 1)) throw new RangeError(`Plateau: factor must be in (0, 1), got ${factor}`);
    this.#state = { lr, best: null, waited: 0, cooling: 0 };
  }

  /** What a checkpoint keeps, in `extra`. */
  get state(): PlateauState {
    return this.#state;
  }

  restore(state: PlateauState): void {
    this.#state = state;
  }

  /** Takes a figure. */
  update(figure: number): void {
    const { factor, patience, cooldown, minLr, eps } = this.#options;
    let { lr, best, waited, cooling } = this.#state;
    if (best === null || this.#isBetter(figure, best)) [best, waited] = [figure, 0];
    else waited++;
    if (cooling > 0) [cooling, waited] = [cooling - 1, 0];
    if (waited > patience) {
      const next = Math.max(lr * factor, minLr);
      if (lr - next > eps) lr = next;
      [cooling, waited] = [cooldown, 0];
    }
    this.#state = { lr, best, waited, cooling };
  }

  #isBetter(figure: number, best: number): boolean {
    const { mode, threshold, thresholdMode } = this.#options;
    const sign = mode === 'min' ? -1 : 1;
    const limit = thresholdMode === 'relative' ? best * (1 + sign * threshold) : best + sign * threshold;
    return mode === 'min' ? figure < limit : figure > limit;
  }
}

/**
 * Tells a plateau the figure of every epoch. @throws Error, on the stream, where an epoch has no figure of that name.
 * @param watched which figure; its mode is the plateau's own.
 */
export function reduceOnPlateau(
  plateau: Plateau,
  watched: Pick<Watched, 'metric'> = {},
): MonoTypeOperatorFunction<TrainingEvent> {
  return tap((event) => {
    if (event.type === 'epoch-end') plateau.update(figureOf(event, watched));
  });
}
