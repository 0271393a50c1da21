import { join } from 'node:path';
import type { BatchingOptions, GenerateOptions } from '@rivulet/generation';
import type { Translator } from '@rivulet/seq2seq';
import type { CompileOptions } from '@rivulet/tensor';
import type { Tokenizer } from '@rivulet/tokenizer';
import type { CausalLM } from '@rivulet/transformer';
import type { ImageClassifier, ImageSegmenter } from '@rivulet/vision';
import { isClassifier, isSegmenter } from './loading/classifier-config.ts';
import { type ImageFolder, loadClassifier, loadSegmenter, readClassifier } from './loading/image-models.ts';
import { ModelError, readConfig } from './loading/model-files.ts';
import { loadCausalLM, loadTranslator } from './loading/text-models.ts';

export type { ImageFolder } from './loading/image-models.ts';
export { ModelError } from './loading/model-files.ts';

/** A model that writes text, compiled and ready. */
export interface TextModel {
  readonly kind: 'text';
  readonly tokenizer: Tokenizer;
  /** A `CausalLM` continues its prompt, a `Translator` reads it as a source. */
  readonly model: Translator | CausalLM;
  /** What the folder's generation_config.json says, for `generate`. */
  readonly options: GenerateOptions;
}

/** A model that names what is on an image, compiled and ready. */
export interface ImageModel {
  readonly kind: 'image';
  readonly model: ImageClassifier;
}

/** A model that names the pixels of an image, compiled and ready. */
export interface SegmentationModel {
  readonly kind: 'segmentation';
  readonly model: ImageSegmenter;
}

/** How to load a model: its backend, threads and weight format, and how one that continues texts serves many at once. */
export interface LoadOptions extends CompileOptions, BatchingOptions {}

/**
 * Loads a model folder: config.json, model.safetensors, and tokenizer.json for text.
 * @throws ModelError where a file is missing, damaged, or does not fit the others.
 */
export async function load(
  directory: string,
  options: LoadOptions = {},
): Promise<TextModel | ImageModel | SegmentationModel> {
  const config = await readConfig(directory);
  const file = join(directory, 'config.json');
  if (isSegmenter(config)) return loadSegmenter(directory, config, options);
  if (isClassifier(config)) return loadClassifier(directory, config, options);
  const published = config.model_type; // as Hugging Face's folders spell it
  if (published === 'llama' || published === 'gpt2') return loadCausalLM(directory, config, published, options);
  switch (config.modelType) {
    case 'gru-seq2seq':
      return loadTranslator(directory, config, options);
    default:
      throw new ModelError(
        file,
        `modelType ${JSON.stringify(config.modelType ?? published)} is unknown; known: gru-seq2seq, vit, and Hugging Face's ` +
          "model_type 'llama' and 'gpt2'",
      );
  }
}

const KINDS = {
  text: ['a text model', 'for text'],
  image: ['an image model', 'for images'],
  segmentation: ['a segmentation model', 'that names the pixels of images'],
} as const;

type Loaded = Awaited<ReturnType<typeof load>>;

async function loadKind<K extends Loaded['kind']>(
  directory: string,
  kind: K,
  options: LoadOptions,
): Promise<Extract<Loaded, { kind: K }>> {
  const loaded = await load(directory, options);
  if (loaded.kind !== kind) throw wrongKind(directory, loaded.kind, kind);
  return loaded as Extract<Loaded, { kind: K }>;
}

const wrongKind = (directory: string, found: Loaded['kind'], wanted: Loaded['kind']): ModelError =>
  new ModelError(directory, `holds ${KINDS[found][0]}, expected one ${KINDS[wanted][1]}`);

/** As `load`, for a model that writes text. */
export function loadText(directory: string, options: LoadOptions = {}): Promise<TextModel> {
  return loadKind(directory, 'text', options);
}

/** As `load`, for a model that says what is on images. */
export function loadImage(directory: string, options: CompileOptions = {}): Promise<ImageModel> {
  return loadKind(directory, 'image', options);
}

/** As `load`, for a model that names the pixels of images. */
export function loadSegmentation(directory: string, options: CompileOptions = {}): Promise<SegmentationModel> {
  return loadKind(directory, 'segmentation', options);
}

/**
 * As `loadImage`, but not compiled: for `ImageEmbedder`, `gradCam`, or training.
 * @throws ModelError as `load`, and where the folder holds another kind of model.
 */
export async function readImageModel(directory: string): Promise<ImageFolder> {
  const config = await readConfig(directory);
  if (!isClassifier(config)) throw wrongKind(directory, isSegmenter(config) ? 'segmentation' : 'text', 'image');
  return readClassifier(directory, config);
}
