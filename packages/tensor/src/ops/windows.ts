import { type Dim, formatShape, type Shape } from '../dim.ts';
import { ShapeError } from '../errors.ts';
import type { TensorType } from './rule.ts';

/** How windows move over the spatial axes; one number per axis. */
export interface Windows {
  readonly stride: readonly number[];
  /** Zeros (or −∞) before each axis, then behind each: [top, left, bottom, right]. */
  readonly padding: readonly number[];
  readonly dilation: readonly number[];
}

/** A number for all spatial axes, or one for each. */
export type PerAxis = number | readonly number[];

/** @throws ShapeError where the count is wrong or a number is no integer of `least` or more. */
export function perAxis(op: string, what: string, value: PerAxis, axes: number, least = 1): readonly number[] {
  const list = typeof value === 'number' ? Array<number>(axes).fill(value) : value;
  if (list.length !== axes || list.some((n) => !Number.isInteger(n) || n < least))
    throw new ShapeError(op, `${what} must be ${axes} integers of ${least} or more, got [${list.join(', ')}]`);
  return list;
}

/** How far a kernel reaches along an axis. */
export const reach = (kernel: number, dilation: number): number => dilation * (kernel - 1) + 1;

/** Positions of windows along an axis. @throws ShapeError where not even one fits. */
export function windowCount(
  op: string,
  size: Dim,
  kernel: number,
  { stride, padding, dilation }: Windows,
  axis: number,
  ceil = false,
): number {
  const axes = stride.length;
  const [before, behind] = [padding[axis]!, padding[axes + axis]!];
  if (typeof size !== 'number')
    throw new ShapeError(op, `the size of a spatial axis must be known when the graph is traced, got ${size}`);
  const free = size + before + behind - reach(kernel, dilation[axis]!);
  if (free < 0)
    throw new ShapeError(
      op,
      `a kernel that reaches over ${reach(kernel, dilation[axis]!)} does not fit into ${size} + ${before + behind} of padding`,
    );
  if (!ceil) return Math.floor(free / stride[axis]!) + 1;
  const count = Math.ceil(free / stride[axis]!) + 1;
  return (count - 1) * stride[axis]! >= size + before ? count - 1 : count; // none starts in the padding behind, as in PyTorch
}

/** The spatial sizes of [N, C, ...spatial]. */
export function spatial(op: string, { shape, dtype }: TensorType, axes: number): Shape {
  if (shape.length !== axes + 2 || dtype !== 'float32')
    throw new ShapeError(op, `wants float32 [N, C${', size'.repeat(axes)}], got ${dtype} ${formatShape(shape)}`);
  return shape.slice(2);
}
