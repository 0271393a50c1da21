import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { type BatchingOptions, type GenerateOptions, generationConfig } from '@rivulet/generation';
import type { Module } from '@rivulet/nn';
import { GRUSeq2Seq, parseGRUSeq2SeqConfig, Translator } from '@rivulet/seq2seq';
import { FileError, type HostTensor, readCheckpoint, readSafetensors } from '@rivulet/tensor';
import { loadTokenizer, type Tokenizer, TokenizerFileError } from '@rivulet/tokenizer';
import { CausalLM, GPT2, gpt2Weights, Llama, parseGPT2Config, parseLlamaConfig } from '@rivulet/transformer';
import {
  ImageClassifier,
  loadBackboneWeights,
  parseBackboneConfig,
  parseImageConfig,
  parseViTConfig,
  ViT,
} from '@rivulet/vision';

/** A model folder that cannot be used; the message names the file and the reason. */
export class ModelError extends FileError {}

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

type Json = Readonly<Record<string, unknown>>;

/**
 * Loads a model folder: config.json, model.safetensors, and tokenizer.json for text.
 * @param options how a model that continues texts serves many at once.
 * @throws ModelError where a file is missing, damaged, or does not fit the others.
 */
export async function load(directory: string, options: BatchingOptions = {}): Promise<TextModel | ImageModel> {
  const config = await readConfig(directory);
  const file = join(directory, 'config.json');
  if (config.modelType === undefined && typeof config.architecture === 'string')
    return loadBackbone(directory, config, config.architecture);
  const published = config.model_type; // as Hugging Face's folders spell it
  if (published === 'llama' || published === 'gpt2') return loadCausalLM(directory, config, published, options);
  switch (config.modelType) {
    case 'gru-seq2seq':
      return loadTranslator(directory, config);
    case 'vit':
      return loadClassifier(directory, config);
    default:
      throw new ModelError(
        file,
        `modelType ${JSON.stringify(config.modelType ?? published)} is unknown; known: gru-seq2seq, vit, and Hugging Face's ` +
          "model_type 'llama' and 'gpt2'",
      );
  }
}

/** As `load`, for a model that writes text. */
export async function loadText(directory: string, options: BatchingOptions = {}): Promise<TextModel> {
  const loaded = await load(directory, options);
  if (loaded.kind !== 'text') throw new ModelError(directory, 'holds an image model, expected one for text');
  return loaded;
}

/** As `load`, for a model that reads images. */
export async function loadImage(directory: string): Promise<ImageModel> {
  const loaded = await load(directory);
  if (loaded.kind !== 'image') throw new ModelError(directory, 'holds a text model, expected one for images');
  return loaded;
}

async function readConfig(directory: string): Promise<Json> {
  const info = await stat(directory).catch(() => null);
  if (!info) throw new ModelError(directory, 'there is no such folder');
  if (!info.isDirectory())
    throw new ModelError(directory, 'is no folder; a model is a folder with config.json and model.safetensors');
  const file = join(directory, 'config.json');
  const text = await readFile(file, 'utf8').catch(() => {
    throw new ModelError(directory, 'holds no model: there is no config.json');
  });
  const config: unknown = naming(file, () => JSON.parse(text));
  if (typeof config !== 'object' || config === null) throw new ModelError(file, 'is no JSON object');
  return config as Json;
}

async function loadTranslator(directory: string, json: Json): Promise<TextModel> {
  const config = naming(join(directory, 'config.json'), () => parseGRUSeq2SeqConfig(json));
  const tokenizerFile = join(directory, 'tokenizer.json');
  const tokenizer = await readTokenizer(tokenizerFile);
  if (tokenizer.vocabSize !== config.vocabSize)
    throw new ModelError(tokenizerFile, `has ${tokenizer.vocabSize} tokens, config.json says ${config.vocabSize}`);
  const model = await withWeights(directory, () => new GRUSeq2Seq(config));
  return { kind: 'text', tokenizer, model: await Translator.compile(model), options: {} };
}

async function loadCausalLM(
  directory: string,
  json: Json,
  type: 'llama' | 'gpt2',
  batching: BatchingOptions,
): Promise<TextModel> {
  const file = join(directory, 'config.json');
  const make = naming(file, (): (() => Llama | GPT2) => {
    if (type === 'gpt2') {
      const config = parseGPT2Config(json);
      return () => new GPT2(config);
    }
    const config = parseLlamaConfig(json);
    return () => new Llama(config);
  });
  const tokenizerFile = join(directory, 'tokenizer.json');
  const tokenizer = await readTokenizer(tokenizerFile);
  const options = await readGenerationConfig(join(directory, 'generation_config.json'));
  const model = await withWeights(directory, make, type === 'gpt2' ? gpt2Weights : llamaWeights);
  const { vocabSize } = model.sizes;
  if (tokenizer.vocabSize > vocabSize)
    throw new ModelError(tokenizerFile, `has ${tokenizer.vocabSize} tokens, config.json says ${vocabSize}`);
  const ends = tokenIds(json.eos_token_id, file);
  const eosTokenIds = [options.eosTokenId ?? ends].flat();
  const [bosTokenId] = tokenIds(json.bos_token_id, file);
  const bos = bosTokenId === undefined ? {} : { bosTokenId };
  const compiled = await CausalLM.compile(model, { eosTokenIds, ...bos, ...batching });
  return { kind: 'text', tokenizer, model: compiled, options };
}

/** A tied output layer may stand in the file beside the embedding that it is. */
function llamaWeights(weights: ReadonlyMap<string, HostTensor>, model: Module): Map<string, HostTensor> {
  const wanted = model.stateDict();
  return new Map([...weights].filter(([key]) => key !== 'lm_head.weight' || wanted.has(key)));
}

/** One id, a list of them, or none. */
function tokenIds(value: unknown, file: string): number[] {
  const ids = value === undefined || value === null ? [] : [value].flat();
  if (!ids.every((id) => Number.isInteger(id))) throw new ModelError(file, `${JSON.stringify(value)} is no token id`);
  return ids as number[];
}

async function readTokenizer(file: string): Promise<Tokenizer> {
  try {
    return await loadTokenizer(file);
  } catch (error) {
    if (error instanceof TokenizerFileError) throw new ModelError(error.file, error.reason, { cause: error });
    throw error;
  }
}

async function readGenerationConfig(file: string): Promise<GenerateOptions> {
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return '{}'; // it is optional
    throw new ModelError(file, `cannot be read: ${error.message}`, { cause: error });
  });
  return naming(file, () => generationConfig(JSON.parse(text)));
}

async function loadClassifier(directory: string, json: Json): Promise<ImageModel> {
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
  return { kind: 'image', model: await ImageClassifier.compile(model, labels, image) };
}

async function loadBackbone(directory: string, json: Json, architecture: string): Promise<ImageModel> {
  const file = join(directory, 'config.json');
  const { model, image, labels } = naming(file, () => parseBackboneConfig(json, architecture));
  const names = labels ?? (await readLabels(join(directory, 'imagenet_labels.txt'), json.num_classes as number));
  const weights = await readSafetensors(join(directory, 'model.safetensors'));
  naming(join(directory, 'model.safetensors'), () => loadBackboneWeights(model, weights));
  return { kind: 'image', model: await ImageClassifier.compile(model, names, image) };
}

/** Lines of a number and a name, in the order of the logits. */
async function readLabels(file: string, count: number): Promise<string[]> {
  const lines = (await readText(file)).trimEnd().split('\n');
  if (lines.length !== count) throw new ModelError(file, `has ${lines.length} labels, config.json says ${count}`);
  return lines.map((line) => line.trim().replace(/^\d+\s+/, ''));
}

/** @param rename from the file's keys to the model's, where they differ. */
async function withWeights<M extends Module>(
  directory: string,
  make: () => M,
  rename: (weights: ReadonlyMap<string, HostTensor>, model: M) => ReadonlyMap<string, HostTensor> = (all) => all,
): Promise<M> {
  const index = join(directory, 'model.safetensors.index.json'); // of a checkpoint in several files
  const sharded = await stat(index).catch(() => null);
  const file = sharded ? index : join(directory, 'model.safetensors');
  const weights = sharded ? await readCheckpoint(file) : await readSafetensors(file); // names the file itself
  const model = naming(join(directory, 'config.json'), make);
  naming(file, () => model.loadStateDict(rename(weights, model)));
  return model;
}

async function readText(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    throw new ModelError(file, `cannot be read: ${(error as Error).message}`, { cause: error });
  }
}

function naming<T>(file: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw new ModelError(file, (error as Error).message, { cause: error });
  }
}
