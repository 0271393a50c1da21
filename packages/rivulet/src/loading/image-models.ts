import { join } from 'node:path';
import { type CompileOptions, readSafetensors } from '@rivulet/tensor';
import {
  ImageClassifier,
  loadBackboneWeights,
  parseBackboneConfig,
  parseImageConfig,
  parseViTConfig,
  ViT,
} from '@rivulet/vision';
import type { ImageModel } from '../load.ts';
import { type Json, ModelError, naming, readText, withWeights } from './model-files.ts';

export async function loadClassifier(directory: string, json: Json, options: CompileOptions): Promise<ImageModel> {
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
  const model = await withWeights(directory, () => new ViT(config));
  return { kind: 'image', model: await ImageClassifier.compile(model, labels, image, options) };
}

export async function loadBackbone(
  directory: string,
  json: Json,
  architecture: string,
  options: CompileOptions,
): Promise<ImageModel> {
  const file = join(directory, 'config.json');
  const { model, image, labels } = naming(file, () => parseBackboneConfig(json, architecture));
  const names = labels ?? (await readLabels(join(directory, 'imagenet_labels.txt'), json.num_classes as number));
  const weights = await readSafetensors(join(directory, 'model.safetensors'));
  naming(join(directory, 'model.safetensors'), () => loadBackboneWeights(model, weights));
  return { kind: 'image', model: await ImageClassifier.compile(model, names, image, options) };
}

/** Lines of a number and a name, in the order of the logits. */
async function readLabels(file: string, count: number): Promise<string[]> {
  const lines = (await readText(file)).trimEnd().split('\n');
  if (lines.length !== count) throw new ModelError(file, `has ${lines.length} labels, config.json says ${count}`);
  return lines.map((line) => line.trim().replace(/^\d+\s+/, ''));
}
