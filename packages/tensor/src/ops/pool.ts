import { type Dim, mulDims, sizeOf } from '../dim.ts';
import { ShapeError } from '../errors.ts';
import type { NodeAttributes } from '../lowering/lowering.ts';
import { apply, applyAll, constant, type OpNode } from '../tensor.ts';
import { transposedSize } from './conv.ts';
import type { Rules, TensorType } from './rule.ts';
import { spatial, type Windows, windowCount } from './windows.ts';

export interface PoolAttributes extends Windows {
  readonly kernel: readonly number[];
  /** Also windows that are not quite full. */
  readonly ceil: boolean;
}

export interface PoolOps {
  /** x [N, C, …] → the largest of each window. */
  maxPool: PoolAttributes;
  /** As `maxPool`, and where each came from: flat positions in x. */
  maxPoolIndices: PoolAttributes;
  /** Values [N, C, …] at flat positions of a tensor of this shape; values that meet are added. */
  unpool: { readonly spatial: readonly number[] };
  /** x [N, C, …] → the mean of each window. `countPadding`: zeros of the padding count. */
  avgPool: Omit<PoolAttributes, 'dilation'> & { readonly countPadding: boolean };
}

function pooled(op: string, x: TensorType, attrs: PoolAttributes): TensorType {
  const sizes = spatial(op, x, attrs.kernel.length);
  attrs.kernel.forEach((k, i) => {
    if (2 * Math.max(attrs.padding[i]!, attrs.padding[attrs.kernel.length + i]!) > k)
      throw new ShapeError(
        op,
        `padding [${attrs.padding.join(', ')}] is more than half of the kernel [${attrs.kernel.join(', ')}]`,
      );
  });
  const out = sizes.map((size, i) => windowCount(op, size, attrs.kernel[i]!, attrs, i, attrs.ceil));
  return { dtype: 'float32', shape: [...x.shape.slice(0, 2), ...out] };
}

const poolAttributes = ({ kernel, stride, padding, dilation, ceil }: PoolAttributes): NodeAttributes => ({
  kernel_shape: kernel,
  strides: stride,
  pads: padding,
  dilations: dilation,
  ceil_mode: ceil ? 1 : 0,
});

const undilated = <A extends { kernel: readonly number[] }>(attrs: A): A & { dilation: readonly number[] } => ({
  ...attrs,
  dilation: attrs.kernel.map(() => 1),
});

export const poolRules: Rules<PoolOps> = {
  maxPool: {
    shape: ([x], attrs) => [pooled('maxPool', x!, attrs)],
    gradient: ({ inputs: [x], outputs: [y], attrs, grads: [g] }) => {
      // The positions cost time: the forward pass computes them only where there is a backward pass.
      const [values, indices] = applyAll('maxPoolIndices', [x!], attrs);
      (y!.node as OpNode).replacement = [values!];
      return [apply('unpool', [g!, indices!], { spatial: x!.shape.slice(2) as number[] })];
    },
    lower: (g, { names, attrs }) => [g.op('MaxPool', names, poolAttributes(attrs))],
  },
  maxPoolIndices: {
    shape: ([x], attrs) => {
      const values = pooled('maxPool', x!, attrs);
      return [values, { dtype: 'int64', shape: values.shape }];
    },
    gradient: ({ inputs: [x], outputs: [, indices], grads: [g] }) => [
      apply('unpool', [g!, indices!], { spatial: x!.shape.slice(2) as number[] }),
    ],
    lower: (g, { names, attrs }) => g.ops(2, 'MaxPool', names, poolAttributes(attrs)),
  },
  unpool: {
    shape: ([values], { spatial }) => [{ dtype: 'float32', shape: [...values!.shape.slice(0, 2), ...spatial] }],
    gradient: ({ inputs: [values, indices], grads: [g] }) => [
      g!
        .reshape([-1])
        .gather(indices!.reshape([-1]))
        .reshape(values!.shape),
      null,
    ],
    lower: (g, { names: [values, indices], inputs, outputs }) => {
      const { shape } = outputs[0]!;
      const flat = (name: string): string => g.op('Reshape', [name, g.shape([sizeOf(inputs[0]!.shape)])]);
      const zeros = g.op('Expand', [g.float(0), g.shape([sizeOf(shape)])]);
      const sum = g.op('ScatterElements', [zeros, flat(indices!), flat(values!)], { axis: 0, reduction: 'add' });
      return [g.op('Reshape', [sum, g.shape(shape)])];
    },
  },
  avgPool: {
    shape: ([x], attrs) => [pooled('avgPool', x!, undilated(attrs))],
    gradient: ({ inputs: [x], attrs, grads: [g] }) => {
      const windows = { ...undilated(attrs), groups: 1 };
      const sizes = x!.shape.slice(2) as number[];
      const out = g!.shape.slice(2) as number[];
      const shares = windowShares(sizes, out, attrs);
      const planes: Dim = mulDims(x!.dim(0), x!.dim(1));
      const ones = constant(new Float32Array(attrs.kernel.reduce((a, b) => a * b, 1)).fill(1), [1, 1, ...attrs.kernel]);
      const spread = g!.mul(constant(shares, out)).reshape([planes, 1, ...out]);
      // Windows may reach behind the image: make room for them, then cut it off.
      const room = out.map((n, i) => Math.max(sizes[i]!, transposedSize(n, attrs.kernel[i]!, windows, i)));
      let back = apply('convTranspose', [spread, ones], { ...windows, output: room });
      sizes.forEach((size, i) => {
        if (room[i]! > size) back = back.slice(2 + i, 0, size);
      });
      return [back.reshape(x!.shape)];
    },
    lower: (g, { names, attrs }) => {
      const { dilations: _, ...attributes } = poolAttributes(undilated(attrs)) as Record<string, never>;
      return [g.op('AveragePool', names, { ...attributes, count_include_pad: attrs.countPadding ? 1 : 0 })];
    },
  },
};

/** For every window 1 / how many values it averages: as PyTorch counts, up to the end of the padding. */
function windowShares(
  sizes: readonly number[],
  out: readonly number[],
  { kernel, stride, padding, countPadding }: PoolOps['avgPool'],
): Float32Array {
  const along = sizes.map((size, axis) =>
    Array.from({ length: out[axis]! }, (_, i) => {
      const from = i * stride[axis]! - padding[axis]!;
      const to = Math.min(from + kernel[axis]!, size + padding[sizes.length + axis]!);
      return countPadding ? to - from : Math.min(to, size) - Math.max(from, 0);
    }),
  );
  const counts = along.reduce((rows, axis) => rows.flatMap((row) => axis.map((n) => row * n)), [1]);
  return Float32Array.from(counts, (count) => 1 / count);
}
