import type { HostTensor } from '../backend/backend.ts';
import type { OnnxModel, OnnxTensor } from './model.ts';

/** Below the 2 GiB of a protobuf message, with room for the nodes. */
const MOST_BYTES = 2 ** 31 - 2 ** 26;
/** Smaller ones stay in the model: shapes among them, which the runtime wants to see. */
const LEAST_BYTES = 1024;

/** A model, and the tensors that it names and does not hold, by name. */
export interface SplitModel {
  readonly model: OnnxModel;
  readonly external: ReadonlyMap<string, HostTensor>;
}

/** Takes the large weights out of a model whose weights have more than `most` bytes together. */
export function splitWeights(model: OnnxModel, most: number = MOST_BYTES): SplitModel {
  const { graph } = model;
  const total = graph.initializers.reduce((sum, { data }) => sum + data.byteLength, 0);
  if (total <= most) return { model, external: new Map() };
  const external = new Map<string, HostTensor>();
  const initializers = graph.initializers.map((tensor): OnnxTensor => {
    if (tensor.data.byteLength < LEAST_BYTES) return tensor;
    external.set(tensor.name, tensor);
    return { ...tensor, location: locationOf(tensor.name) };
  });
  return { model: { ...model, graph: { ...graph, initializers } }, external };
}

/** What stands for a file's name where a tensor's data is outside: the runtime takes no path that leaves its folder. */
export const locationOf = (name: string): string => name.replaceAll(/\W/g, '_');
