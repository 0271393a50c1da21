import type { Dim } from '../dim.ts';
import { BLOCKED, type Lowering } from '../lowering/lowering.ts';
import type { ConvAttributes, ConvOps } from './conv.ts';
import { sumLeading } from './reduce.ts';
import type { LowerArgs } from './rule.ts';
import type { Windows } from './windows.ts';

// Depthwise convolutions in the runtime's own layout for vector code, [N, C/b, H, W, b] with blocks of b channels. The runtime goes
// there by itself only for weights that are constant; its plain Conv makes every channel a product of its own, which takes 2 to 7
// times as long (docs/decisions/0022). Values in that layout are declared with the sizes of [N, C, H, W].

/** Whether each channel is filtered by itself, in two dimensions. */
export const isDepthwise = ({ stride, groups }: ConvAttributes, [outputs, perGroup]: readonly Dim[]): boolean =>
  stride.length === 2 && groups > 1 && groups === outputs && perGroup === 1;

const applies = (g: Lowering, attrs: ConvAttributes, weight: readonly Dim[]): boolean =>
  g.channelBlock > 0 && attrs.groups % g.channelBlock === 0 && isDepthwise(attrs, weight);

const toBlocks = (g: Lowering, image: string): string => g.op('ReorderInput', [image], {}, BLOCKED);

const fromBlocks = (g: Lowering, image: string, channels: number): string =>
  g.op('ReorderOutput', [image], { channels }, BLOCKED);

/** A kernel [C, 1, kh, kw] as [C/b, kh, kw, b]. */
function kernelBlocks(g: Lowering, weight: string, shape: readonly number[]): string {
  const [channels, , kh, kw] = shape as [number, number, number, number];
  const split = g.op('Reshape', [weight, g.shape([channels / g.channelBlock, g.channelBlock, kh * kw])]);
  return g.op('Reshape', [g.op('Transpose', [split], { perm: [0, 2, 1] }), g.shape(shape)]);
}

/** x [N, C, H, W], kernel of the shape [C, 1, kh, kw], bias [C] or none → [N, C, OH, OW]; null where this form does not fit. */
export function depthwiseConv(
  g: Lowering,
  [x, weight, ...bias]: readonly string[],
  shape: readonly number[],
  attrs: ConvAttributes,
): string | null {
  const { stride, padding, dilation, groups } = attrs;
  if (!applies(g, attrs, shape) || padding.some((p) => p < 0)) return null;
  const kernel = { group: groups, kernel_shape: shape.slice(2), strides: stride, dilations: dilation, pads: padding };
  const inputs = [toBlocks(g, x!), kernelBlocks(g, weight!, shape), ...bias];
  return fromBlocks(g, g.op('Conv', inputs, kernel, BLOCKED), groups);
}

/**
 * The gradient by the weight: every channel of every image becomes a channel of one image, and is convolved with a kernel as large as
 * dy, whose blocks are those of dy. What the images give is summed. Null where this form does not fit, as for a number of images that
 * is not known.
 */
export function depthwiseWeightGradient(
  g: Lowering,
  { names: [x, dy], inputs, outputs, attrs }: LowerArgs<ConvOps['convWeightGradient']>,
): string | null {
  const [batch, channels, ...size] = inputs[0]!.shape as readonly [Dim, number, number, number];
  const out = inputs[1]!.shape.slice(2) as number[];
  const weight = outputs[0]!.shape as number[];
  if (!applies(g, attrs, weight) || typeof batch !== 'number') return null;
  const planes = batch * channels;
  const beside = (image: string, shape: readonly number[]): string =>
    g.op('Reshape', [toBlocks(g, image), g.shape(shape)]);
  const behind = size.map((extent, i) => overhang(extent, attrs.kernel[i]!, out[i]!, attrs, i));
  const windows = {
    group: planes,
    kernel_shape: out,
    strides: attrs.dilation,
    dilations: attrs.stride,
    pads: [...attrs.padding.slice(0, 2), ...behind.map((n) => Math.max(0, n))],
  };
  const images = [beside(x!, [1, planes, ...size]), beside(dy!, [planes, 1, ...out])];
  const taps = fromBlocks(g, g.op('Conv', images, windows, BLOCKED), planes);
  const exact = behind.every((n, i) => n > -attrs.dilation[i]!)
    ? taps
    : g.op('Slice', [taps, g.ints([0, 0]), g.ints(attrs.kernel), g.ints([2, 3])]);
  return sumLeading(g, exact, [batch, channels, ...attrs.kernel], 1, weight);
}

/** How far the windows reach behind the image; less than nothing where they do not come out even. */
function overhang(
  size: number,
  kernel: number,
  out: number,
  { stride, padding, dilation }: Windows,
  axis: number,
): number {
  return (kernel - 1) * dilation[axis]! + (out - 1) * stride[axis]! + 1 - padding[axis]! - size;
}
