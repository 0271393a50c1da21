import { join } from 'node:path';
import { readSafetensors } from '@rivulet/tensor';
import { type Backbone, type ImageConfig, loadBackboneWeights, parseBackboneConfig } from '@rivulet/vision';
import { type Json, ModelError, naming, readJSON } from '../loading/model-files.ts';

/** ImageNet's statistics, as torchvision has them. */
const IMAGENET = { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] };

export interface StartingModel {
  readonly model: Backbone;
  readonly image: ImageConfig;
  /** What the folder's config.json is to say. */
  readonly config: Json;
  /** Names of the tensors of a head that took the place of the checkpoint's. */
  readonly newHead: readonly string[];
  /** Another one with the same shapes. */
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
 * A model for these labels: untrained, or with the weights of a folder, whose head is replaced where it has other labels.
 * @throws ModelError where the folder is of another architecture, or its files do not fit.
 */
export async function startingModel(options: StartingOptions, labels: readonly string[]): Promise<StartingModel> {
  const { weights: directory, backbone } = options;
  const file = directory === undefined ? 'the options' : join(directory, 'config.json');
  const read = directory === undefined ? untrained(options) : await readJSON(file);
  const given = options.imageSize === undefined ? read : { ...read, image_size: options.imageSize };
  const { architecture } = given;
  if (typeof architecture !== 'string')
    throw new ModelError(
      file,
      "has no field 'architecture'; expected the folder of an image model, as 'train vision' writes it",
    );
  if (backbone !== undefined && backbone !== architecture)
    throw new ModelError(file, `holds a ${architecture}, --backbone says ${backbone}`);
  const { labels: _comment, ...rest } = given;
  const config = { ...rest, dropout: options.dropout, num_classes: labels.length, classes: labels };
  const create = (): Backbone => naming(file, () => parseBackboneConfig(config, architecture)).model;
  const { image } = naming(file, () => parseBackboneConfig(config, architecture));
  if (directory === undefined) return { model: create(), image, config, newHead: [], create };
  const { model } = naming(file, () => parseBackboneConfig({ ...given, dropout: options.dropout }, architecture));
  const checkpoint = join(directory, 'model.safetensors');
  const values = await readSafetensors(checkpoint);
  naming(checkpoint, () => loadBackboneWeights(model, values));
  if (JSON.stringify(given.classes) === JSON.stringify(labels)) return { model, image, config, newHead: [], create };
  const before = new Set([...model.stateDict().values()].map(({ node }) => node));
  model.resetClassifier(labels.length);
  const newHead = [...model.stateDict()].filter(([, { node }]) => !before.has(node)).map(([name]) => name);
  return { model, image, config, newHead, create };
}

function untrained({ backbone }: StartingOptions): Json {
  if (backbone === undefined) throw new Error('give --backbone, a name of listModels(), or --weights, a model folder');
  return { architecture: backbone, image_size: 224, preprocessing: IMAGENET };
}
