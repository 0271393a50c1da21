import { copyFile, mkdir, realpath, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { exportONNX, replaceFile, type WeightFormat } from '@rivulet/tensor';
import { decoderWithPast } from '@rivulet/transformer';
import { type Json, ModelError, readConfig } from './loading/model-files.ts';
import { type CausalFolder, readCausalLM } from './loading/text-models.ts';

export interface ExportOptions {
  /** How the weights of linear layers are written; the file is named for it, as transformers.js looks for it. Default 'float32'. */
  readonly weights?: WeightFormat;
}

/** The endings of ONNX files by their weights, as Hugging Face's folders have them. */
const endings: Readonly<Record<WeightFormat, string>> = { float32: '', int8: '_int8', int4: '_q4' };

/** What belongs to a model beside its weights and is taken over as it is, where the folder has it. */
const companions = [
  'config.json',
  'generation_config.json',
  'tokenizer.json',
  'tokenizer_config.json',
  'special_tokens_map.json',
  'chat_template.jinja',
  'LICENSE',
];

/**
 * Writes a model folder as ONNX in the layout that transformers.js, Optimum and other programs of ONNX Runtime read:
 * onnx/model.onnx (or model_int8.onnx, model_q4.onnx), config.json, and the tokenizer's files.
 * @returns the path of the ONNX file.
 * @throws ModelError for a folder that cannot be read, or whose kind of model has no such layout; RangeError past 2 GiB.
 */
export async function exportModel(
  directory: string,
  output: string,
  { weights = 'float32' }: ExportOptions = {},
): Promise<string> {
  const config = await readConfig(directory);
  const model = await readDecoder(directory, config);
  const { inputs, build } = decoderWithPast(model.model);
  const bytes = exportONNX(inputs, build, { weights });
  await mkdir(join(output, 'onnx'), { recursive: true });
  const file = join(output, 'onnx', `model${endings[weights]}.onnx`);
  await replaceFile(file, [bytes]);
  if (await sameFolder(directory, output)) return file;
  for (const name of companions) {
    const own = join(directory, name);
    if (await exists(own)) await copyFile(own, join(output, name));
    else if (name === 'tokenizer_config.json') await replaceFile(join(output, name), [tokenizerConfig(model)]);
  }
  return file;
}

async function readDecoder(directory: string, config: Json): Promise<CausalFolder> {
  const type = config.model_type;
  if (type === 'llama' || type === 'gpt2') return readCausalLM(directory, config, type);
  const found = JSON.stringify(type ?? config.modelType ?? config.architecture);
  throw new ModelError(
    join(directory, 'config.json'),
    `a model of type ${found} has no layout for ONNX; llama and gpt2 have`,
  );
}

/** What programs expect beside tokenizer.json: which tokens begin and end a text. */
function tokenizerConfig({ tokenizer, tokens, model }: CausalFolder): string {
  const text = (id: number | undefined): string | null => (id === undefined ? null : (tokenizer.idToToken(id) ?? null));
  const fields = {
    tokenizer_class: 'PreTrainedTokenizerFast',
    bos_token: text(tokens.bosTokenId),
    eos_token: text(tokens.eosTokenIds[0]),
    model_max_length: model.sizes.contextLength,
  };
  return `${JSON.stringify(fields, null, 2)}\n`;
}

const exists = async (path: string): Promise<boolean> => (await stat(path).catch(() => null)) !== null;

async function sameFolder(a: string, b: string): Promise<boolean> {
  const [real, other] = await Promise.all([realpath(a), realpath(b)]);
  return real === other;
}
