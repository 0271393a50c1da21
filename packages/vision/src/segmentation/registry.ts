import type { Module } from '@rivulet/nn';
import type { Tensor } from '@rivulet/tensor';
import { createModel } from '../models/registry.ts';
import { ResNet } from '../models/resnet.ts';
import { DenseSegmenter } from './dense-segmenter.ts';
import { FCN } from './fcn.ts';
import { UNet } from './unet.ts';

export interface SegmenterOptions {
  /** Default 21, of U-Net 2. */
  readonly numClasses?: number;
  /** fcn_resnet and deeplabv3: a second head for training. Default false. */
  readonly auxiliary?: boolean;
  /** Probability of dropout; each model's own by default. */
  readonly dropout?: number;
  /** U-Net: channels of the images. Default 3. */
  readonly channels?: number;
  /** U-Net: channels of every level. Default [64, 128, 256, 512, 1024]. */
  readonly widths?: readonly number[];
}

/** A model that maps images [N, C, H, W] to logits [N, classes, H, W]. */
export type SegmentationModel = Module & { forward(x: Tensor): Tensor };

const dilated = (layers: readonly number[]): ResNet =>
  new ResNet({ block: 'bottleneck', layers, dilate: [false, true, true], numClasses: 1 });
/** The paper's, on VGG-16's third to fifth pooling. */
const fcn = (levels: readonly number[], options: SegmenterOptions): FCN =>
  new FCN({ numClasses: 21, ...options, backbone: createModel('vgg16', { numClasses: 1 }), levels, hidden: 4096 });

const SEGMENTERS: Readonly<Record<string, (options: SegmenterOptions) => SegmentationModel>> = {
  fcn_resnet50: (o) => new DenseSegmenter({ numClasses: 21, ...o, backbone: dilated([3, 4, 6, 3]), head: 'fcn' }),
  fcn_resnet101: (o) => new DenseSegmenter({ numClasses: 21, ...o, backbone: dilated([3, 4, 23, 3]), head: 'fcn' }),
  deeplabv3_resnet50: (o) =>
    new DenseSegmenter({ numClasses: 21, ...o, backbone: dilated([3, 4, 6, 3]), head: 'deeplab' }),
  deeplabv3_resnet101: (o) =>
    new DenseSegmenter({ numClasses: 21, ...o, backbone: dilated([3, 4, 23, 3]), head: 'deeplab' }),
  fcn32s_vgg16: (options) => fcn([4], options),
  fcn16s_vgg16: (options) => fcn([4, 3], options),
  fcn8s_vgg16: (options) => fcn([4, 3, 2], options),
  unet: (options) => new UNet({ numClasses: 2, ...options }),
};

/** The names that `createSegmenter` knows, in alphabetical order. */
export function listSegmenters(): string[] {
  return Object.keys(SEGMENTERS).sort();
}

/** A model that names every pixel, with untrained weights. @throws RangeError naming the models that there are. */
export function createSegmenter(name: string, options: SegmenterOptions = {}): SegmentationModel {
  const make = Object.hasOwn(SEGMENTERS, name) ? SEGMENTERS[name] : undefined;
  if (!make)
    throw new RangeError(`there is no segmentation model '${name}'; there are: ${listSegmenters().join(', ')}`);
  const { numClasses } = options;
  if (numClasses !== undefined && !(Number.isSafeInteger(numClasses) && numClasses > 0))
    throw new RangeError(`numClasses must be a whole number from 1, got ${numClasses}`);
  return make(options);
}
