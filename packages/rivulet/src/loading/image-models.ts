import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { skipInit } from '@rivulet/nn';
import { type CompileOptions, readSafetensors } from '@rivulet/tensor';
import {
  type Backbone,
  ImageClassifier,
  type ImageConfig,
  ImageSegmenter,
  listSegmenters,
  loadBackboneWeights,
  parseBackboneConfig,
  parseImageConfig,
  parseImageProcessor,
  parseSegmenterConfig,
  parseViTConfig,
  ViT,
} from '@rivulet/vision';
import type { ImageModel, SegmentationModel } from '../load.ts';
import { type Json, ModelError, naming, readJSON, readText, withWeights } from './model-files.ts';

/** An image model as it stands in its folder: not compiled, to train, to embed or to look into. */
export interface ImageFolder {
  readonly model: Backbone;
  readonly labels: readonly string[];
  readonly image: ImageConfig;
}

/** Whether a config.json is that of an image model, and not of a segmentation model. */
export const isClassifier = ({ architecture, modelType }: Json): boolean =>
  modelType === 'vit' ||
  (modelType === undefined && typeof architecture === 'string' && !isSegmenter({ architecture }));

export const isSegmenter = ({ architecture }: Json): boolean =>
  typeof architecture === 'string' && listSegmenters().includes(architecture);

export async function readClassifier(directory: string, json: Json): Promise<ImageFolder> {
  return json.modelType === 'vit' ? readViT(directory, json) : readBackbone(directory, json);
}

export async function loadClassifier(directory: string, json: Json, options: CompileOptions): Promise<ImageModel> {
  const { model, labels, image } = await readClassifier(directory, json);
  return { kind: 'image', model: await ImageClassifier.compile(model, labels, image, options) };
}

export async function loadSegmenter(
  directory: string,
  json: Json,
  options: CompileOptions,
): Promise<SegmentationModel> {
  const file = join(directory, 'config.json');
  const { model, image, labels } = naming(file, () =>
    skipInit(() => parseSegmenterConfig(json, json.architecture as string)),
  );
  const weights = await readSafetensors(join(directory, 'model.safetensors'));
  naming(join(directory, 'model.safetensors'), () => loadBackboneWeights(model, weights));
  return { kind: 'segmentation', model: await ImageSegmenter.compile(model, labels, image, options) };
}

async function readViT(directory: string, json: Json): Promise<ImageFolder> {
  const file = join(directory, 'config.json');
  const config = naming(file, () => parseViTConfig(json));
  const image = naming(file, () => parseImageConfig(json.image));
  const { labels } = json;
  if (
    !Array.isArray(labels) ||
    labels.length !== config.numClasses ||
    !labels.every((label) => typeof label === 'string')
  )
    throw new ModelError(file, `labels must be a list of ${config.numClasses} strings`);
  return { model: await withWeights(directory, () => new ViT(config)), labels, image };
}

async function readBackbone(directory: string, json: Json): Promise<ImageFolder> {
  const file = join(directory, 'config.json');
  const { model, image, labels } = naming(file, () =>
    skipInit(() => parseBackboneConfig(json, json.architecture as string)),
  );
  const names = labels ?? (await readLabels(join(directory, 'imagenet_labels.txt'), json.num_classes as number));
  const weights = await readSafetensors(join(directory, 'model.safetensors'));
  naming(join(directory, 'model.safetensors'), () => loadBackboneWeights(model, weights));
  const says = json.preprocessing !== undefined || json.pretrained_cfg !== undefined;
  return { model, labels: names, image: (says ? null : await readProcessor(directory, image)) ?? image };
}

/** What Hugging Face's preprocessor_config.json says, where there is one and config.json says nothing; its size has to be the model's. */
async function readProcessor(directory: string, { size }: ImageConfig): Promise<ImageConfig | null> {
  const file = join(directory, 'preprocessor_config.json');
  if (!(await stat(file).catch(() => null))) return null;
  const json = await readJSON(file);
  const image = naming(file, () => parseImageProcessor(json));
  if (image.size.join() !== size.join())
    throw new ModelError(file, `says images of ${image.size.join(' × ')}, config.json ${size.join(' × ')}`);
  return image;
}

/** Lines of a number and a name, in the order of the logits. */
async function readLabels(file: string, count: number): Promise<string[]> {
  const lines = (await readText(file)).trimEnd().split('\n');
  if (lines.length !== count) throw new ModelError(file, `has ${lines.length} labels, config.json says ${count}`);
  return lines.map((line) => line.trim().replace(/^\d+\s+/, ''));
}
