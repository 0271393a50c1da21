import { type Dim, mulDims } from '../dim.ts';
import type { Lowering } from '../lowering/lowering.ts';
import type { ConvAttributes, ConvOps } from './conv.ts';
import type { LowerArgs } from './rule.ts';

/** Two-dimensional convolutions of images [H, W, N, C] as products of unfolded windows: any kernel and stride, no groups. */
export const unfolds = ({ stride, groups, dilation }: ConvAttributes): boolean =>
  stride.length === 2 && groups === 1 && dilation.every((d) => d === 1);

/** The part of an image that one tap of all windows sees: where it starts and how many windows there are. */
interface View {
  readonly start: readonly [number, number];
  readonly count: readonly [number, number];
  readonly step: readonly [number, number];
}

/** Views side by side along the channels, [rows, taps·C]; what lies outside of the image is zero. */
function gather(
  g: Lowering,
  image: string,
  shape: readonly [number, number, Dim, number],
  views: readonly View[],
): string {
  const [height, width, batch, channels] = shape;
  const { count, step } = views[0]!;
  const last = (view: View, axis: 0 | 1): number => view.start[axis] + (count[axis] - 1) * step[axis];
  const before = ([0, 1] as const).map((axis) => Math.max(0, ...views.map((view) => -view.start[axis])));
  const behind = ([0, 1] as const).map((axis) =>
    Math.max(0, ...views.map((view) => last(view, axis) + 1 - shape[axis])),
  );
  const padded =
    Math.max(...before, ...behind) > 0
      ? g.op('Pad', [image, g.ints([...before, 0, 0, ...behind, 0, 0]), g.float(0)])
      : image;
  const [top, left] = before as [number, number];
  const [full, wide] = [height + top + behind[0]!, width + left + behind[1]!];
  const parts = views.map((view) => {
    const [from, at] = [view.start[0] + top, view.start[1] + left];
    const [to, end] = [last(view, 0) + top + 1, last(view, 1) + left + 1];
    if (from === 0 && at === 0 && to === full && end === wide && step.every((s) => s === 1)) return padded;
    return g.op('Slice', [padded, g.ints([from, at]), g.ints([to, end]), g.ints([0, 1]), g.ints(step)]);
  });
  const joined = parts.length === 1 ? parts[0]! : g.op('Concat', parts, { axis: 3 });
  return g.op('Reshape', [joined, g.shape([mulDims(batch, count[0] * count[1]), views.length * channels])]);
}

const taps = (kernel: readonly number[]): [number, number][] =>
  Array.from({ length: kernel[0]! * kernel[1]! }, (_, i) => [Math.floor(i / kernel[1]!), i % kernel[1]!]);

type Shape4 = readonly [Dim, number, number, number];

/** The windows of x [H, W, N, C] → [OH·OW·N, kh·kw·C]. */
function windows(
  g: Lowering,
  x: string,
  [batch, channels, height, width]: Shape4,
  [outHeight, outWidth]: readonly [number, number],
  { stride, padding }: ConvAttributes,
  kernel: readonly number[],
): string {
  const views = taps(kernel).map(
    ([i, j]): View => ({
      start: [i - padding[0]!, j - padding[1]!],
      count: [outHeight, outWidth],
      step: stride as [number, number],
    }),
  );
  return gather(g, x, [height, width, batch, channels], views);
}

/** A weight [O, C, kh, kw] as [O, kh·kw·C]. */
function flatWeight(g: Lowering, weight: string, [outputs, channels, kh, kw]: readonly number[]): string {
  const [o, c, k] = [outputs!, channels!, kh! * kw!];
  if (k === 1) return g.op('Reshape', [weight, g.shape([o, c])]);
  const turned = g.op('Transpose', [g.op('Reshape', [weight, g.shape([o, c, k])])], { perm: [0, 2, 1] });
  return g.op('Reshape', [turned, g.shape([o, k * c])]);
}

/** x [H, W, N, C] → [OH, OW, N, O] */
export function unfoldedConv(g: Lowering, { names, inputs, attrs, outputs }: LowerArgs<ConvOps['conv']>): string[] {
  const [x, weight, ...bias] = names as [string, string, string?];
  const [batch, out, outHeight, outWidth] = outputs[0]!.shape as Shape4;
  const shape = inputs[1]!.shape as number[];
  const columns = windows(g, x, inputs[0]!.shape as Shape4, [outHeight, outWidth], attrs, shape.slice(2));
  const y = g.op('Gemm', [columns, flatWeight(g, weight, shape), ...(bias as string[])], { transB: 1 });
  return [g.op('Reshape', [y, g.shape([outHeight, outWidth, batch, out])])];
}

/** x [H, W, N, C], dy [OH, OW, N, O] → [O, C, kh, kw] */
export function unfoldedWeightGradient(
  g: Lowering,
  { names: [x, dy], inputs, attrs }: LowerArgs<ConvOps['convWeightGradient']>,
): string[] {
  const [, channels] = inputs[0]!.shape as Shape4;
  const [batch, out, outHeight, outWidth] = inputs[1]!.shape as Shape4;
  const columns = windows(g, x!, inputs[0]!.shape as Shape4, [outHeight, outWidth], attrs, attrs.kernel);
  const rows = g.op('Reshape', [dy!, g.shape([mulDims(batch, outHeight * outWidth), out])]);
  const flat = g.op('Gemm', [rows, columns], { transA: 1 });
  const [kh, kw] = attrs.kernel as [number, number];
  const split = g.op('Transpose', [g.op('Reshape', [flat, g.shape([out, kh * kw, channels])])], { perm: [0, 2, 1] });
  return [g.op('Reshape', [split, g.shape([out, channels, kh, kw])])];
}

/**
 * dy [OH, OW, N, O] → [H, W, N, C]. Pixels whose places differ by the stride see the same taps: each of these phases is one product,
 * then they are put between each other.
 */
export function unfoldedTranspose(
  g: Lowering,
  { names, inputs, attrs, outputs }: LowerArgs<ConvOps['convTranspose']>,
): string[] {
  const [dy, weight, bias] = names as [string, string, string?];
  const [batch, out, rows, columns] = inputs[0]!.shape as Shape4;
  const [, channels, height, width] = outputs[0]!.shape as Shape4;
  const [, , kh, kw] = inputs[1]!.shape as [number, number, number, number];
  const [sh, sw] = attrs.stride as [number, number];
  const count: [number, number] = [Math.ceil(height / sh), Math.ceil(width / sw)];
  const perTap = g.op('Transpose', [g.op('Reshape', [weight, g.shape([out, channels, kh * kw])])], { perm: [2, 0, 1] });
  /** Taps that reach the pixels of a phase, and by how many windows they are shifted. */
  const reaching = (phase: number, stride: number, kernel: number, padding: number): [number, number][] =>
    Array.from({ length: kernel }, (_, k): [number, number] => [k, (phase + padding - k) / stride]).filter(
      ([, shift]) => Number.isInteger(shift),
    );
  const phase = (r: number, c: number): string => {
    const pairs = reaching(r, sh, kh, attrs.padding[0]!).flatMap(([i, down]) =>
      reaching(c, sw, kw, attrs.padding[1]!).map(([j, across]) => ({
        tap: i * kw + j,
        start: [down, across] as const,
      })),
    );
    const shape = g.shape([...count, batch, channels]);
    if (pairs.length === 0) return g.op('Expand', [g.float(0), shape]);
    const views = pairs.map(({ start }): View => ({ start: [start[0], start[1]], count, step: [1, 1] }));
    const seen = gather(g, dy, [rows, columns, batch, out], views);
    const chosen = g.op('Gather', [perTap, g.ints(pairs.map(({ tap }) => tap))], { axis: 0 });
    const matrix = g.op('Reshape', [chosen, g.shape([pairs.length * out, channels])]);
    return g.op('Reshape', [g.op('MatMul', [seen, matrix]), shape]);
  };
  const lines = Array.from({ length: sh }, (_, r) => {
    const pixels = Array.from({ length: sw }, (_, c) => phase(r, c));
    if (sw === 1) return pixels[0]!;
    const apart = pixels.map((name) => g.op('Unsqueeze', [name, g.ints([2])]));
    return g.op('Reshape', [g.op('Concat', apart, { axis: 2 }), g.shape([count[0], count[1] * sw, batch, channels])]);
  });
  const apart = lines.map((name) => g.op('Unsqueeze', [name, g.ints([1])]));
  const whole =
    sh === 1
      ? lines[0]!
      : g.op('Reshape', [g.op('Concat', apart, { axis: 1 }), g.shape([count[0] * sh, count[1] * sw, batch, channels])]);
  const even = count[0] * sh === height && count[1] * sw === width;
  const image = even ? whole : g.op('Slice', [whole, g.ints([0, 0]), g.ints([height, width]), g.ints([0, 1])]);
  return [bias ? g.op('Add', [image, bias]) : image];
}
