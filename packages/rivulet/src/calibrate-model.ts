import type { EachOf } from '@rivulet/tensor';
import { calibrateImages, type ImageCalibrationOptions, type ImageSource } from '@rivulet/vision';
import { saveCalibration } from './loading/calibration-file.ts';
import { isClassifier, isSegmenter } from './loading/classifier-config.ts';
import { readClassifier, readSegmenter } from './loading/image-models.ts';
import { ModelError, readConfig } from './loading/model-files.ts';

/**
 * Shows an image model of a folder images of the kind that it will see, and writes what it saw into the folder: from then on `load` and
 * `exportModel` with weights 'int8' compute its convolutions in whole numbers.
 * @returns the path of the file, calibration.json.
 * @throws ModelError for a folder that cannot be read or holds a text model; as `calibrateImages`.
 */
export async function calibrateModel(
  directory: string,
  images: EachOf<ImageSource>,
  options: ImageCalibrationOptions = {},
): Promise<string> {
  const config = await readConfig(directory);
  if (!isClassifier(config) && !isSegmenter(config))
    throw new ModelError(directory, 'holds a text model; only image models are calibrated');
  const read = isSegmenter(config) ? readSegmenter : readClassifier;
  const { model, image } = await read(directory, config);
  return saveCalibration(directory, await calibrateImages(model, image, images, options));
}
