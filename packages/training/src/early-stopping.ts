import { type MonoTypeOperatorFunction, tap } from 'rxjs';
import type { TrainingEvent } from './fit.ts';
import { figureOf, isBetter, type Watched } from './watch.ts';

export interface StoppingState {
  best: number | null;
  /** Epochs since then. */
  waited: number;
}

export interface EarlyStoppingOptions extends Watched {
  /** The run ends once so many epochs in a row bring nothing better. */
  readonly patience: number;
  /** How much better a figure must be to count. Default 0. */
  readonly minDelta?: number;
  /** Kept up to date, for a checkpoint's `extra`; what a resumed run got back goes in here. */
  readonly state?: StoppingState;
}

/**
 * Ends the run, with `run-end`, when a figure stops getting better.
 * @throws RangeError unless patience is an integer of 1 or more; on the stream, Error where an epoch has no such figure.
 */
export function earlyStopping({
  patience,
  minDelta = 0,
  state = { best: null, waited: 0 },
  ...watched
}: EarlyStoppingOptions): MonoTypeOperatorFunction<TrainingEvent> {
  if (!Number.isInteger(patience) || patience < 1)
    throw new RangeError(`earlyStopping: patience must be an integer of 1 or more, got ${patience}`);
  return tap((event) => {
    if (event.type !== 'epoch-end') return;
    const figure = figureOf(event, watched);
    if (isBetter(figure, state.best, watched.mode, minDelta)) Object.assign(state, { best: figure, waited: 0 });
    else if (++state.waited >= patience) event.stop();
  });
}
