import { apply, concat, constant, type PerAxis, perAxis, type ResizeMode, type Tensor } from '@rivulet/tensor';

export interface PoolOptions {
  /** Default: the kernel, so that windows do not overlap. */
  readonly stride?: PerAxis;
  /** On both sides of each axis, at most half of the kernel. Default 0. */
  readonly padding?: PerAxis;
  /** Also windows that are not quite full. Default false. */
  readonly ceilMode?: boolean;
}

function windows(
  op: string,
  x: Tensor,
  kernel: PerAxis,
  { stride = kernel, padding = 0, ceilMode = false }: PoolOptions,
) {
  const axes = x.rank - 2;
  const pads = perAxis(op, 'the padding', padding, axes, 0);
  return {
    kernel: perAxis(op, 'the kernel', kernel, axes),
    stride: perAxis(op, 'the stride', stride, axes),
    padding: [...pads, ...pads],
    ceil: ceilMode,
  };
}

/** The largest value of each window: x [N, C, …] → [N, C, …], as torch.nn.functional.max_pool2d. */
export function maxPool(
  x: Tensor,
  kernel: PerAxis,
  { dilation = 1, ...options }: PoolOptions & { readonly dilation?: PerAxis } = {},
): Tensor {
  const attrs = windows('maxPool', x, kernel, options);
  return apply('maxPool', [x], { ...attrs, dilation: perAxis('maxPool', 'the dilation', dilation, x.rank - 2) });
}

/** The mean of each window: x [N, C, …] → [N, C, …], as torch.nn.functional.avg_pool2d. */
export function avgPool(
  x: Tensor,
  kernel: PerAxis,
  { countIncludePad = true, ...options }: PoolOptions & { readonly countIncludePad?: boolean } = {},
): Tensor {
  return apply('avgPool', [x], { ...windows('avgPool', x, kernel, options), countPadding: countIncludePad });
}

/** Means of parts that fill each axis evenly: x [N, C, …] → [N, C, …size], as torch.nn.functional.adaptive_avg_pool2d. */
export function adaptiveAvgPool(x: Tensor, size: PerAxis): Tensor {
  const to = perAxis('adaptiveAvgPool', 'the size', size, x.rank - 2);
  if (to.every((n) => n === 1))
    return x.mean(
      to.map((_, i) => 2 + i),
      { keepDims: true },
    );
  const last = x.rank - 1;
  return to.reduce((y, n, i) => {
    const axis = 2 + i;
    const from = y.size(axis);
    const weights = new Float32Array(from * n);
    parts(from, n).forEach(([start, end], column) => {
      for (let row = start; row < end; row++) weights[row * n + column] = 1 / (end - start);
    });
    return y
      .transpose(axis, last)
      .matmul(constant(weights, [from, n]))
      .transpose(axis, last);
  }, x);
}

/** The largest of parts that fill each axis evenly: x [N, C, …] → [N, C, …size], as torch.nn.functional.adaptive_max_pool2d. */
export function adaptiveMaxPool(x: Tensor, size: PerAxis): Tensor {
  const to = perAxis('adaptiveMaxPool', 'the size', size, x.rank - 2);
  return to.reduce((y, n, i) => {
    const axis = 2 + i;
    const slices = parts(y.size(axis), n).map(([start, end]) =>
      y.slice(axis, start, end).max(axis, { keepDims: true }),
    );
    return concat(slices, axis);
  }, x);
}

/** Where each of `to` parts of an axis starts and ends; neighbours overlap where it does not divide. */
function parts(from: number, to: number): [number, number][] {
  return Array.from({ length: to }, (_, i) => [Math.floor((i * from) / to), Math.ceil(((i + 1) * from) / to)]);
}

export interface InterpolateOptions {
  /** The new spatial sizes; or say scaleFactor. */
  readonly size?: PerAxis;
  readonly scaleFactor?: number;
  /** Default 'nearest'. */
  readonly mode?: ResizeMode;
  /** Bilinear: the corners keep their values. Default false. */
  readonly alignCorners?: boolean;
}

/** Resizes x [N, C, …] → [N, C, …size], as torch.nn.functional.interpolate. @throws RangeError unless one size is given. */
export function interpolate(
  x: Tensor,
  { size, scaleFactor, mode = 'nearest', alignCorners = false }: InterpolateOptions,
): Tensor {
  if ((size === undefined) === (scaleFactor === undefined))
    throw new RangeError('interpolate: give either size or scaleFactor');
  const axes = x.rank - 2;
  const to =
    size === undefined
      ? Array.from({ length: axes }, (_, i) => Math.floor(x.size(2 + i) * scaleFactor!))
      : perAxis('interpolate', 'the size', size, axes);
  return apply('resize', [x], { size: to, mode, alignCorners });
}
