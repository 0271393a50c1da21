import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { type Module, skipInit } from '@rivulet/nn';
import { FileError, type HostTensor, readCheckpoint, readSafetensors } from '@rivulet/tensor';

/** A model folder that cannot be used; the message names the file and the reason. */
export class ModelError extends FileError {}

export type Json = Readonly<Record<string, unknown>>;

/**
 * A model with the weights of its folder.
 * @param rename from the file's keys to the model's, where they differ.
 */
export async function withWeights<M extends Module>(
  directory: string,
  make: () => M,
  rename: (weights: ReadonlyMap<string, HostTensor>, model: M) => ReadonlyMap<string, HostTensor> = (all) => all,
): Promise<M> {
  const { file, weights } = await readWeights(directory);
  const model = naming(join(directory, 'config.json'), () => skipInit(make)); // the file has all weights
  naming(file, () => model.loadStateDict(rename(weights, model)));
  return model;
}

/** The weights of a model folder, in one file or several, and the file to name. @throws FileError */
export async function readWeights(
  directory: string,
): Promise<{ readonly file: string; readonly weights: ReadonlyMap<string, HostTensor> }> {
  const index = join(directory, 'model.safetensors.index.json'); // of a checkpoint in several files
  const sharded = await stat(index).catch(() => null);
  const file = sharded ? index : join(directory, 'model.safetensors');
  return { file, weights: sharded ? await readCheckpoint(file) : await readSafetensors(file) };
}

export async function readText(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    throw new ModelError(file, `cannot be read: ${(error as Error).message}`, { cause: error });
  }
}

/** Errors of `work` name the file. */
export function naming<T>(file: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw new ModelError(file, (error as Error).message, { cause: error });
  }
}

/** config.json of a model folder. @throws ModelError where there is no such folder, or no model in it. */
export async function readConfig(directory: string): Promise<Json> {
  const info = await stat(directory).catch(() => null);
  if (!info) throw new ModelError(directory, 'there is no such folder');
  if (!info.isDirectory())
    throw new ModelError(directory, 'is no folder; a model is a folder with config.json and model.safetensors');
  const file = join(directory, 'config.json');
  const text = await readFile(file, 'utf8').catch(() => {
    throw new ModelError(directory, 'holds no model: there is no config.json');
  });
  return parseJSON(file, text);
}

/** A JSON object. @throws ModelError naming the file. */
export async function readJSON(file: string): Promise<Json> {
  return parseJSON(file, await readText(file));
}

function parseJSON(file: string, text: string): Json {
  const json: unknown = naming(file, () => JSON.parse(text));
  if (typeof json !== 'object' || json === null) throw new ModelError(file, 'is no JSON object');
  return json as Json;
}
