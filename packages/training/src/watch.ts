import type { TrainingEvent } from './fit.ts';

/** A figure of every epoch that decides something. */
export interface Watched {
  /** One of the figures that `evaluate` gives, or 'loss' (default): the mean over the epoch's steps, unless evaluated too. */
  readonly metric?: string;
  /** Whether lower or higher is better. Default 'min'. */
  readonly mode?: 'min' | 'max';
}

/** The watched figure of an epoch. @throws Error naming the figures that there are. */
export function figureOf(event: TrainingEvent & { type: 'epoch-end' }, { metric = 'loss' }: Watched): number {
  const value = event.metrics[metric] ?? (metric === 'loss' ? event.loss : undefined);
  if (value !== undefined) return value;
  const known = [...new Set(['loss', ...Object.keys(event.metrics)])];
  throw new Error(`epoch ${event.epoch + 1} has no figure '${metric}'; it has: ${known.join(', ')}`);
}

/** Whether a figure beats the best one by more than `minDelta`; NaN never does. */
export function isBetter(figure: number, best: number | null, mode: 'min' | 'max' = 'min', minDelta = 0): boolean {
  if (Number.isNaN(figure)) return false;
  if (best === null) return true;
  return mode === 'min' ? figure < best - minDelta : figure > best + minDelta;
}
