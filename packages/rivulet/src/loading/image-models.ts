import { join } from 'node:path';
import { skipInit } from '@rivulet/nn';
import type { CompileOptions } from '@rivulet/tensor';
import {
  type Backbone,
  ImageClassifier,
  type ImageConfig,
  ImageSegmenter,
  loadBackboneWeights,
  parseSegmenterConfig,
  type SegmenterFolder,
} from '@rivulet/vision';
import type { ImageModel, SegmentationModel } from '../load.ts';
import { calibrated } from './calibration-file.ts';
import { parseClassifierConfig, withProcessor } from './classifier-config.ts';
import { type Json, ModelError, naming, readText, readWeights } from './model-files.ts';

/** An image model as it stands in its folder: not compiled, to train, to embed or to look into. */
export interface ImageFolder {
  readonly model: Backbone;
  readonly labels: readonly string[];
  readonly image: ImageConfig;
}

export async function readClassifier(directory: string, published: Json): Promise<ImageFolder> {
  const file = join(directory, 'config.json');
  const json = await withProcessor(directory, published);
  const { create, image, labels } = naming(file, () => parseClassifierConfig(json));
  const names = labels ?? (await readLabels(join(directory, 'imagenet_labels.txt'), json.num_classes as number));
  const model = naming(file, () => skipInit(create)); // the file has all weights
  const { file: checkpoint, weights } = await readWeights(directory);
  naming(checkpoint, () => loadBackboneWeights(model, weights));
  return { model, labels: names, image };
}

export async function loadClassifier(directory: string, json: Json, options: CompileOptions): Promise<ImageModel> {
  const { model, labels, image } = await readClassifier(directory, json);
  const compiled = await calibrated(directory, options, (all) => ImageClassifier.compile(model, labels, image, all));
  return { kind: 'image', model: compiled };
}

/** A segmentation model as it stands in its folder: not compiled. */
export async function readSegmenter(directory: string, json: Json): Promise<SegmenterFolder> {
  const file = join(directory, 'config.json');
  const folder = naming(file, () => skipInit(() => parseSegmenterConfig(json, json.architecture as string)));
  const { file: checkpoint, weights } = await readWeights(directory);
  naming(checkpoint, () => loadBackboneWeights(folder.model, weights));
  return folder;
}

export async function loadSegmenter(
  directory: string,
  json: Json,
  options: CompileOptions,
): Promise<SegmentationModel> {
  const { model, image, labels } = await readSegmenter(directory, json);
  const compiled = await calibrated(directory, options, (all) => ImageSegmenter.compile(model, labels, image, all));
  return { kind: 'segmentation', model: compiled };
}

/** Lines of a number and a name, in the order of the logits. */
async function readLabels(file: string, count: number): Promise<string[]> {
  const lines = (await readText(file)).trimEnd().split('\n');
  if (lines.length !== count) throw new ModelError(file, `has ${lines.length} labels, config.json says ${count}`);
  return lines.map((line) => line.trim().replace(/^\d+\s+/, ''));
}
