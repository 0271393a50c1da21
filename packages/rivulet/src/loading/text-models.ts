import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type GenerateOptions, generationConfig } from '@rivulet/generation';
import type { Module } from '@rivulet/nn';
import { GRUSeq2Seq, parseGRUSeq2SeqConfig, Translator } from '@rivulet/seq2seq';
import type { HostTensor } from '@rivulet/tensor';
import { loadTokenizer, type Tokenizer, TokenizerFileError } from '@rivulet/tokenizer';
import {
  CausalLM,
  GPT2,
  gpt2Weights,
  Llama,
  parseGPT2Config,
  parseLlamaConfig,
  type SpecialTokens,
} from '@rivulet/transformer';
import type { LoadOptions, TextModel } from '../load.ts';
import { type Json, ModelError, naming, withWeights } from './model-files.ts';

/** The families of decoders that are read, by Hugging Face's model_type. */
export type CausalType = 'llama' | 'gpt2';

export async function loadTranslator(directory: string, json: Json, options: LoadOptions): Promise<TextModel> {
  const config = naming(join(directory, 'config.json'), () => parseGRUSeq2SeqConfig(json));
  const tokenizerFile = join(directory, 'tokenizer.json');
  const tokenizer = await readTokenizer(tokenizerFile);
  if (tokenizer.vocabSize !== config.vocabSize)
    throw new ModelError(tokenizerFile, `has ${tokenizer.vocabSize} tokens, config.json says ${config.vocabSize}`);
  const model = await withWeights(directory, () => new GRUSeq2Seq(config));
  return { kind: 'text', tokenizer, model: await Translator.compile(model, options), options: {} };
}

/** A folder's decoder with all that belongs to it, not compiled yet. */
export interface CausalFolder {
  readonly model: Llama | GPT2;
  readonly tokenizer: Tokenizer;
  readonly tokens: SpecialTokens;
  /** What generation_config.json says. */
  readonly options: GenerateOptions;
}

/** Reads a folder in Hugging Face's layout. @throws ModelError naming the file that is missing, damaged, or does not fit the others. */
export async function readCausalLM(directory: string, json: Json, type: CausalType): Promise<CausalFolder> {
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
  return { model, tokenizer, tokens: { eosTokenIds, ...(bosTokenId !== undefined && { bosTokenId }) }, options };
}

export async function loadCausalLM(
  directory: string,
  json: Json,
  type: CausalType,
  loading: LoadOptions,
): Promise<TextModel> {
  const { model, tokenizer, tokens, options } = await readCausalLM(directory, json, type);
  return { kind: 'text', tokenizer, model: await CausalLM.compile(model, { ...tokens, ...loading }), options };
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
