import {
  type Calibration,
  type CalibrationOptions,
  calibrate,
  type EachOf,
  eachOf,
  type HostTensor,
  symbol,
} from '@rivulet/tensor';
import { decodeImage, type Image } from '../image/decode.ts';
import type { ImageConfig } from '../image/image-config.ts';
import { preprocess } from '../image/preprocess.ts';
import { ImageError, type ImageSource } from '../image/source.ts';
import type { ImageLogits } from './image-classifier.ts';

export interface ImageCalibrationOptions extends CalibrationOptions {
  /** Images that the model sees together. Default 4: all that it computes of them is in memory. */
  readonly batchSize?: number;
  /** Is told of an image that cannot be read, and the others are used. Default: the error ends the calibration. */
  readonly onImageError?: (error: ImageError) => void;
}

interface ImageBatch {
  readonly images: HostTensor;
}

/**
 * As `calibrate`, of an image model and images (files, or decoded with the model's channels): what `ImageClassifier`, `ImageEmbedder` and `ImageSegmenter` take as `calibration`,
 * together with `weights: 'int8'`. A hundred images of the kind that will come are enough; they need no labels.
 * @throws ImageError naming a file that is no image; RangeError where there is none, or the model has no convolution.
 */
export function calibrateImages(
  model: ImageLogits,
  image: ImageConfig,
  images: EachOf<ImageSource | Image>,
  { batchSize = 4, onImageError, ...options }: ImageCalibrationOptions = {},
): Promise<Calibration> {
  if (!(Number.isSafeInteger(batchSize) && batchSize > 0))
    throw new RangeError(`calibrateImages: batchSize must be a whole number from 1, got ${batchSize}`);
  const shape = [symbol('N'), image.channels, ...image.size];
  const all = batches(image, images, batchSize, onImageError);
  return calibrate({ images: { shape } }, ({ images: x }) => ({ y: model.forward(x) }), all, options);
}

async function* batches(
  config: ImageConfig,
  images: EachOf<ImageSource | Image>,
  size: number,
  onImageError: ImageCalibrationOptions['onImageError'],
): AsyncGenerator<ImageBatch> {
  let batch: Float32Array[] = [];
  for await (const source of eachOf(images)) {
    try {
      const image = isImage(source) ? source : await decodeImage(source, { channels: config.channels });
      batch.push(preprocess(image, config));
    } catch (error) {
      if (!onImageError || !(error instanceof ImageError)) throw error;
      onImageError(error);
    }
    if (batch.length < size) continue;
    yield joined(batch, config);
    batch = [];
  }
  if (batch.length > 0) yield joined(batch, config);
}

const isImage = (source: ImageSource | Image): source is Image => typeof source === 'object' && 'data' in source;

function joined(batch: readonly Float32Array[], { channels, size }: ImageConfig): ImageBatch {
  const data = new Float32Array(batch.length * batch[0]!.length);
  for (const [i, image] of batch.entries()) data.set(image, i * image.length);
  return { images: { dtype: 'float32', dims: [batch.length, channels, ...size], data } };
}
