import { symbol } from '@rivulet/tensor';
import { imageProcessorOf } from '@rivulet/vision';
import type { ImageFolder } from '../loading/image-models.ts';
import type { Json } from '../loading/model-files.ts';
import type { Exported } from './export-model.ts';

/** Hugging Face's model_type by how our architectures begin. */
const TYPES: readonly (readonly [string, string])[] = [
  ['deit', 'deit'],
  ['vit', 'vit'],
  ['mobilenet_v1', 'mobilenet_v1'],
  ['mobilenet_v2', 'mobilenet_v2'],
  ['mobilenet_v3', 'mobilenet_v3'],
  ['convnext', 'convnext'],
  ['swin', 'swin'],
  ['efficientnet', 'efficientnet'],
];

/**
 * pixel_values [B, C, H, W] → logits [B, classes], as Hugging Face's image classifiers. Programs choose a class by model_type, and all
 * classes of image classifiers run the graph alike: a network that Hugging Face has no type for goes under 'resnet'.
 */
export function exportClassifier({ model, labels, image }: ImageFolder, config: Json): Exported {
  const shape = [symbol('batch_size'), image.channels, ...image.size];
  const name = String(config.architecture ?? config.modelType);
  const type = TYPES.find(([start]) => name.startsWith(start))?.[1] ?? 'resnet';
  const json = {
    ...config,
    model_type: type,
    num_labels: labels.length,
    id2label: Object.fromEntries(labels.entries()),
    label2id: Object.fromEntries(labels.map((label, i) => [label, i])),
  };
  const processor = imageProcessorOf(image);
  return {
    graph: {
      inputs: { pixel_values: { shape } },
      build: ({ pixel_values }) => ({ logits: model.forward(pixel_values!) }),
    },
    files: {
      'config.json': { json, replace: true },
      ...(processor && { 'preprocessor_config.json': { json: processor, replace: false } }),
    },
  };
}
