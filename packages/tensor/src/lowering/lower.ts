import { SymbolicDim } from '../dim.ts';
import { HeldWeights } from '../held.ts';
import type { OnnxGraph, OnnxModel, OnnxNode, OnnxTensor, OnnxValue } from '../onnx/model.ts';
import type { Calibration } from '../quantization/calibration.ts';
import { quantizeModel } from '../quantization/quantize-model.ts';
import { atOnce, type InParts } from '../slices.ts';
import type { Tensor } from '../tensor.ts';
import { BLOCKED } from './lowering.ts';
import { checkWeightFormat, packMatrix, type WeightFormat } from './packed-weights.ts';
import { Scope, type Shared } from './scope.ts';

export interface NamedTensor {
  readonly name: string;
  readonly tensor: Tensor;
}

/**
 * Writes the graph from `inputs` to `outputs` as an ONNX model. Inputs may be placeholders or parameters; other
 * parameters are baked in.
 */
export function lowerModel(inputs: readonly NamedTensor[], outputs: readonly NamedTensor[]): OnnxModel {
  return atOnce(lowerInParts(inputs, outputs));
}

export interface LowerOptions {
  /** The tile of Winograd's convolutions; 0: none. Default 0. */
  readonly winograd?: 0 | 2 | 4;
  /** Channels of a block in the runtime's own layout of images, see backend/channel-block.ts. Default 0: it is not used. */
  readonly channelBlock?: number;
  /** How baked weights of linear layers are stored. Default 'float32'. */
  readonly weights?: WeightFormat;
  /** What was seen of activations: convolutions are written in whole numbers. Only with weights 'int8'. */
  readonly calibration?: Calibration | undefined;
  /** Where the values of baked parameters are. Default: in the parameters. */
  readonly held?: HeldWeights;
}

export function* lowerInParts(
  inputs: readonly NamedTensor[],
  outputs: readonly NamedTensor[],
  { winograd = 0, channelBlock = 0, weights = 'float32', calibration, held = new HeldWeights([]) }: LowerOptions = {},
): InParts<OnnxModel> {
  checkWeightFormat(weights);
  if (calibration && weights !== 'int8')
    throw new TypeError(`a calibration goes with weights 'int8', got weights '${weights}'`);
  const symbols = new Map<string, { input: string; axis: number }>();
  for (const { name, tensor } of inputs)
    tensor.shape.forEach((dim, axis) => {
      if (dim instanceof SymbolicDim && !symbols.has(`${dim}`)) symbols.set(`${dim}`, { input: name, axis });
    });
  const shared: Shared = {
    count: 0,
    initializers: [],
    constants: new Map(),
    symbols,
    memo: new Map(),
    winograd,
    channelBlock,
    weights,
    held,
    packed: new Map(),
  };
  const scope = new Scope(shared);
  for (const { name, tensor } of inputs) scope.bind(tensor, name);
  const names = scope.outputs(yield* scope.valuesInParts(outputs.map(({ tensor }) => tensor)));
  const renamed = new Map(names.map((name, i) => [name, outputs[i]!.name]));
  const nodes: OnnxNode[] = [];
  for (const node of scope.nodes) {
    nodes.push(renameValues(node, renamed));
    yield;
  }
  const graph: OnnxGraph = {
    name: 'rivulet',
    nodes,
    inputs: inputs.map(valueInfo),
    outputs: outputs.map(valueInfo),
    initializers: [...shared.initializers, ...(yield* pack(shared))],
  };
  const opsets = { '': 21, 'com.microsoft': 1, ...(channelBlock > 0 && { [BLOCKED]: 1 }) };
  const model = { graph, opsets };
  const whole = calibration ? yield* quantizeModel(model, calibration) : model;
  return shared.packed.size > 0 || calibration ? { ...whole, graph: pruned(whole.graph) } : whole;
}

/** Without what nothing reads: packed weights are not needed as they were. */
function pruned({ nodes, initializers, ...graph }: OnnxGraph): OnnxGraph {
  const read = new Set(graph.outputs.map(({ name }) => name));
  const visit = ({ inputs, attributes = {} }: OnnxNode): void => {
    for (const name of inputs) read.add(name);
    for (const value of Object.values(attributes)) if ('graph' in value) value.graph.nodes.forEach(visit);
  };
  const needed: OnnxNode[] = [];
  for (const node of nodes.toReversed()) {
    if (!node.outputs.some((name) => read.has(name))) continue;
    visit(node);
    needed.push(node);
  }
  return { ...graph, nodes: needed.reverse(), initializers: initializers.filter(({ name }) => read.has(name)) };
}

function* pack({ packed, weights, held }: Shared): InParts<OnnxTensor[]> {
  const tensors: OnnxTensor[] = [];
  for (const { names, parameter, transposed } of packed.values()) {
    const { values, scales } = yield* packMatrix(held.of(parameter), weights as 'int8' | 'int4', transposed);
    tensors.push({ ...values, name: names.values }, { ...scales, name: names.scales });
  }
  return tensors;
}

/** A node with some of its values renamed, in its subgraphs too; the node itself where there is nothing to rename. */
function renameValues(node: OnnxNode, names: ReadonlyMap<string, string>): OnnxNode {
  const { inputs, outputs, attributes = {} } = node;
  const isRenamed = (value: string): boolean => names.has(value);
  const graphs = Object.values(attributes).some((value) => 'graph' in value);
  if (!graphs && !inputs.some(isRenamed) && !outputs.some(isRenamed)) return node;
  const rename = (value: string): string => names.get(value) ?? value;
  const renamed = Object.entries(attributes).map(([key, value]) => {
    if (!('graph' in value)) return [key, value] as const;
    const nodes = value.graph.nodes.map((inner) => renameValues(inner, names));
    return [key, { graph: { ...value.graph, nodes } }] as const;
  });
  return {
    ...node,
    inputs: inputs.map(rename),
    outputs: outputs.map(rename),
    attributes: Object.fromEntries(renamed),
  };
}

function valueInfo({ name, tensor }: NamedTensor): OnnxValue {
  return { name, dtype: tensor.dtype, dims: tensor.shape.map((dim) => (typeof dim === 'number' ? dim : `${dim}`)) };
}
