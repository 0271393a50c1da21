import { type Dim, mulDims } from '../dim.ts';
import type { Lowering } from '../lowering/lowering.ts';
import {
  both,
  inputTransform,
  kernelTransform,
  type Matrix,
  outputTransform,
  points,
  type TileSize,
  tileCount,
  transposed,
} from '../lowering/winograd.ts';
import type { ConvAttributes, ConvOps } from './conv.ts';
import { unfoldedConv, unfoldedTranspose, unfoldedWeightGradient, unfolds } from './conv-unfold.ts';
import type { ChannelsLast, LowerArgs } from './rule.ts';

/** Up to this many positions both axes are transformed by one product. */
const SMALL = 64;

/** A constant matrix, made once per model. */
const named = (g: Lowering, key: string, make: () => Matrix): string =>
  g.memo(key, () => {
    const { rows, columns, data } = make();
    return g.constant({ dtype: 'float32', dims: [rows, columns], data });
  });

/** How an image [H, W, N, C] becomes tiles and back. */
interface Tiling {
  readonly tile: TileSize;
  readonly height: number;
  readonly width: number;
  readonly outHeight: number;
  readonly outWidth: number;
  /** Top and left. */
  readonly padding: readonly [number, number];
}

const isSmall = ({ height, width, outHeight, outWidth }: Tiling): boolean =>
  Math.max(height * width, outHeight * outWidth) <= SMALL;

/** The shape of transformed tiles for a batched product over the points: [points, points, rows, channels] or with a row of tiles between. */
function tilesShape(t: Tiling, batch: Dim, channels: Dim): Dim[] {
  const [count, down, across] = [points(t.tile), tileCount(t.outHeight, t.tile), tileCount(t.outWidth, t.tile)];
  return isSmall(t)
    ? [count * count, mulDims(batch, down * across), channels]
    : [count, down, count, mulDims(batch, across), channels];
}

/** Multiplies along both spatial axes: x [H, W, rest] → the rows of the matrices, in the order of `tilesShape`. */
function alongBoth(
  g: Lowering,
  x: string,
  key: string,
  t: Tiling,
  rest: Dim,
  { vertical, horizontal, ordered }: { vertical: Matrix; horizontal: Matrix; ordered: 'rows' | 'columns' },
): string {
  if (isSmall(t)) {
    const flat = g.op('Reshape', [x, g.shape([vertical.columns * horizontal.columns, rest])]);
    return g.op('MatMul', [named(g, `${key} both`, () => both(vertical, horizontal, t.tile, ordered)), flat]);
  }
  const down = named(g, `${key} down`, () => vertical);
  const across = named(g, `${key} across`, () => horizontal);
  if (ordered === 'rows') {
    const rows = g.op('Reshape', [x, g.shape([vertical.columns, mulDims(rest, horizontal.columns)])]);
    const first = g.op('MatMul', [down, rows]);
    const split = g.op('Reshape', [first, g.shape([vertical.rows, horizontal.columns, rest])]);
    return g.op('MatMul', [across, split]);
  }
  // Back to the image: across first, so that both products are as small as on the way in.
  const split = g.op('Reshape', [x, g.shape([vertical.columns, horizontal.columns, rest])]);
  const first = g.op('MatMul', [across, split]);
  return g.op('MatMul', [down, g.op('Reshape', [first, g.shape([vertical.columns, mulDims(rest, horizontal.rows)])])]);
}

/**
 * x [H, W, N, C] → tiles in the transformed domain.
 * @param again the backward pass transforms x anew, with a matrix of its own, so that the runtime does not see that it is the same: tiles
 * that are kept from the forward pass take 2.25 times the memory of x.
 */
function toTiles(g: Lowering, x: string, t: Tiling, batch: Dim, channels: number, again = false): string {
  const { tile, height, width, outHeight, outWidth, padding } = t;
  const key = `winograd ${tile} in ${height} ${width} ${outHeight} ${outWidth} ${padding}${again ? ' again' : ''}`;
  const tiles = alongBoth(g, x, key, t, mulDims(batch, channels), {
    vertical: inputTransform(tile, height, outHeight, padding[0]),
    horizontal: inputTransform(tile, width, outWidth, padding[1]),
    ordered: 'rows',
  });
  return g.op('Reshape', [tiles, g.shape(tilesShape(t, batch, channels))]);
}

/** The kernels [O, C, 3, 3] in the transformed domain, to go with `tilesShape`. */
function toPoints(g: Lowering, weight: string, t: Tiling, outputs: number, inputs: number, turned: boolean): string {
  const matrix = named(g, `winograd ${t.tile} kernel ${turned}`, () => kernelTransform(t.tile, turned));
  const flat = g.op('Reshape', [weight, g.shape([outputs * inputs, 9])]);
  const transformed = g.op('Gemm', [matrix, flat], { transB: 1 });
  const count = points(t.tile);
  const shape = isSmall(t) ? [count * count, outputs, inputs] : [count, 1, count, outputs, inputs];
  return g.op('Reshape', [transformed, g.shape(shape)]);
}

/** Tiles → [OH, OW, N, O]. */
function fromTiles(g: Lowering, tiles: string, t: Tiling, batch: Dim, channels: number): string {
  const { tile, outHeight, outWidth } = t;
  const image = alongBoth(
    g,
    tiles,
    `winograd ${tile} out ${outHeight} ${outWidth} ${isSmall(t)}`,
    t,
    mulDims(batch, channels),
    {
      vertical: outputTransform(tile, outHeight),
      horizontal: outputTransform(tile, outWidth),
      ordered: 'columns',
    },
  );
  return g.op('Reshape', [image, g.shape([outHeight, outWidth, batch, channels])]);
}

const product = (g: Lowering, a: string, b: string, transposition: { transA?: number; transB?: number }): string =>
  g.op('FusedMatMul', [a, b], transposition, 'com.microsoft');

type Shape4 = readonly [Dim, number, number, number];

type ImageArgs = LowerArgs<ConvAttributes>;

const tileOf = (g: Lowering): TileSize => g.winograd || 4;

/**
 * x [H, W, N, C] → [OH, OW, N, O].
 * @param adjoint a transposed convolution, which with stride 1 is a convolution with the kernel turned round.
 */
function lowerImage(g: Lowering, { names, inputs, attrs, outputs }: ImageArgs, adjoint: boolean): string[] {
  const [x, weight, bias] = names as [string, string, string?];
  const [batch, channels, height, width] = inputs[0]!.shape as Shape4;
  const [, out, outHeight, outWidth] = outputs[0]!.shape as Shape4;
  const [top, left] = attrs.padding as [number, number];
  const padding = adjoint ? ([2 - top, 2 - left] as const) : ([top, left] as const);
  const t: Tiling = { tile: tileOf(g), height, width, outHeight, outWidth, padding };
  const [rows, columns] = adjoint ? [channels, out] : [out, channels]; // as the weight has them
  const kernels = toPoints(g, weight, t, rows, columns, adjoint);
  const tiles = product(g, toTiles(g, x, t, batch, channels), kernels, adjoint ? {} : { transB: 1 });
  const y = fromTiles(g, tiles, t, batch, out);
  return [bias ? g.op('Add', [y, bias]) : y];
}

/** x [H, W, N, C], dy [OH, OW, N, O] → [O, C, 3, 3]: the adjoint of `lowerImage` by its kernels. */
function lowerWeightGradient(
  g: Lowering,
  { names: [x, dy], inputs, attrs }: LowerArgs<ConvOps['convWeightGradient']>,
): string[] {
  const [batch, channels, height, width] = inputs[0]!.shape as Shape4;
  const [, out, outHeight, outWidth] = inputs[1]!.shape as Shape4;
  const tile = tileOf(g);
  const t: Tiling = { tile, height, width, outHeight, outWidth, padding: [attrs.padding[0]!, attrs.padding[1]!] };
  const spread = alongBoth(
    g,
    dy!,
    `winograd ${tile} adjoint ${outHeight} ${outWidth} ${isSmall(t)}`,
    t,
    mulDims(batch, out),
    {
      vertical: transposed(outputTransform(tile, outHeight)),
      horizontal: transposed(outputTransform(tile, outWidth)),
      ordered: 'rows',
    },
  );
  const dTiles = g.op('Reshape', [spread, g.shape(tilesShape(t, batch, out))]);
  const each = product(g, dTiles, toTiles(g, x!, t, batch, channels, true), { transA: 1 });
  const summed = isSmall(t) ? each : g.op('ReduceSum', [each, g.ints([1])], { keepdims: 0 });
  const count = points(tile);
  const flat = g.op('Reshape', [summed, g.shape([count * count, out * channels])]);
  const matrix = named(g, `winograd ${tile} kernel false`, () => kernelTransform(tile, false));
  const gradient = g.op('Gemm', [flat, matrix], { transA: 1 });
  return [g.op('Reshape', [gradient, g.shape([out, channels, 3, 3])])];
}

const usable = (g: Lowering, attrs: ConvAttributes): boolean => g.winograd > 0 && unfolds(attrs);

/** Whether Winograd's transforms fit and save more than they cost: 3×3, stride 1, channels on both sides. */
const transforms = ({ stride, padding }: ConvAttributes, [outputs, channels, kh, kw]: readonly number[]): boolean =>
  kh === 3 &&
  kw === 3 &&
  stride.every((s) => s === 1) &&
  padding.every((p) => p <= 2) &&
  Math.min(channels!, outputs!) >= 16;

export const convChannelsLast: ChannelsLast<ConvOps['conv']> = {
  inputs: [0],
  outputs: [0],
  when: (g, { attrs }) => usable(g, attrs),
  lower: (g, args) =>
    transforms(args.attrs, args.inputs[1]!.shape as number[]) ? lowerImage(g, args, false) : unfoldedConv(g, args),
};

export const convTransposeChannelsLast: ChannelsLast<ConvOps['convTranspose']> = {
  inputs: [0],
  outputs: [0],
  when: (g, { attrs }) => usable(g, attrs),
  lower: (g, args) =>
    transforms(args.attrs, args.inputs[1]!.shape as number[]) ? lowerImage(g, args, true) : unfoldedTranspose(g, args),
};

export const weightGradientChannelsLast: ChannelsLast<ConvOps['convWeightGradient']> = {
  inputs: [0, 1],
  outputs: [],
  when: (g, { attrs }) => usable(g, attrs),
  lower: (g, args) =>
    (transforms(args.attrs, args.outputs[0]!.shape as number[]) ? lowerWeightGradient : unfoldedWeightGradient)(
      g,
      args,
    ),
};
