import { adamW, sgd } from '@rivulet/training';
import { createModel, createSegmenter } from '@rivulet/vision';
import { type Inference, ofImages } from '../engine/inference.ts';
import { imageStep, type Workload } from '../engine/workloads.ts';

const [SIDE, BATCH] = [224, 8];

const MODELS = {
  resnet50: () => createModel('resnet50'),
  mobilenet_v2: () => createModel('mobilenet_v2'),
  vgg16: () => createModel('vgg16'),
  densenet121: () => createModel('densenet121'),
  googlenet: () => createModel('googlenet'),
  'vit-b16': () => createModel('vit_base_patch16_224'),
  fcn_resnet50: () => createSegmenter('fcn_resnet50'),
};

/** Images of 224 × 224, one and eight at once. bench/peers/vision.py has the same ones. */
export const visionInferences: Readonly<Record<string, () => Inference>> = Object.fromEntries(
  Object.entries(MODELS).flatMap(([name, make]) =>
    [1, BATCH].map((batch) => [`${name}-batch${batch}`, () => ofImages(make(), batch, SIDE)] as const),
  ),
);

const momentum = () => sgd({ lr: 0.05, momentum: 0.9, weightDecay: 1e-4 });
const tinyViT = (): Workload =>
  imageStep(createModel('vit_tiny_patch16_224', { numClasses: 10 }), BATCH, adamW({ lr: 1e-3 }), SIDE);

function resnet18(winograd: 0 | 4): Workload {
  return { ...imageStep(createModel('resnet18', { numClasses: 10 }), BATCH, momentum(), SIDE), winograd };
}

/** Training steps of eight images of 224 × 224. */
export const visionTraining: Readonly<Record<string, () => Workload>> = {
  'train-resnet18': () => resnet18(4),
  'train-resnet18-exact': () => resnet18(0),
  'train-mobilenet_v2': () =>
    imageStep(createModel('mobilenet_v2', { numClasses: 10, dropout: 0 }), BATCH, momentum(), SIDE),
  'train-vit-ti': tinyViT,
};
