import type { OnnxNode } from '../onnx/model.ts';
import { gainsOf, withGains } from './equalize.ts';
import { affineOf } from './fold-batch-norm.ts';
import { intOf } from './graph-view.ts';
import { type FloatWeights, quantizeWeights } from './quantized-weights.ts';
import type { Steps } from './steps.ts';
import type { Form, WholeGraph } from './whole-graph.ts';

/** Writes a node in whole numbers; false where it does not suit, and nothing was written. */
export type Rule = (graph: WholeGraph, node: OnnxNode) => boolean;

const MICROSOFT = 'com.microsoft';

export const rules: Readonly<Record<string, Rule>> = {
  Conv: conv,
  BatchNormalization: batchNorm,
  Add: add,
  Concat: concat,
  AveragePool: averagePool,
  MaxPool: moved,
  Reshape: moved,
  Transpose: moved,
  Slice: moved,
  Split: moved,
  Squeeze: moved,
  Unsqueeze: moved,
  Identity: moved,
  Pad: pad,
};

function conv(graph: WholeGraph, node: OnnxNode): boolean {
  const [x, weightName, biasName] = node.inputs as [string, string, string?];
  const weight = graph.view.floats(weightName);
  const bias = biasName ? graph.view.floats(biasName) : null;
  if (!weight || (biasName && !bias)) return false;
  const groups = intOf(node, 'group', 1);
  // Going to whole numbers and back for a grouped convolution alone costs what it brings.
  if (groups > 1 && !graph.form(x)) return false;
  if (isPooled(graph, x)) return false;
  convolve(graph, node, x, { ...weight, bias: bias?.data ?? null, groups });
  return true;
}

/** A batch norm that stands alone is a 1×1 convolution of each channel. */
function batchNorm(graph: WholeGraph, node: OnnxNode): boolean {
  const x = node.inputs[0]!;
  const affine = graph.form(x) ? affineOf(node, graph.view) : null;
  if (!affine) return false;
  const { scale, offset } = affine;
  const attributes = { group: { int: scale.length }, kernel_shape: { ints: [1, 1] } };
  convolve(graph, { ...node, attributes }, x, {
    data: scale,
    dims: [scale.length, 1, 1, 1],
    bias: offset,
    groups: scale.length,
  });
  return true;
}

function convolve(graph: WholeGraph, node: OnnxNode, x: string, weights: FloatWeights): void {
  const input = graph.whole(x);
  const { value, steps } = result(graph, node);
  const { dims, groups } = weights;
  const [inputs, rank] = [dims[1]! * groups, dims.length];
  const before = graph.gains(x);
  const means = graph.means(x, inputs, rank).map((mean, i) => mean * (before?.[i] ?? 1));
  const after = gainsOf(graph, value, steps, dims[0]!, rank);
  if (after) graph.setGains(value, after);
  const { values, scales, bias } = quantizeWeights(withGains(weights, before, after), input.scale, means);
  const name = graph.emit(
    'QLinearConv',
    [
      input.name,
      ...graph.scaleAndZero(input),
      graph.constant(values),
      graph.constant(scales),
      graph.scalar('int8', Int8Array.of(0)),
      ...graph.scaleAndZero(steps),
      graph.constant(bias),
    ],
    node.attributes ?? {},
  );
  graph.convolutions++;
  graph.setForm(value, { ...steps, name });
}

function add(graph: WholeGraph, node: OnnxNode): boolean {
  const forms = node.inputs.map((name) => graph.form(name));
  if (!forms.every(Boolean)) return false;
  const { value, steps } = result(graph, node);
  const operands = (forms as Form[]).flatMap((form) => [form.name, ...graph.scaleAndZero(form)]);
  const name = graph.emit('QLinearAdd', [...operands, ...graph.scaleAndZero(steps)], {}, MICROSOFT);
  graph.setForm(value, { ...steps, name });
  return true;
}

function concat(graph: WholeGraph, node: OnnxNode): boolean {
  const { view } = graph;
  const [value] = node.outputs as [string];
  const some = node.inputs.some((name) => graph.form(name));
  const all = node.inputs.every((name) => graph.form(name));
  const wanted = view.readers(value).every(({ opType }) => opType === 'Conv' || opType === 'BatchNormalization');
  if (!all && !(some && wanted)) return false;
  const forms = node.inputs.map((name) => graph.whole(name));
  const steps = graph.steps(value);
  const same = forms.every(({ scale, zeroPoint }) => scale === steps.scale && zeroPoint === steps.zeroPoint);
  if (same)
    return moveForm(
      graph,
      node,
      steps,
      forms.map(({ name }) => name),
    );
  const inputs = forms.flatMap((form) => [form.name, ...graph.scaleAndZero(form)]);
  const axis = intOf(node, 'axis', 0);
  const name = graph.emit('QLinearConcat', [...graph.scaleAndZero(steps), ...inputs], { axis }, MICROSOFT);
  graph.setForm(value, { ...steps, name });
  return true;
}

/** Means lie within the range of what they are of. */
function averagePool(graph: WholeGraph, node: OnnxNode): boolean {
  const form = graph.form(node.inputs[0]!);
  if (!form) return false;
  const pair = graph.scaleAndZero(form);
  const name = graph.emit('QLinearAveragePool', [form.name, ...pair, ...pair], node.attributes ?? {}, MICROSOFT);
  graph.setForm(node.outputs[0]!, { ...form, name });
  return true;
}

/** Values that only move, and the largest of them, keep their steps. */
function moved(graph: WholeGraph, node: OnnxNode): boolean {
  const form = graph.form(node.inputs[0]!);
  if (!form || (node.opType === 'MaxPool' && node.outputs.length > 1)) return false;
  return moveForm(graph, node, form, [form.name, ...node.inputs.slice(1)]);
}

function pad(graph: WholeGraph, node: OnnxNode): boolean {
  const form = graph.form(node.inputs[0]!);
  const [, pads, filling, axes] = node.inputs;
  const mode = node.attributes?.mode;
  const isConstant = !mode || ('string' in mode && mode.string === 'constant');
  if (!form || (isConstant && filling && graph.view.floats(filling)?.data[0] !== 0)) return false;
  const zero = isConstant ? graph.scaleAndZero(form)[1] : '';
  return moveForm(graph, node, form, [form.name, pads!, zero, ...(axes ? [axes] : [])]);
}

function moveForm(graph: WholeGraph, node: OnnxNode, { scale, zeroPoint }: Omit<Form, 'name'>, inputs: string[]): true {
  graph.emitLike(node, inputs).forEach((name, i) => {
    graph.setForm(node.outputs[i]!, { scale, zeroPoint, name });
  });
  return true;
}

/** What a node's result is and its steps: a ReLU or ReLU6 behind it is the range of its result, which begins at 0. */
function result(graph: WholeGraph, node: OnnxNode): { readonly value: string; readonly steps: Steps } {
  let [value] = node.outputs as [string];
  const next = graph.view.onlyReader(value);
  const rectified = next && isRectifier(graph, next);
  if (rectified) {
    graph.finish(next);
    value = next.outputs[0]!;
  }
  // What meets in a concatenation takes its steps, so that nothing has to be turned; but a range that does not begin at 0 is no ReLU.
  const reader = graph.view.onlyReader(value);
  const shared = reader?.opType === 'Concat' && (!rectified || reader.inputs.every((name) => isRelu(graph, name)));
  return { value, steps: shared ? graph.steps(reader.outputs[0]!) : graph.steps(value) };
}

const isRelu = ({ view }: WholeGraph, value: string): boolean => view.producers.get(value)?.opType === 'Relu';

function isRectifier({ view }: WholeGraph, { opType, inputs }: OnnxNode): boolean {
  if (opType === 'Relu') return true;
  const [, low, high] = inputs;
  if (opType !== 'Clip' || view.floats(low)?.data[0] !== 0) return false;
  return !high || view.initializers.has(high);
}

/** Whether a value is a mean over whole images, or made of one: so small that float32 costs nothing, and often a gate. */
function isPooled(graph: WholeGraph, value: string): boolean {
  const node = graph.view.producers.get(value);
  if (!node) return false;
  if (node.opType === 'ReduceMean' || node.opType === 'GlobalAveragePool') return true;
  const follows = ['Conv', 'Relu', 'Clip', 'HardSwish', 'HardSigmoid', 'Sigmoid', 'QuickGelu', 'BatchNormalization'];
  return follows.includes(node.opType) && isPooled(graph, node.inputs[0]!);
}
