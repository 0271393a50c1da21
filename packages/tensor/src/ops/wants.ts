import { type Dim, formatShape } from '../dim.ts';
import type { DType } from '../dtype.ts';
import { ShapeError } from '../errors.ts';
import type { TensorType } from './rule.ts';

export const FLOATS: readonly DType[] = ['float32'];
export const NUMBERS: readonly DType[] = ['float32', 'int32', 'int64'];
export const INDICES: readonly DType[] = ['int32', 'int64'];

/** @throws ShapeError where the element type is none of those. */
export function wantType(op: string, x: TensorType, allowed: readonly DType[]): void {
  if (allowed.includes(x.dtype)) return;
  const list = allowed.length === 1 ? allowed[0] : `${allowed.slice(0, -1).join(', ')} or ${allowed.at(-1)}`;
  throw new ShapeError(op, `wants ${list}, got ${x.dtype}; cast it to ${allowed[0]} first`);
}

export function wantSameType(op: string, [a, b]: readonly TensorType[]): void {
  if (a!.dtype !== b!.dtype)
    throw new ShapeError(op, `element types differ: ${a!.dtype} and ${b!.dtype}; cast one of them`);
}

export function wantIndices(op: string, indices: TensorType): void {
  if (!INDICES.includes(indices.dtype))
    throw new ShapeError(op, `indices must be int32 or int64, got ${indices.dtype}`);
}

/** A count of elements, one or more where it is known. */
export function wantCount(op: string, what: string, value: Dim, least = 1): void {
  if (typeof value === 'number' && !(Number.isInteger(value) && value >= least))
    throw new ShapeError(op, `${what} must be an integer of ${least} or more, got ${value}`);
}

export const described = ({ dtype, shape }: TensorType): string => `${dtype} ${formatShape(shape)}`;
