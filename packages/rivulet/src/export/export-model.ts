import { copyFile, mkdir, realpath, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { replaceFile, type WeightFormat } from '@rivulet/tensor';
import { isClassifier } from '../loading/classifier-config.ts';
import { readClassifier } from '../loading/image-models.ts';
import { type Json, ModelError, readConfig } from '../loading/model-files.ts';
import { readCausalLM } from '../loading/text-models.ts';
import { exportDecoder } from './decoder.ts';
import { exportClassifier } from './image-classifier.ts';

export interface ExportOptions {
  /** How the weights of linear layers are written; the file is named for it, as transformers.js looks for it. Default 'float32'. */
  readonly weights?: WeightFormat;
}

/** A model as other programs read it. */
export interface Exported {
  readonly onnx: Uint8Array;
  /** JSON files beside it that are made, by name; `replace` says which take the place of the folder's own. */
  readonly files: Readonly<Record<string, { readonly json: object; readonly replace: boolean }>>;
}

/** The endings of ONNX files by their weights, as Hugging Face's folders have them. */
const endings: Readonly<Record<WeightFormat, string>> = { float32: '', int8: '_int8', int4: '_q4' };

/** What belongs to a model beside its weights and is taken over as it is, where the folder has it. */
const companions = [
  'config.json',
  'preprocessor_config.json',
  'generation_config.json',
  'tokenizer.json',
  'tokenizer_config.json',
  'special_tokens_map.json',
  'chat_template.jinja',
  'LICENSE',
];

/**
 * Writes a model folder as ONNX in the layout that transformers.js, Optimum and other programs of ONNX Runtime read:
 * onnx/model.onnx (or model_int8.onnx, model_q4.onnx), config.json, and the files of its tokenizer or of its images. The output may be
 * the model's own folder, which loads as before.
 * @returns the path of the ONNX file.
 * @throws ModelError for a folder that cannot be read, or whose kind of model has no such layout; RangeError past 2 GiB.
 */
export async function exportModel(
  directory: string,
  output: string,
  { weights = 'float32' }: ExportOptions = {},
): Promise<string> {
  const { onnx, files } = await exported(directory, await readConfig(directory), weights);
  await mkdir(join(output, 'onnx'), { recursive: true });
  const file = join(output, 'onnx', `model${endings[weights]}.onnx`);
  await replaceFile(file, [onnx]);
  const inPlace = (await realpath(directory)) === (await realpath(output));
  for (const name of companions) {
    const own = join(directory, name);
    const made = files[name];
    const there = await exists(own);
    if (made && (made.replace || !there))
      await replaceFile(join(output, name), [`${JSON.stringify(made.json, null, 2)}\n`]);
    else if (there && !inPlace) await copyFile(own, join(output, name));
  }
  return file;
}

async function exported(directory: string, config: Json, weights: WeightFormat): Promise<Exported> {
  if (isClassifier(config)) return exportClassifier(await readClassifier(directory, config), config, weights);
  const type = config.model_type;
  if (type === 'llama' || type === 'gpt2') return exportDecoder(await readCausalLM(directory, config, type), weights);
  const found = JSON.stringify(config.architecture ?? config.modelType ?? type);
  throw new ModelError(
    join(directory, 'config.json'),
    `a model of type ${found} has no layout for ONNX; Llama, GPT-2 and image classifiers have`,
  );
}

const exists = async (path: string): Promise<boolean> => (await stat(path).catch(() => null)) !== null;
