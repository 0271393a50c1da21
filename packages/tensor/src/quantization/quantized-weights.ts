import type { OnnxTensor } from '../onnx/model.ts';

/**
 * Weights take 7 of their 8 bits: without VNNI the processor adds two products of an unsigned and a signed byte in 16 bits, and
 * 255 · 63 · 2 stays inside. The kernels of depthwise convolutions multiply in 16 bits and add in 32.
 */
export const MOST = 63;
const MOST_DEPTHWISE = 127;
/** What a bias may be in whole numbers; the products are added to it in 32 bits. */
const MOST_BIAS = 2 ** 30;

/** A convolution's weights as they are: weight [O, I/groups, …k], bias [O]. */
export interface FloatWeights {
  readonly data: Float32Array;
  readonly dims: readonly number[];
  readonly bias: Float32Array | null;
  readonly groups: number;
}

/** The same in whole numbers, with a scale for each output: w ≈ scale · q, bias ≈ scale · scale of the input · q. */
export interface WholeWeights {
  readonly values: Omit<OnnxTensor, 'name'>;
  readonly scales: Omit<OnnxTensor, 'name'>;
  readonly bias: Omit<OnnxTensor, 'name'>;
}

/**
 * Rounds the weights, and moves each bias by what the rounding of its weights adds to the mean of its output
 * (https://arxiv.org/abs/1906.04721, §4.2): a few taps of a depthwise convolution do not average it out.
 * @param inputScale of the activations that the weights meet.
 * @param means of the input's channels, [I].
 */
export function quantizeWeights(weights: FloatWeights, inputScale: number, means: readonly number[]): WholeWeights {
  const { data, dims, bias, groups } = weights;
  const [outputs, perGroup] = dims as [number, number];
  const size = data.length / outputs;
  const taps = size / perGroup;
  const most = groups > 1 && perGroup === 1 && outputs === groups ? MOST_DEPTHWISE : MOST;
  const values = new Int8Array(data.length);
  const scales = new Float32Array(outputs);
  const sums = new Int32Array(outputs);
  for (let o = 0; o < outputs; o++) {
    const row = data.subarray(o * size, (o + 1) * size);
    // A channel of hardly any weight and a bias: its steps are as large as the bias needs them.
    const least = Math.abs(bias?.[o] ?? 0) / (inputScale * MOST_BIAS);
    const scale = Math.fround(Math.max(largest(row) / most, least) || 1);
    const firstInput = Math.floor(o / (outputs / groups)) * perGroup;
    let shift = 0;
    for (let i = 0; i < size; i++) {
      const q = Math.round(row[i]! / scale);
      values[o * size + i] = q;
      shift += (row[i]! - q * scale) * means[firstInput + Math.floor(i / taps)]!;
    }
    scales[o] = scale;
    sums[o] = Math.round(((bias?.[o] ?? 0) + shift) / (inputScale * scale));
  }
  return {
    values: { dtype: 'int8', dims, data: values },
    scales: { dtype: 'float32', dims: [outputs], data: scales },
    bias: { dtype: 'int32', dims: [outputs], data: sums },
  };
}

function largest(values: Float32Array): number {
  let most = 0;
  for (let i = 0; i < values.length; i++) most = Math.max(most, Math.abs(values[i]!));
  return most;
}
