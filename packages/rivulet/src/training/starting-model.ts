import { join } from 'node:path';
import { skipInit } from '@rivulet/nn';
import { type Backbone, fitPositions, type ImageConfig, loadBackboneWeights, ViT } from '@rivulet/vision';
import {
  architectureOf,
  changedClassifierConfig,
  isClassifier,
  isSegmenter,
  parseClassifierConfig,
  withProcessor,
} from '../loading/classifier-config.ts';
import { type Json, ModelError, naming, readConfig, readWeights } from '../loading/model-files.ts';

/** ImageNet's statistics, as torchvision has them. */
const IMAGENET = { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] };

export interface StartingModel {
  readonly model: Backbone;
  readonly image: ImageConfig;
  /** What the folder's config.json is to say. */
  readonly config: Json;
  /** Names of the tensors of a head that took the place of the checkpoint's. */
  readonly newHead: readonly string[];
  /** Another one with the same shapes, whose weights are to be loaded. */
  create(): Backbone;
}

export interface StartingOptions {
  readonly backbone?: string | undefined;
  /** A folder with config.json and model.safetensors. */
  readonly weights?: string | undefined;
  readonly imageSize?: number | undefined;
  readonly dropout: number;
  readonly seed: number;
}

/**
 * A model for these labels: untrained, or with the weights of a folder, whose head is replaced where it has other labels, and whose
 * positions (of a ViT) are interpolated where the images get another size.
 * @throws ModelError where the folder is of another architecture, or its files do not fit.
 */
export async function startingModel(options: StartingOptions, labels: readonly string[]): Promise<StartingModel> {
  const { weights: directory, imageSize, dropout } = options;
  const file = directory === undefined ? 'the options' : join(directory, 'config.json');
  const read = directory === undefined ? untrained(options) : await trained(directory, options.backbone);
  const config = changedClassifierConfig(read, { labels, imageSize, dropout });
  const { create, image } = naming(file, () => parseClassifierConfig(config));
  const common = { image, config, create: () => naming(file, () => skipInit(create)) };
  if (directory === undefined) return { ...common, model: naming(file, create), newHead: [] };
  const before = naming(file, () => parseClassifierConfig(changedClassifierConfig(read, { imageSize, dropout })));
  const model = naming(file, () => skipInit(before.create)); // the file has all weights
  const { file: checkpoint, weights: values } = await readWeights(directory);
  const fitting = model instanceof ViT ? await fitPositions(values, model) : values;
  naming(checkpoint, () => loadBackboneWeights(model, fitting));
  if (JSON.stringify(before.labels) === JSON.stringify(labels)) return { ...common, model, newHead: [] };
  const known = new Set([...model.stateDict().values()].map(({ node }) => node));
  model.resetClassifier(labels.length);
  const newHead = [...model.stateDict()].filter(([, { node }]) => !known.has(node)).map(([name]) => name);
  return { ...common, model, newHead };
}

async function trained(directory: string, backbone: string | undefined): Promise<Json> {
  const config = await readConfig(directory);
  if (!isClassifier(config))
    throw new ModelError(
      directory,
      `holds ${isSegmenter(config) ? 'a segmentation model' : 'no image model'}; expected an image classifier, as 'train vision' writes it`,
    );
  const name = architectureOf(config);
  if (backbone !== undefined && backbone !== name)
    throw new ModelError(join(directory, 'config.json'), `holds a ${name}, --backbone says ${backbone}`);
  return withProcessor(directory, config);
}

function untrained({ backbone }: StartingOptions): Json {
  if (backbone === undefined) throw new Error('give --backbone, a name of listModels(), or --weights, a model folder');
  return { architecture: backbone, image_size: 224, preprocessing: IMAGENET };
}
