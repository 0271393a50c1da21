import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type InputSpecs, replaceFile } from '@rivulet/tensor';
import {
  checkpoint,
  type FitOptions,
  fit,
  progress,
  restoreCheckpoint,
  type Trainer,
  type TrainingEvent,
} from '@rivulet/training';
import { lastValueFrom } from 'rxjs';

/** What every kind of training is told. */
export interface TrainingSettings {
  readonly data: string;
  readonly dropout: number;
  readonly labelSmoothing: number;
  /** The highest; it rises for `warmup` steps and falls along a cosine. */
  readonly learningRate: number;
  readonly weightDecay: number;
  readonly warmup: number;
  /** Decay of the average of the weights that is saved. */
  readonly ema: number;
  readonly epochs: number;
  readonly seed: number;
}

export interface RunOptions<I extends InputSpecs> {
  readonly trainer: Trainer<I>;
  readonly options: Pick<FitOptions<I>, 'batches' | 'batchCount' | 'epochs' | 'evaluate'>;
  readonly directory: string;
  readonly resume: boolean;
  /** What `items` counts: 'tokens', 'images'. */
  readonly unit: string;
}

/**
 * Trains with a progress display and checkpoints. Ctrl-C ends the run after the step in progress and saves; a second one ends
 * the process.
 * @returns the last event: whether the run is done or was stopped.
 */
export async function runTraining<I extends InputSpecs>({
  trainer,
  options,
  directory,
  resume,
  unit,
}: RunOptions<I>): Promise<TrainingEvent> {
  const checkpoints = join(directory, 'checkpoints');
  const state = resume ? await restoreCheckpoint(checkpoints, trainer) : null;
  if (resume && !state) throw new Error(`${checkpoints}: has no checkpoint to resume from`);
  const stop = new AbortController();
  const interrupt = (): void => {
    process.stderr.write('\nstopping after this step; the run is saved (again to quit at once)\n');
    stop.abort();
    process.once('SIGINT', () => process.exit(130));
  };
  process.once('SIGINT', interrupt);
  try {
    const from = state ? { from: state.position } : {};
    return await lastValueFrom(
      fit(trainer, { ...options, ...from, signal: stop.signal }).pipe(
        checkpoint(checkpoints, trainer, { everySteps: 200 }),
        progress({ unit }),
      ),
    );
  } finally {
    process.removeListener('SIGINT', interrupt);
  }
}

/** Keeps a run's settings beside it, so that `--resume` needs no others but where the data lies now. */
export async function keepSettings<S extends TrainingSettings>(
  directory: string,
  settings: S,
  resume: boolean,
): Promise<S> {
  const file = join(directory, 'settings.json');
  if (resume) {
    const saved = await readFile(file, 'utf8').catch((error: Error) => {
      throw new Error(`${directory}: holds no run to resume (${error.message})`, { cause: error });
    });
    return { ...settings, ...(JSON.parse(saved) as S), data: settings.data };
  }
  await mkdir(directory, { recursive: true });
  await replaceFile(file, [`${JSON.stringify(settings, null, 2)}\n`]);
  return settings;
}
