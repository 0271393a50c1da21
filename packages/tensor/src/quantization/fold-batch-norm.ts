import type { OnnxGraph, OnnxNode, OnnxTensor } from '../onnx/model.ts';
import type { InParts } from '../slices.ts';
import { GraphView } from './graph-view.ts';

/** y = x · scale + offset, channel by channel. */
export interface Affine {
  readonly scale: Float32Array;
  readonly offset: Float32Array;
}

/** What a batch norm with known statistics computes; null where they are not. */
export function affineOf(node: OnnxNode, view: GraphView): Affine | null {
  const [weight, bias, mean, variance] = node.inputs.slice(1).map((name) => view.floats(name)?.data);
  const epsilon = node.attributes?.epsilon;
  if (!weight || !bias || !mean || !variance || !epsilon || !('float' in epsilon)) return null;
  const scale = weight.map((value, i) => value / Math.sqrt(variance[i]! + epsilon.float));
  return { scale, offset: bias.map((value, i) => value - mean[i]! * scale[i]!) };
}

/**
 * Multiplies the batch norms that follow convolutions into their weights. The runtime does it too, after the graph is loaded; whole
 * numbers want it before, since they have one scale per channel of the product.
 */
export function* foldBatchNorms(graph: OnnxGraph): InParts<OnnxGraph> {
  const view = new GraphView(graph);
  const folded = new Map<OnnxNode, OnnxNode>();
  const gone = new Set<OnnxNode>();
  const made: OnnxTensor[] = [];
  for (const norm of graph.nodes) {
    if (norm.opType !== 'BatchNormalization') continue;
    const conv = view.producers.get(norm.inputs[0]!);
    const weight = conv?.opType === 'Conv' ? view.floats(conv.inputs[1]) : null;
    const bias = conv?.inputs[2] ? view.floats(conv.inputs[2]) : undefined;
    const affine = affineOf(norm, view);
    if (!conv || !weight || bias === null || !affine || view.onlyReader(conv.outputs[0]!) !== norm) continue;
    const [name, biasName] = [`${norm.outputs[0]}/weight`, `${norm.outputs[0]}/bias`];
    const { scale, offset } = affine;
    const size = weight.data.length / scale.length;
    const data = new Float32Array(weight.data.length);
    for (let i = 0; i < data.length; i++) data[i] = weight.data[i]! * scale[Math.floor(i / size)]!;
    const sums = offset.map((value, i) => value + (bias?.data[i] ?? 0) * scale[i]!);
    made.push({ name, dtype: 'float32', dims: weight.dims, data });
    made.push({ name: biasName, dtype: 'float32', dims: [sums.length], data: sums });
    folded.set(conv, { ...conv, inputs: [conv.inputs[0]!, name, biasName], outputs: norm.outputs });
    gone.add(norm);
    yield;
  }
  const nodes = graph.nodes.filter((node) => !gone.has(node)).map((node) => folded.get(node) ?? node);
  return { ...graph, nodes, initializers: [...graph.initializers, ...made] };
}
