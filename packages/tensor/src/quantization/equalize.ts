import { intOf } from './graph-view.ts';
import type { FloatWeights } from './quantized-weights.ts';
import type { Steps } from './steps.ts';
import type { WholeGraph } from './whole-graph.ts';

/** No channel is made larger than by this. */
const MOST_GAIN = 64;

/**
 * What each channel of a convolution's result is multiplied with, so that those of small values get more of the 256 steps that all share;
 * the convolution that reads it divides by the same (https://arxiv.org/abs/1906.04721, §4.1). Where that one is depthwise its scales take it
 * up, and every channel may fill the steps; else its weights get as much more uneven as the channels get more even, and both meet in the
 * middle (https://arxiv.org/abs/2211.10438). Null: the value is not rectified, or not read by one convolution alone.
 */
export function gainsOf(
  graph: WholeGraph,
  value: string,
  steps: Steps,
  channels: number,
  rank: number,
): Float32Array | null {
  const { view } = graph;
  const reader = view.onlyReader(value);
  const isRectified = ['Relu', 'Clip'].includes(view.producers.get(value)!.opType);
  if (reader?.opType !== 'Conv' || !isRectified || reader.inputs[0] !== value) return null;
  const [, weightName, bias] = reader.inputs;
  const weight = view.floats(weightName);
  if (!weight || (bias && !view.floats(bias))) return null; // it stays in float32
  const isDepthwise = intOf(reader, 'group', 1) > 1 && weight.dims[1] === 1;
  const range = 255 * steps.scale;
  return Float32Array.from(graph.peaks(value, channels, rank), (peak) => {
    const room = Math.min(Math.max(range / peak, 1) || 1, MOST_GAIN);
    return isDepthwise ? room : Math.sqrt(room);
  });
}

/** Weights whose outputs are multiplied with gains, and that get inputs which were. */
export function withGains(
  weights: FloatWeights,
  inputs: Float32Array | null,
  outputs: Float32Array | null,
): FloatWeights {
  if (!inputs && !outputs) return weights;
  const { data, dims, bias, groups } = weights;
  const [count, perGroup] = dims as [number, number];
  const size = data.length / count;
  const taps = size / perGroup;
  const turned = new Float32Array(data.length);
  for (let o = 0; o < count; o++) {
    const firstInput = Math.floor(o / (count / groups)) * perGroup;
    const gain = outputs?.[o] ?? 1;
    for (let i = 0; i < size; i++)
      turned[o * size + i] = (data[o * size + i]! * gain) / (inputs?.[firstInput + Math.floor(i / taps)] ?? 1);
  }
  return { ...weights, data: turned, bias: bias?.map((x, o) => x * (outputs?.[o] ?? 1)) ?? null };
}
