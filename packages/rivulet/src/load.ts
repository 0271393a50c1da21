import { join } from 'node:path';
import type { BatchingOptions, GenerateOptions } from '@rivulet/generation';
import type { Translator } from '@rivulet/seq2seq';
import type { CompileOptions } from '@rivulet/tensor';
import type { Tokenizer } from '@rivulet/tokenizer';
import type { CausalLM } from '@rivulet/transformer';
import type { ImageClassifier } from '@rivulet/vision';
import { loadBackbone, loadClassifier } from './loading/image-models.ts';
import { ModelError, readConfig } from './loading/model-files.ts';
import { loadCausalLM, loadTranslator } from './loading/text-models.ts';

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

/** How to load a model: its backend, threads and weight format, and how one that continues texts serves many at once. */
export interface LoadOptions extends CompileOptions, BatchingOptions {}

/**
 * Loads a model folder: config.json, model.safetensors, and tokenizer.json for text.
 * @throws ModelError where a file is missing, damaged, or does not fit the others.
 */
export async function load(directory: string, options: LoadOptions = {}): Promise<TextModel | ImageModel> {
  const config = await readConfig(directory);
  const file = join(directory, 'config.json');
  if (config.modelType === undefined && typeof config.architecture === 'string')
    return loadBackbone(directory, config, config.architecture, options);
  const published = config.model_type; // as Hugging Face's folders spell it
  if (published === 'llama' || published === 'gpt2') return loadCausalLM(directory, config, published, options);
  switch (config.modelType) {
    case 'gru-seq2seq':
      return loadTranslator(directory, config, options);
    case 'vit':
      return loadClassifier(directory, config, options);
    default:
      throw new ModelError(
        file,
        `modelType ${JSON.stringify(config.modelType ?? published)} is unknown; known: gru-seq2seq, vit, and Hugging Face's ` +
          "model_type 'llama' and 'gpt2'",
      );
  }
}

/** As `load`, for a model that writes text. */
export async function loadText(directory: string, options: LoadOptions = {}): Promise<TextModel> {
  const loaded = await load(directory, options);
  if (loaded.kind !== 'text') throw new ModelError(directory, 'holds an image model, expected one for text');
  return loaded;
}

/** As `load`, for a model that reads images. */
export async function loadImage(directory: string, options: CompileOptions = {}): Promise<ImageModel> {
  const loaded = await load(directory, options);
  if (loaded.kind !== 'image') throw new ModelError(directory, 'holds a text model, expected one for images');
  return loaded;
}
