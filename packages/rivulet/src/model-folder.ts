import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type HostTensor, replaceFile, writeSafetensors } from '@rivulet/tensor';
import { forgetCalibration } from './loading/calibration-file.ts';

export interface ModelFiles {
  readonly config: object;
  readonly weights: ReadonlyMap<string, HostTensor>;
  /** The text of tokenizer.json, where the model reads text. */
  readonly tokenizer?: string;
}

/**
 * Writes a model folder: config.json, tokenizer.json, model.safetensors (float16). Each file replaces the old one when it is whole; a
 * calibration of the old weights goes.
 */
export async function saveModelFolder(directory: string, { config, weights, tokenizer }: ModelFiles): Promise<void> {
  await mkdir(directory, { recursive: true });
  await writeSafetensors(join(directory, 'model.safetensors'), weights, { metadata: { format: 'pt' }, half: true });
  if (tokenizer !== undefined) await replaceFile(join(directory, 'tokenizer.json'), [tokenizer]);
  await forgetCalibration(directory);
  await replaceFile(join(directory, 'config.json'), [`${JSON.stringify(config, null, 2)}\n`]);
}
