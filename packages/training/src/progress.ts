import { finalize, type MonoTypeOperatorFunction, tap } from 'rxjs';
import type { TrainingEvent } from './fit.ts';
import { type Output, StatusLine } from './status-line.ts';

export interface ProgressOptions {
  /** Where to write. Default: standard error. */
  readonly out?: Output;
  /** What the batches' items are. Default 'items'. */
  readonly unit?: string;
  /** What its lines begin with, to tell runs apart that are shown at the same time. Default: nothing. */
  readonly name?: string;
}

/** Shows a run: on a terminal a line that keeps changing, which runs at the same time share; elsewhere one line per epoch. */
export function progress({
  out = process.stderr,
  unit = 'items',
  name,
}: ProgressOptions = {}): MonoTypeOperatorFunction<TrainingEvent> {
  const line = StatusLine.of(out);
  const start = name === undefined ? '' : `${name}: `;
  return (events) => {
    const run = {};
    let [epochs, perEpoch] = [0, 0];
    let done = { items: 0, seconds: 0, steps: 0 };
    const speed = (): string =>
      `${Math.round(done.items / Math.max(1e-9, done.seconds)).toLocaleString('en-US')} ${unit}/s`;
    const show = (event: TrainingEvent): void => {
      if (event.type === 'run-start') [epochs, perEpoch] = [event.epochs, event.stepsPerEpoch];
      else if (event.type === 'step-end') {
        const { items, seconds } = event;
        done = { items: done.items + items, seconds: done.seconds + seconds, steps: done.steps + 1 };
        const left = Math.max(0, epochs * perEpoch - event.step) * (done.seconds / done.steps);
        const figures = `loss ${event.loss.toFixed(4)} lr ${event.learningRate.toExponential(2)} |g| ${event.gradientNorm.toFixed(3)}`;
        line.show(run, `${start}step ${event.step}/${epochs * perEpoch} ${figures} ${speed()} ${duration(left)} left`);
      } else if (event.type === 'epoch-end') {
        const metrics = Object.entries(event.metrics).map(([key, value]) => ` ${key} ${value.toFixed(4)}`);
        line.print(
          `${start}epoch ${event.epoch + 1}/${epochs} loss ${event.loss.toFixed(4)}${metrics.join('')} ${speed()}`,
        );
        done = { items: 0, seconds: 0, steps: 0 };
      } else {
        line.show(run, null);
        line.print(`${start}${event.reason === 'done' ? 'done' : 'stopped'} after step ${event.step}`);
      }
    };
    return events.pipe(
      tap(show),
      finalize(() => line.show(run, null)),
    );
  };
}

function duration(seconds: number): string {
  const whole = Math.round(seconds);
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60];
  const two = (n: number): string => String(n).padStart(2, '0');
  return hours > 0 ? `${hours}:${two(minutes)}:${two(whole % 60)}` : `${minutes}:${two(whole % 60)}`;
}
