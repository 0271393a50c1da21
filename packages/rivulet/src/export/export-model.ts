import { copyFile, mkdir, realpath, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import {
  type InputSpecs,
  type Inputs,
  type Outputs,
  replaceFile,
  type SaveONNXOptions,
  saveONNX,
  type WeightFormat,
} from '@rivulet/tensor';
import { calibrated } from '../loading/calibration-file.ts';
import { isClassifier } from '../loading/classifier-config.ts';
import { readClassifier } from '../loading/image-models.ts';
import { type Json, ModelError, readConfig } from '../loading/model-files.ts';
import { readCausalLM } from '../loading/text-models.ts';
import { exportDecoder } from './decoder.ts';
import { exportClassifier } from './image-classifier.ts';

/** The file is named for the format of its weights, as transformers.js looks for it. Of weights 'int8' the folder's calibration is used. */
export type ExportOptions = SaveONNXOptions;

/** A model as other programs read it. */
export interface Exported {
  readonly graph: { readonly inputs: InputSpecs; readonly build: (inputs: Inputs<InputSpecs>) => Outputs };
  /** JSON files beside it that are made, by name; `replace` says which take the place of the folder's own. */
  readonly files: Readonly<Record<string, { readonly json: Json; readonly replace: boolean }>>;
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
 * onnx/model.onnx (or model_int8.onnx, model_q4.onnx; weights past 2 GiB beside it, in model.onnx_data), config.json, and the files of its tokenizer or of its images. The output may be
 * the model's own folder, which loads as before.
 * @returns the path of the ONNX file.
 * @throws ModelError for a folder that cannot be read, or whose kind of model has no such layout.
 */
export async function exportModel(directory: string, output: string, options: ExportOptions = {}): Promise<string> {
  const config = await readConfig(directory);
  const { graph, files } = await exported(directory, config);
  await mkdir(join(output, 'onnx'), { recursive: true });
  const file = join(output, 'onnx', `model${endings[options.weights ?? 'float32']}.onnx`);
  const [, ...beside] = await calibrated(directory, options, (all) => saveONNX(file, graph.inputs, graph.build, all));
  const inPlace = (await realpath(directory)) === (await realpath(output));
  const counts = { ...(await dataFiles(output)), ...(beside.length > 0 && { [basename(file)]: beside.length }) };
  const all =
    Object.keys(counts).length === 0
      ? files
      : {
          ...files,
          'config.json': { json: withDataFiles(files['config.json']?.json ?? config, counts), replace: true },
        };
  for (const name of companions) {
    const own = join(directory, name);
    const made = all[name];
    const there = await exists(own);
    if (made && (made.replace || !there))
      await replaceFile(join(output, name), [`${JSON.stringify(made.json, null, 2)}\n`]);
    else if (there && !inPlace) await copyFile(own, join(output, name));
  }
  return file;
}

async function exported(directory: string, config: Json): Promise<Exported> {
  if (isClassifier(config)) return exportClassifier(await readClassifier(directory, config), config);
  const type = config.model_type;
  if (type === 'llama' || type === 'gpt2') return exportDecoder(await readCausalLM(directory, config, type));
  const found = JSON.stringify(config.architecture ?? config.modelType ?? type);
  throw new ModelError(
    join(directory, 'config.json'),
    `a model of type ${found} has no layout for ONNX; Llama, GPT-2 and image classifiers have`,
  );
}

/** Where transformers.js looks for how many files of weights are beside each model of a folder. */
const [LIBRARY, COUNTS] = ['transformers.js_config', 'use_external_data_format'];

/** What an export into this folder said before. */
async function dataFiles(folder: string): Promise<object> {
  const config = (await exists(join(folder, 'config.json'))) ? await readConfig(folder) : {};
  const counts = (config[LIBRARY] as Json | undefined)?.[COUNTS];
  return typeof counts === 'object' && counts !== null ? counts : {};
}

function withDataFiles(config: Json, counts: object): Json {
  return { ...config, [LIBRARY]: { ...(config[LIBRARY] as Json | undefined), [COUNTS]: counts } };
}

const exists = async (path: string): Promise<boolean> => (await stat(path).catch(() => null)) !== null;
