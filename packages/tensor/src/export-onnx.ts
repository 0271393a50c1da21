import { basename, dirname, join } from 'node:path';
import { type FileContent, replaceFiles } from './checkpoint/replace-file.ts';
import { type Outputs, traceInference, type WeightOptions } from './compile.ts';
import type { InputSpecs, Inputs } from './feeds.ts';
import { HeldWeights } from './held.ts';
import { lowerInParts, type NamedTensor } from './lowering/lower.ts';
import { encodeInParts } from './onnx/encode.ts';
import { placeWeights, weightChunks } from './onnx/external-data.ts';
import { atOnce, inSlices } from './slices.ts';

/**
 * Traces `build` for inference and writes it as an ONNX model (an .onnx file), with the parameters of now as initializers; inputs
 * and outputs have the names given here, symbolic sizes are named axes. Opset 21 and, for fused kernels, operators of
 * ONNX Runtime (`com.microsoft`).
 * @throws TypeError where an output has the name of an input; RangeError past 2 GiB: `saveONNX` writes larger ones.
 */
export function exportONNX<I extends InputSpecs>(
  specs: I,
  build: (inputs: Inputs<I>) => Outputs,
  { weights = 'float32', calibration }: WeightOptions = {},
): Uint8Array<ArrayBuffer> {
  const { feeds, outputs } = traced('exportONNX', specs, build);
  return atOnce(encodeInParts(atOnce(lowerInParts(feeds, outputs, { weights, calibration }))));
}

export interface SaveONNXOptions extends WeightOptions {
  /** Weights stand in files of their own. Default: where they have more than 2 GiB together, the most that an .onnx file holds. */
  readonly external?: boolean;
}

/**
 * As `exportONNX`, to a file, and of any size: large weights go to files beside it, `NAME.onnx_data`, `NAME.onnx_data_1` and so on
 * of up to 2 GiB, as Hugging Face's folders have them. The files take their names together, once all are written: a full disk leaves the old ones.
 * Training may go on meanwhile.
 * @returns the paths of all files, the model's first.
 * @throws TypeError where an output has the name of an input; CheckpointError where a file cannot be written.
 */
export async function saveONNX<I extends InputSpecs>(
  path: string,
  specs: I,
  build: (inputs: Inputs<I>) => Outputs,
  { weights = 'float32', calibration, external }: SaveONNXOptions = {},
): Promise<string[]> {
  const { feeds, outputs } = traced('saveONNX', specs, build);
  const held = new HeldWeights(outputs.map(({ tensor }) => tensor)); // those of now, until they are written
  try {
    const lowered = await inSlices(lowerInParts(feeds, outputs, { weights, held, calibration }));
    const { model, files } = placeWeights(lowered, basename(path), external ? { most: 0 } : {});
    const beside = files.map(({ name, tensors }): FileContent => {
      return { path: join(dirname(path), name), chunks: weightChunks(tensors) };
    });
    // The model, which refers to the others, takes its name last.
    await replaceFiles([...beside, { path, chunks: [await inSlices(encodeInParts(model))] }]);
    return [path, ...beside.map((file) => file.path)];
  } finally {
    held.release();
  }
}

function traced<I extends InputSpecs>(
  caller: string,
  specs: I,
  build: (inputs: Inputs<I>) => Outputs,
): { feeds: NamedTensor[]; outputs: NamedTensor[] } {
  const graph = traceInference(specs, build);
  const both = graph.outputs.find(({ name }) => Object.hasOwn(specs, name));
  if (both) throw new TypeError(`${caller}: '${both.name}' is an input and an output; rename one`);
  return graph;
}
