import type { HostTensor } from '../backend/backend.ts';
import type { OnnxModel, OnnxTensor } from './model.ts';

/** Below the 2 GiB of a protobuf message, with room for the nodes. */
const MOST_BYTES = 2 ** 31 - 2 ** 26;
/** Smaller ones stay in the model: shapes among them, which the runtime wants to see. */
const LEAST_BYTES = 1024;
/** Browsers do not read larger files as a whole. */
const FILE_BYTES = 2 ** 31 - 1;
/** A tensor in a file begins at a page, so that programs may map it. */
const PAGE = 4096;

/** A model, and the tensors that it names and does not hold, by name. */
export interface SplitModel {
  readonly model: OnnxModel;
  readonly external: ReadonlyMap<string, HostTensor>;
}

/** Takes the large weights out of a model whose weights have more than `most` bytes together. */
export function splitWeights(model: OnnxModel, most: number = MOST_BYTES): SplitModel {
  const external = new Map<string, HostTensor>();
  const split = withoutWeights(model, most, (tensor) => {
    external.set(tensor.name, tensor);
    return { ...tensor, location: locationOf(tensor.name) };
  });
  return { model: split, external };
}

/** A model whose large weights went elsewhere, where all have more than `most` bytes together; `move` says where. */
function withoutWeights(model: OnnxModel, most: number, move: (tensor: OnnxTensor) => OnnxTensor): OnnxModel {
  const { graph } = model;
  const total = graph.initializers.reduce((sum, { data }) => sum + data.byteLength, 0);
  if (total <= most) return model;
  const initializers = graph.initializers.map((tensor) =>
    tensor.data.byteLength < LEAST_BYTES ? tensor : move(tensor),
  );
  return { ...model, graph: { ...graph, initializers } };
}

/** A file of weights beside a model. */
export interface DataFile {
  readonly name: string;
  /** In the order in which they stand there, each with its offset. */
  readonly tensors: readonly OnnxTensor[];
}

/**
 * Gives the large weights of a model places in files beside it, where all have more than `most` bytes together.
 * @param name the model's file; theirs are NAME_data, NAME_data_1 and so on.
 * @param perFile the most bytes of a file; a larger tensor has one for itself.
 */
export function placeWeights(
  model: OnnxModel,
  name: string,
  { most = MOST_BYTES, perFile = FILE_BYTES }: { most?: number; perFile?: number } = {},
): { readonly model: OnnxModel; readonly files: readonly DataFile[] } {
  const files: { name: string; tensors: OnnxTensor[] }[] = [];
  let end = Number.POSITIVE_INFINITY; // of the last file
  const placed = withoutWeights(model, most, (tensor) => {
    let offset = Math.ceil(end / PAGE) * PAGE;
    if (offset + tensor.data.byteLength > perFile) {
      files.push({ name: `${name}_data${files.length === 0 ? '' : `_${files.length}`}`, tensors: [] });
      offset = 0;
    }
    end = offset + tensor.data.byteLength;
    const file = files.at(-1)!;
    const there = { ...tensor, location: file.name, offset };
    file.tensors.push(there);
    return there;
  });
  return { model: placed, files };
}

/** The bytes of a file of weights. */
export function* weightChunks(tensors: readonly OnnxTensor[]): Generator<Uint8Array> {
  let at = 0;
  for (const { data, offset = 0 } of tensors) {
    if (offset > at) yield new Uint8Array(offset - at);
    yield new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    at = offset + data.byteLength;
  }
}

/** What stands for a file's name where a tensor's data is outside: the runtime takes no path that leaves its folder. */
export const locationOf = (name: string): string => name.replaceAll(/\W/g, '_');
