import { type Dim, formatShape, type Shape, sameShape } from '../dim.ts';
import { ShapeError } from '../errors.ts';
import type { Lowering, NodeAttributes } from '../lowering/lowering.ts';
import { apply, type Tensor } from '../tensor.ts';
import { convChannelsLast, convTransposeChannelsLast, weightGradientChannelsLast } from './conv-channels-last.ts';
import { depthwiseConv, isDepthwise } from './conv-depthwise.ts';
import { lowerWeightGradient } from './conv-weight-gradient.ts';
import type { GradientArgs, Rules, TensorType } from './rule.ts';
import { scan } from './scan.ts';
import { reach, spatial, type Windows, windowCount } from './windows.ts';

export interface ConvAttributes extends Windows {
  /** Input and output channels are split into so many groups that do not see each other. */
  readonly groups: number;
}

export interface ConvOps {
  /** x [N, C, …], weight [O, C/groups, …k], bias [O] or none → [N, O, …]: cross-correlation, as in PyTorch; one or more spatial axes. */
  conv: ConvAttributes;
  /** The adjoint: x [N, C, …], weight [C, O/groups, …k], bias [O] or none → [N, O, …]. `output`: its spatial sizes. */
  convTranspose: ConvAttributes & { readonly output: readonly number[] };
  /** The gradient of `conv` by its weight: x [N, C, …], dy [N, O, …] → [O, C/groups, …kernel]. */
  convWeightGradient: ConvAttributes & { readonly kernel: readonly number[] };
}

export const convRules: Rules<ConvOps> = {
  conv: {
    shape: ([x, weight, bias], attrs) => {
      const axes = attrs.stride.length;
      const sizes = spatial('conv', x!, axes);
      const [outputs, inputs, ...kernel] = weightShape('conv', weight!, axes);
      const { groups } = attrs;
      if (x!.shape[1] !== inputs! * groups || outputs! % groups !== 0)
        misfit('conv', x!, weight!, `${groups} group(s) need [N, ${inputs! * groups}, …] and outputs that divide`);
      wantBias('conv', bias, outputs!);
      const out = sizes.map((size, i) => windowCount('conv', size, kernel[i]!, attrs, i));
      return [{ dtype: 'float32', shape: [x!.shape[0]!, outputs!, ...out] }];
    },
    gradient: ({ inputs: [x, weight, bias], attrs, grads: [g], wanted }) => {
      const output = x!.shape.slice(2) as number[];
      const kernel = weight!.shape.slice(2) as number[];
      return [
        wanted[0] ? apply('convTranspose', [g!, weight!], { ...attrs, output }) : null,
        wanted[1] ? weightGradient(x!, g!, { ...attrs, kernel }, weight!) : null,
        ...biasGradient(bias, g!, wanted),
      ];
    },
    channelsLast: convChannelsLast,
    lower: (g, args) => {
      const { names, attrs, inputs } = args;
      const weight = inputs[1]!.shape as number[];
      return [
        depthwiseConv(g, names, weight, attrs) ??
          g.op('Conv', names, { ...convAttributes(attrs), kernel_shape: weight.slice(2) }),
      ];
    },
  },
  convTranspose: {
    shape: ([x, weight, bias], attrs) => {
      const axes = attrs.stride.length;
      const sizes = spatial('convTranspose', x!, axes);
      const [inputs, perGroup, ...kernel] = weightShape('convTranspose', weight!, axes);
      if (x!.shape[1] !== inputs || inputs! % attrs.groups !== 0)
        misfit('convTranspose', x!, weight!, `${attrs.groups} group(s) need [N, ${inputs}, …] that divides`);
      wantBias('convTranspose', bias, perGroup! * attrs.groups);
      attrs.output.forEach((size, i) => {
        const least = transposedSize(sizes[i]!, kernel[i]!, attrs, i);
        if (size < least || size >= least + Math.max(attrs.stride[i]!, attrs.dilation[i]!))
          throw new ShapeError(
            'convTranspose',
            `the output size ${size} is not reached from ${sizes[i]} by these windows`,
          );
      });
      return [{ dtype: 'float32', shape: [x!.shape[0]!, perGroup! * attrs.groups, ...attrs.output] }];
    },
    gradient: ({ inputs: [x, weight, bias], attrs: { output: _, ...attrs }, grads: [g], wanted }) => {
      const kernel = weight!.shape.slice(2) as number[];
      return [
        wanted[0] ? apply('conv', [g!, weight!], attrs) : null,
        wanted[1] ? apply('convWeightGradient', [g!, x!], { ...attrs, kernel }) : null,
        ...biasGradient(bias, g!, wanted),
      ];
    },
    channelsLast: convTransposeChannelsLast,
    lower: (g, args) => {
      const { names, attrs, inputs } = args;
      const [x, weight] = inputs as [Tensor, Tensor];
      const kernel = weight.shape.slice(2) as number[];
      const depthwise = weight.shape[0] === attrs.groups && weight.shape[1] === 1;
      if (attrs.stride.every((s) => s === 1) && (attrs.groups === 1 || depthwise))
        return [lowerAsFlipped(g, names, attrs, weight.shape as number[], depthwise)];
      const extra = attrs.output.map((size, i) => size - transposedSize(x.shape[2 + i]!, kernel[i]!, attrs, i));
      return [g.op('ConvTranspose', names, { ...convAttributes(attrs), kernel_shape: kernel, output_padding: extra })];
    },
  },
  convWeightGradient: {
    shape: ([x, dy], { groups, kernel }) => [
      { dtype: 'float32', shape: [dy!.shape[1]!, (x!.shape[1] as number) / groups, ...kernel] },
    ],
    // Bilinear in x and dy: its own gradients are the other two convolutions.
    gradient: ({
      inputs: [x, dy],
      attrs: { kernel: _, ...attrs },
      grads: [g],
      wanted,
    }: GradientArgs<ConvOps['convWeightGradient']>) => [
      wanted[0] ? apply('convTranspose', [dy!, g!], { ...attrs, output: x!.shape.slice(2) as number[] }) : null,
      wanted[1] ? apply('conv', [x!, g!], attrs) : null,
    ],
    channelsLast: weightGradientChannelsLast,
    lower: lowerWeightGradient,
  },
};

/**
 * Image by image for depthwise convolutions of a batch whose size is not known: their fast form (conv-depthwise.ts) needs the number of
 * all planes.
 */
function weightGradient(x: Tensor, dy: Tensor, attrs: ConvOps['convWeightGradient'], weight: Tensor): Tensor {
  if (typeof x.shape[0] === 'number' || !isDepthwise(attrs, weight.shape))
    return apply('convWeightGradient', [x, dy], attrs);
  const { outputs } = scan(
    (_, images) => {
      const alone = images.map((image) => image.reshape([1, ...image.shape]));
      return { carry: [], outputs: [apply('convWeightGradient', alone, attrs)] };
    },
    { initial: [], sequences: [x, dy] },
  );
  return outputs[0]!.sum(0);
}

/** With stride 1 the adjoint is a convolution with the kernel turned round, which has the faster kernel. */
function lowerAsFlipped(
  g: Lowering,
  [x, weight, ...bias]: readonly string[],
  attrs: ConvAttributes,
  shape: readonly number[],
  depthwise: boolean,
): string {
  const kernel = shape.slice(2);
  const turned = turnedRound(g, weight!, shape);
  const oriented = depthwise ? turned : g.op('Transpose', [turned], { perm: [1, 0, ...kernel.map((_, i) => i + 2)] });
  const furthest = kernel.map((k, i) => reach(k, attrs.dilation[i]!) - 1);
  const padding = attrs.padding.map((p, i) => furthest[i % kernel.length]! - p);
  const names = [x!, oriented, ...bias];
  const adjoint = { ...attrs, padding, stride: kernel.map(() => 1) };
  return (
    depthwiseConv(g, names, shape, adjoint) ?? g.op('Conv', names, { ...convAttributes(adjoint), kernel_shape: kernel })
  );
}

/** Taps in the opposite order, as a product with a constant matrix: the runtime's Slice with a negative step takes twice as long. */
function turnedRound(g: Lowering, weight: string, shape: readonly number[]): string {
  const taps = shape.slice(2).reduce((a, b) => a * b, 1);
  if (taps === 1) return weight;
  const data = Float32Array.from({ length: taps ** 2 }, (_, i) =>
    Math.floor(i / taps) + (i % taps) === taps - 1 ? 1 : 0,
  );
  const matrix = g.memo(`turned ${taps}`, () => g.constant({ dtype: 'float32', dims: [taps, taps], data }));
  const rows = g.op('Reshape', [weight, g.shape([shape[0]! * shape[1]!, taps])]);
  return g.op('Reshape', [g.op('MatMul', [rows, matrix]), g.shape(shape)]);
}

export function convAttributes({ stride, padding, dilation, groups }: ConvAttributes): NodeAttributes {
  return { strides: stride, pads: padding, dilations: dilation, group: groups };
}

/** The smallest output of a transposed convolution along an axis. */
export function transposedSize(
  size: Dim,
  kernel: number,
  { stride, padding, dilation }: Windows,
  axis: number,
): number {
  if (typeof size !== 'number')
    throw new ShapeError(
      'convTranspose',
      `the size of a spatial axis must be known when the graph is traced, got ${size}`,
    );
  const axes = stride.length;
  return (size - 1) * stride[axis]! + reach(kernel, dilation[axis]!) - padding[axis]! - padding[axes + axis]!;
}

function weightShape(op: string, { shape }: TensorType, axes: number): number[] {
  if (shape.length !== axes + 2 || shape.some((dim) => typeof dim !== 'number'))
    throw new ShapeError(op, `the weight must have ${axes + 2} fixed sizes, got ${formatShape(shape)}`);
  return shape as number[];
}

function misfit(op: string, x: TensorType, weight: TensorType, why: string): never {
  throw new ShapeError(op, `input ${formatShape(x.shape)} and weight ${formatShape(weight.shape)}: ${why}`);
}

function wantBias(op: string, bias: TensorType | undefined, outputs: number): void {
  if (bias && !sameShape(bias.shape, [outputs]))
    throw new ShapeError(op, `the bias has shape ${formatShape(bias.shape)}, expected [${outputs}]`);
}

function biasGradient(bias: Tensor | undefined, g: Tensor, wanted: readonly boolean[]): (Tensor | null)[] {
  if (!bias) return [];
  return [wanted[2] ? g.sum(g.shape.flatMap((_: Shape[number], axis) => (axis === 1 ? [] : [axis]))) : null];
}
