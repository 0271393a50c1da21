import { rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { type Calibration, parseCalibration, replaceFile, type WeightOptions } from '@rivulet/tensor';
import { ModelError, naming, readJSON } from './model-files.ts';

/** Where a model folder has what was seen of its activations. */
export const calibrationFile = (directory: string): string => join(directory, 'calibration.json');

/** Writes the calibration of a model folder; its loading with weights 'int8' finds it. */
export async function saveCalibration(directory: string, calibration: Calibration): Promise<string> {
  const file = calibrationFile(directory);
  await replaceFile(file, [`${JSON.stringify(calibration)}\n`]);
  return file;
}

/** A calibration belongs to its weights: those that take their place need another. */
export const forgetCalibration = (directory: string): Promise<void> => rm(calibrationFile(directory), { force: true });

/**
 * Runs what compiles a model of a folder, with the folder's calibration where there is one, weights are 'int8' and the options bring none.
 * @throws ModelError naming the file, where it is damaged or of another network.
 */
export async function calibrated<O extends WeightOptions, T>(
  directory: string,
  options: O,
  work: (options: O) => Promise<T>,
): Promise<T> {
  const file = calibrationFile(directory);
  if (options.weights !== 'int8' || options.calibration || !(await stat(file).catch(() => null))) return work(options);
  const json = await readJSON(file);
  const calibration = naming(file, () => parseCalibration(json));
  try {
    return await work({ ...options, calibration });
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new ModelError(file, error.message, { cause: error });
  }
}
