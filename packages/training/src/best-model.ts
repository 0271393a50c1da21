import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { FileError, type InputSpecs, replaceFile, writeSafetensors } from '@rivulet/tensor';
import { type MonoTypeOperatorFunction, tap } from 'rxjs';
import type { TrainingEvent } from './fit.ts';
import type { Trainer } from './trainer.ts';
import { figureOf, isBetter, type Watched } from './watch.ts';

/** What `best.json` says. */
export interface BestModel {
  readonly metric: string;
  readonly value: number;
  /** From 0. */
  readonly epoch: number;
  readonly step: number;
}

/**
 * Keeps the weights of the best epoch: `directory/model.safetensors` (the moving averages where there are any) beside
 * `best.json`, which a resumed run goes on from. @throws on the stream: Error where an epoch has no such figure, FileError for a
 * damaged best.json.
 */
export function bestModel<I extends InputSpecs>(
  directory: string,
  trainer: Trainer<I>,
  watched: Watched = {},
): MonoTypeOperatorFunction<TrainingEvent> {
  const { metric = 'loss', mode } = watched;
  const file = join(directory, 'best.json');
  let best: Promise<BestModel | null> | undefined;
  return tap((event) => {
    if (event.type !== 'epoch-end') return;
    const value = figureOf(event, watched);
    const { epoch, step } = event;
    best ??= readBest(file);
    best = best.then(async (known) => {
      if (!isBetter(value, known?.metric === metric ? known.value : null, mode)) return known;
      const next = { metric, value, epoch, step };
      await mkdir(directory, { recursive: true });
      await writeSafetensors(join(directory, 'model.safetensors'), trainer.weights());
      await replaceFile(file, [`${JSON.stringify(next, null, 2)}\n`]);
      return next;
    });
    event.waitUntil(best);
  });
}

async function readBest(file: string): Promise<BestModel | null> {
  const text = await readFile(file, 'utf8').catch(() => null);
  if (text === null) return null;
  try {
    return JSON.parse(text) as BestModel;
  } catch (error) {
    throw new FileError(file, `is damaged (${(error as Error).message}); remove it to start again`, { cause: error });
  }
}
