import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import {
  type BackboneFolder,
  listSegmenters,
  parseBackboneConfig,
  parseImageConfig,
  parseImageProcessor,
  parseViTConfig,
  ViT,
} from '@rivulet/vision';
import { type Json, ModelError, naming, readJSON } from './model-files.ts';

/** Whether a config.json is that of a classifier: `modelType: 'vit'`, or an `architecture` that is no segmentation model. */
export const isClassifier = ({ architecture, modelType }: Json): boolean =>
  modelType === 'vit' ||
  (modelType === undefined && typeof architecture === 'string' && !isSegmenter({ architecture }));

export const isSegmenter = ({ architecture }: Json): boolean =>
  typeof architecture === 'string' && listSegmenters().includes(architecture);

/** What a classifier's config.json calls its network. */
export const architectureOf = ({ architecture, modelType }: Json): string => (architecture ?? modelType) as string;

/** Reads a config.json for which `isClassifier` holds. @throws TypeError naming the field. */
export function parseClassifierConfig(json: Json): BackboneFolder {
  if (json.modelType !== 'vit') return parseBackboneConfig(json, architectureOf(json));
  const config = parseViTConfig(json);
  const { labels } = json;
  const count = config.numClasses;
  if (!Array.isArray(labels) || labels.length !== count || !labels.every((label) => typeof label === 'string'))
    throw new TypeError(`labels must be a list of ${count} strings`);
  return { create: () => new ViT(config), image: parseImageConfig(json.image), labels };
}

/**
 * What Hugging Face's preprocessor_config.json says as the block `image`, where there is one and config.json says nothing of it.
 * @throws ModelError naming the file, also where its size is not the model's.
 */
export async function withProcessor(directory: string, json: Json): Promise<Json> {
  if ([json.image, json.preprocessing, json.pretrained_cfg].some((block) => block !== undefined)) return json;
  const file = join(directory, 'preprocessor_config.json');
  if (!(await stat(file).catch(() => null))) return json;
  const processor = await readJSON(file);
  const image = naming(file, () => parseImageProcessor(processor));
  const { image_size: side } = json;
  if (side !== undefined && image.size.some((length) => length !== side))
    throw new ModelError(file, `says images of ${image.size.join(' × ')}, config.json ${side} × ${side}`);
  return { ...json, image };
}

export interface ClassifierChanges {
  readonly labels?: readonly string[] | undefined;
  /** Height and width of the images. */
  readonly imageSize?: number | undefined;
  readonly dropout?: number | undefined;
}

/** The same config.json for other classes or images, in the fields of its kind. */
export function changedClassifierConfig(json: Json, { labels, imageSize: side, dropout }: ClassifierChanges): Json {
  const image = side !== undefined && json.image !== undefined ? { image: resized(json.image as Json, side) } : {};
  const common: Json = { ...json, ...image, ...(dropout !== undefined && { dropout }) };
  if (json.modelType === 'vit')
    return {
      ...common,
      ...(labels && { labels, numClasses: labels.length }),
      ...(side !== undefined && { imageSize: side }),
    };
  const { labels: _comment, pretrained_cfg: timm, ...rest } = common;
  const { input_size: before } = (timm ?? {}) as Json;
  const prepared =
    side !== undefined && Array.isArray(before) ? { ...(timm as Json), input_size: [before[0], side, side] } : timm;
  return {
    ...rest,
    ...(prepared !== undefined && { pretrained_cfg: prepared }),
    ...(labels && { classes: labels, num_classes: labels.length }),
    ...(side !== undefined && { image_size: side }),
  };
}

/** A block `image` for squares of another size; what is cut off stays the same share. */
function resized({ resize, ...image }: Json, side: number): Json {
  const [height, width] = image.size as [number, number];
  const longer = (resize as number) / Math.min(height, width);
  return { ...image, size: [side, side], ...(resize !== undefined && { resize: Math.round(longer * side) }) };
}
