import type { TrainingEvent } from '@rivulet/training';
import { Presets, SingleBar } from 'cli-progress';
import { finalize, type MonoTypeOperatorFunction, tap } from 'rxjs';

/** A bar on a terminal, a line per epoch elsewhere; both on standard error. */
export function trainingProgress(
  unit: string,
  out: NodeJS.WriteStream = process.stderr,
): MonoTypeOperatorFunction<TrainingEvent> {
  const bar = out.isTTY
    ? new SingleBar(
        {
          stream: out,
          format: `epoch {epoch}/{epochs} {bar} {value}/{total} loss {loss} {speed} ${unit}/s {eta_formatted} left`,
          etaBuffer: 50,
        },
        Presets.shades_classic,
      )
    : null;
  let epochs = 0;
  let done = { items: 0, seconds: 0 };
  const speed = (): string => (done.seconds > 0 ? (done.items / done.seconds).toFixed(0) : '…');
  return (events) =>
    events.pipe(
      tap((event) => {
        switch (event.type) {
          case 'run-start':
            epochs = event.epochs;
            bar?.start(event.epochs * event.stepsPerEpoch, event.step, {
              epoch: event.position.epoch + 1,
              epochs,
              loss: '…',
              speed: '…',
            });
            break;
          case 'step-end':
            done.items += event.items;
            done.seconds += event.seconds;
            bar?.update(event.step, {
              epoch: Math.min(epochs, event.position.epoch + 1),
              loss: event.loss.toFixed(3),
              speed: speed(),
            });
            break;
          case 'epoch-end': {
            const metrics = Object.entries(event.metrics).map(([name, value]) => ` ${name} ${value.toFixed(4)}`);
            if (bar) out.write('\n');
            out.write(
              `epoch ${event.epoch + 1}/${epochs} loss ${event.loss.toFixed(4)}${metrics.join('')} ${speed()} ${unit}/s\n`,
            );
            done = { items: 0, seconds: 0 };
            break;
          }
          case 'run-end':
            break;
        }
      }),
      finalize(() => bar?.stop()),
    );
}
