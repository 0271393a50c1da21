import { type Dim, mulDims } from '../dim.ts';
import type { Lowering } from '../lowering/lowering.ts';
import type { ConvOps } from './conv.ts';
import { depthwiseWeightGradient } from './conv-depthwise.ts';
import { sumLeading } from './reduce.ts';
import type { LowerArgs } from './rule.ts';

type Args = LowerArgs<ConvOps['convWeightGradient']>;

/**
 * The weight gradient as a convolution, of which three forms are used (measured in docs/decisions/0011):
 * a 1×1 kernel is a batch of products; without groups and dilation, x with channels last is convolved with dy as a dilated
 * filter, so that the runtime does the unfolding; in general the batch takes the place of the channels.
 */
export function lowerWeightGradient(g: Lowering, args: Args): string[] {
  const { attrs } = args;
  const plain = attrs.groups === 1 && attrs.dilation.every((d) => d === 1);
  const pointwise = plain && attrs.kernel.every((k) => k === 1) && attrs.padding.every((p) => p === 0);
  if (pointwise && attrs.stride.every((s) => s === 1)) return [asProducts(g, args)];
  if (plain && attrs.kernel.length === 2) return [withChannelsLast(g, args)];
  return [depthwiseWeightGradient(g, args) ?? withBatchAsChannels(g, args)];
}

/**
 * dW = Σₙ dy[n]·x[n]ᵀ over all positions: one product per image where images are large beside the kernel, else one product of images
 * that were laid side by side.
 */
function asProducts(g: Lowering, { names: [x, dy], inputs, outputs }: Args): string {
  const [input, gradient] = inputs;
  const [batch, channels, ...sizes] = input!.shape as readonly [Dim, number, ...number[]];
  const features = gradient!.shape[1] as number;
  const positions = sizes.reduce((a, b) => a * b, 1);
  const flat = (name: string, planes: number): string => g.op('Reshape', [name, g.shape([batch, planes, positions])]);
  const [images, slopes] = [flat(x!, channels), flat(dy!, features)];
  if (features * channels < positions * (features + channels)) {
    const each = g.op('FusedMatMul', [slopes, images], { transB: 1 }, 'com.microsoft');
    return sumLeading(g, each, [batch, features, channels], 1, outputs[0]!.shape);
  }
  const beside = (name: string, planes: number): string =>
    g.op('Reshape', [g.op('Transpose', [name], { perm: [1, 0, 2] }), g.shape([planes, mulDims(batch, positions)])]);
  const product = g.op('Gemm', [beside(slopes, features), beside(images, channels)], { transB: 1 });
  return g.op('Reshape', [product, g.shape(outputs[0]!.shape)]);
}

/** x as an image [1, N, H, W·C] and dy as a filter [O, N, OH, OW] with dilations [s, s·C] give [1, O, kh, kw·C]. */
function withChannelsLast(g: Lowering, { names: [x, dy], inputs, attrs }: Args): string {
  const [input, gradient] = inputs;
  const [batch, channels, height, width] = input!.shape as readonly [Dim, number, number, number];
  const outputs = gradient!.shape[1] as number;
  const [kh, kw] = attrs.kernel as [number, number];
  const [sh, sw] = attrs.stride as [number, number];
  const [top, left] = attrs.padding as [number, number, number, number];
  const [, , outHeight, outWidth] = gradient!.shape as readonly [Dim, number, number, number];
  // What the windows reach behind the image; less than the padding where they do not come out even.
  const bottom = (outHeight - 1) * sh + kh - top - height;
  const right = (outWidth - 1) * sw + kw - left - width;
  const last = g.op('Transpose', [x!], { perm: [0, 2, 3, 1] });
  const cropped =
    bottom < 0 || right < 0
      ? g.op('Slice', [
          last,
          g.ints([0, 0]),
          g.ints([height + Math.min(0, bottom), width + Math.min(0, right)]),
          g.ints([1, 2]),
        ])
      : last;
  const [rows, columns] = [height + Math.min(0, bottom), width + Math.min(0, right)];
  const image = g.op('Reshape', [cropped, g.shape([1, batch, rows, columns * channels])]);
  const filter = g.op('Transpose', [dy!], { perm: [1, 0, 2, 3] });
  const pads = [top, left * channels, Math.max(0, bottom), Math.max(0, right) * channels];
  const unfolded = g.op('Conv', [image, filter], {
    dilations: [sh, sw * channels],
    strides: [1, 1],
    pads,
    kernel_shape: [outHeight, outWidth],
  });
  const split = g.op('Reshape', [unfolded, g.shape([outputs, kh, kw, channels])]);
  return g.op('Transpose', [split], { perm: [0, 3, 1, 2] });
}

/** x [N, G·C, …] as images [C, G·N, …] and dy as filters [G·O, N, …], dilated by the stride, give [C, G·O, …k]. */
function withBatchAsChannels(g: Lowering, { names: [x, dy], inputs, attrs, outputs }: Args): string {
  const { groups, kernel, stride, dilation, padding } = attrs;
  const [input, gradient] = inputs;
  const [batch, channels, ...sizes] = input!.shape as readonly [Dim, number, ...number[]];
  const out = gradient!.shape.slice(2) as number[];
  const perGroup = channels / groups;
  const axes = sizes.map((_, i) => i);
  const grouped = g.op('Reshape', [x!, g.shape([batch, groups, perGroup, ...sizes])]);
  const turned = g.op('Transpose', [grouped], { perm: [2, 1, 0, ...axes.map((i) => i + 3)] });
  const images = g.op('Reshape', [turned, g.shape([perGroup, mulDims(batch, groups), ...sizes])]);
  const filters = g.op('Transpose', [dy!], { perm: [1, 0, ...axes.map((i) => i + 2)] });
  const full = g.op('Conv', [images, filters], {
    group: groups,
    strides: dilation,
    dilations: stride,
    pads: padding,
    kernel_shape: out,
  });
  const spatial = axes.map((i) => i + 2);
  // Windows that do not come out even leave more positions than the kernel has.
  const exact = g.op('Slice', [full, g.ints(axes.map(() => 0)), g.ints(kernel), g.ints(spatial)]);
  const weight = g.op('Transpose', [exact], { perm: [1, 0, ...spatial] });
  return g.op('Reshape', [weight, g.shape(outputs[0]!.shape)]);
}
