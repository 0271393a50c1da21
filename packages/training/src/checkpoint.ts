import { mkdir, readdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type InputSpecs, readSafetensors, replaceFile, writeSafetensors } from '@rivulet/tensor';
import { type MonoTypeOperatorFunction, tap } from 'rxjs';
import type { Position, TrainingEvent } from './fit.ts';
import type { Trainer } from './trainer.ts';

/** Where a run stands, beside its tensors. */
export interface RunState {
  readonly step: number;
  readonly position: Position;
  /** What the run wants to find again: best figures, its settings. */
  readonly extra: Readonly<Record<string, unknown>>;
}

const PREFIX = 'checkpoint-';

/** Saves everything that an exact continuation needs under `directory/checkpoint-STEP`; older ones are removed. */
export async function saveCheckpoint<I extends InputSpecs>(
  directory: string,
  trainer: Trainer<I>,
  position: Position,
  extra: Record<string, unknown> = {},
): Promise<void> {
  const name = `${PREFIX}${String(trainer.step).padStart(8, '0')}`;
  const temporary = join(directory, `.${name}.tmp`);
  await rm(temporary, { recursive: true, force: true });
  await mkdir(temporary, { recursive: true });
  const state: RunState = { step: trainer.step, position, extra };
  await writeSafetensors(join(temporary, 'model.safetensors'), trainer.modelState());
  await writeSafetensors(join(temporary, 'optimizer.safetensors'), trainer.optimizerState());
  await replaceFile(join(temporary, 'state.json'), [`${JSON.stringify(state, null, 2)}\n`]);
  // The folder appears under its name only when it is whole.
  await rm(join(directory, name), { recursive: true, force: true });
  await rename(temporary, join(directory, name));
  for (const other of await checkpointNames(directory))
    if (other !== name) await rm(join(directory, other), { recursive: true, force: true });
}

/** Loads the newest checkpoint into the trainer; null where the folder has none. @throws Error naming a damaged file. */
export async function restoreCheckpoint<I extends InputSpecs>(
  directory: string,
  trainer: Trainer<I>,
): Promise<RunState | null> {
  const name = (await checkpointNames(directory)).at(-1);
  if (!name) return null;
  const folder = join(directory, name);
  const file = join(folder, 'state.json');
  let state: RunState;
  try {
    state = JSON.parse(await readFile(file, 'utf8')) as RunState;
  } catch (error) {
    throw new Error(`${file}: is damaged (${(error as Error).message}); remove ${folder} to start again`, {
      cause: error,
    });
  }
  const model = await readSafetensors(join(folder, 'model.safetensors'));
  trainer.restore(state.step, model, await readSafetensors(join(folder, 'optimizer.safetensors')));
  return state;
}

async function checkpointNames(directory: string): Promise<string[]> {
  const names = await readdir(directory).catch(() => []);
  return names.filter((name) => name.startsWith(PREFIX)).sort();
}

export interface CheckpointOptions {
  /** Steps between two checkpoints, beside the ones at the ends of epochs and of the run. Default: none between. */
  readonly everySteps?: number;
  /** Called for what `RunState.extra` is to hold. */
  readonly extra?: () => Record<string, unknown>;
}

/** Saves the run at the end of every epoch and when it ends, also when it is stopped; training waits meanwhile. */
export function checkpoint<I extends InputSpecs>(
  directory: string,
  trainer: Trainer<I>,
  { everySteps, extra }: CheckpointOptions = {},
): MonoTypeOperatorFunction<TrainingEvent> {
  return tap((event) => {
    const due = event.type === 'step-end' && everySteps !== undefined && event.step % everySteps === 0;
    if (due || event.type === 'epoch-end' || event.type === 'run-end')
      event.waitUntil(saveCheckpoint(directory, trainer, event.position, extra?.()));
  });
}
