import { apply, type PerAxis, perAxis, reach, type Tensor } from '@rivulet/tensor';

export interface ConvOptions {
  /** Default 1. */
  readonly stride?: PerAxis;
  /**
   * Zeros on both sides of each axis, or 'same' for an output of the input's size (stride 1), or 'sameUpper' for an output of the
   * input's size over the stride, an odd zero behind, as TensorFlow's SAME (the spatial sizes must be known). Default 0.
   */
  readonly padding?: PerAxis | 'same' | 'sameUpper';
  /** Default 1. */
  readonly dilation?: PerAxis;
  /** Groups of channels that do not see each other. Default 1. */
  readonly groups?: number;
}

/**
 * Convolution (cross-correlation) over the axes that the weight [O, I/groups, …k] has: x [N, I, …] → [N, O, …], as
 * torch.nn.functional.conv1d and conv2d.
 * @throws ShapeError where shapes do not fit, or 'same' is asked for with a stride.
 */
export function conv(x: Tensor, weight: Tensor, bias: Tensor | null = null, options: ConvOptions = {}): Tensor {
  const { stride = 1, padding = 0, dilation = 1, groups = 1 } = options;
  const kernel = weight.shape.slice(2) as number[];
  const axes = kernel.length;
  const attrs = {
    stride: perAxis('conv', 'the stride', stride, axes),
    dilation: perAxis('conv', 'the dilation', dilation, axes),
    groups,
  };
  const pads =
    padding === 'same'
      ? samePadding(kernel, attrs)
      : padding === 'sameUpper'
        ? sameUpperPadding(x, kernel, attrs)
        : both(perAxis('conv', 'the padding', padding, axes, 0));
  return apply('conv', bias ? [x, weight, bias] : [x, weight], { ...attrs, padding: pads });
}

export interface ConvTransposeOptions extends Omit<ConvOptions, 'padding'> {
  /** Taken off both sides of the output. Default 0. */
  readonly padding?: PerAxis;
  /** Added to one side of the output, of which several sizes lead to the same input. Default 0. */
  readonly outputPadding?: PerAxis;
}

/**
 * The adjoint of `conv`, also called deconvolution: x [N, I, …], weight [I, O/groups, …k] → [N, O, …], as
 * torch.nn.functional.conv_transpose2d.
 */
export function convTranspose(
  x: Tensor,
  weight: Tensor,
  bias: Tensor | null = null,
  { stride = 1, padding = 0, outputPadding = 0, dilation = 1, groups = 1 }: ConvTransposeOptions = {},
): Tensor {
  const kernel = weight.shape.slice(2) as number[];
  const axes = kernel.length;
  const op = 'convTranspose';
  const strides = perAxis(op, 'the stride', stride, axes);
  const dilations = perAxis(op, 'the dilation', dilation, axes);
  const pads = perAxis(op, 'the padding', padding, axes, 0);
  const extra = perAxis(op, 'the output padding', outputPadding, axes, 0);
  const output = kernel.map(
    (k, i) => (x.size(2 + i) - 1) * strides[i]! + reach(k, dilations[i]!) - 2 * pads[i]! + extra[i]!,
  );
  const attrs = { stride: strides, dilation: dilations, padding: both(pads), groups, output };
  return apply('convTranspose', bias ? [x, weight, bias] : [x, weight], attrs);
}

const both = (padding: readonly number[]): number[] => [...padding, ...padding];

function samePadding(
  kernel: readonly number[],
  { stride, dilation }: { stride: readonly number[]; dilation: readonly number[] },
): number[] {
  if (stride.some((s) => s !== 1)) throw new RangeError("conv: padding 'same' needs stride 1");
  return halves(kernel.map((k, i) => reach(k, dilation[i]!) - 1));
}

function sameUpperPadding(
  x: Tensor,
  kernel: readonly number[],
  { stride, dilation }: { stride: readonly number[]; dilation: readonly number[] },
): number[] {
  const total = kernel.map((k, i) => {
    const size = x.size(2 + i);
    return Math.max(0, (Math.ceil(size / stride[i]!) - 1) * stride[i]! + reach(k, dilation[i]!) - size);
  });
  return halves(total);
}

/** Zeros of each axis on both sides, an odd one behind. */
const halves = (total: readonly number[]): number[] => [
  ...total.map((n) => Math.floor(n / 2)),
  ...total.map((n) => Math.ceil(n / 2)),
];
