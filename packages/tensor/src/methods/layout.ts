import { apply, applyAll, normalizeAxis } from '../apply.ts';
import { type Dim, divDims, formatShape, mulDims, type Shape, sameShape, sizeOf } from '../dim.ts';
import { ShapeError } from '../errors.ts';
import { flip, type PadMode } from '../ops/arrange.ts';
import { concat, iota } from '../ops/layout.ts';
import { wantCount } from '../ops/wants.ts';
import type { Tensor } from '../tensor.ts';
import { ReductionMethods } from './reductions.ts';

export interface PadOptions {
  /** 'constant' (default), 'reflect' (mirrored at the edge, which is not repeated) or 'edge' (the edge repeated). */
  readonly mode?: PadMode;
  /** What 'constant' adds. Default 0. */
  readonly value?: number;
}

/** Other shapes of the same elements. */
export abstract class LayoutMethods extends ReductionMethods {
  /** One size may be -1: it is computed from the others. */
  reshape(this: Tensor, shape: Shape): Tensor {
    return apply('reshape', [this], { shape });
  }
  /** Makes one axis of the axes from `start` to `end`. */
  flatten(this: Tensor, start = 0, end = -1): Tensor {
    if (this.rank === 0) return this.reshape([1]);
    const [from, to] = [normalizeAxis('flatten', start, this.rank), normalizeAxis('flatten', end, this.rank)];
    if (to < from)
      throw new ShapeError('flatten', `axis ${end} lies before axis ${start} in ${formatShape(this.shape)}`);
    return this.reshape([
      ...this.shape.slice(0, from),
      sizeOf(this.shape.slice(from, to + 1)),
      ...this.shape.slice(to + 1),
    ]);
  }
  /** Makes several axes of one; one of the sizes may be -1. */
  unflatten(this: Tensor, axis: number, sizes: Shape): Tensor {
    const at = normalizeAxis('unflatten', axis, this.rank);
    const known = sizes.reduce((a, b) => (b === -1 ? a : mulDims(a, b)), 1 as Dim);
    const rest = divDims(this.dim(at), known);
    const filled = sizes.map((size) => (size === -1 ? (rest ?? -1) : size));
    if (rest === undefined || (rest !== 1 && !sizes.includes(-1)) || sizes.indexOf(-1) !== sizes.lastIndexOf(-1))
      throw new ShapeError(
        'unflatten',
        `axis ${axis} of ${formatShape(this.shape)} does not divide into ${formatShape(sizes)}`,
      );
    return this.reshape([...this.shape.slice(0, at), ...filled, ...this.shape.slice(at + 1)]);
  }
  /** Swaps two axes. */
  transpose(this: Tensor, a: number, b: number): Tensor {
    const order = this.shape.map((_, i) => i);
    const [i, j] = [normalizeAxis('transpose', a, this.rank), normalizeAxis('transpose', b, this.rank)];
    order[i] = j;
    order[j] = i;
    return this.permute(order);
  }
  permute(this: Tensor, order: readonly number[]): Tensor {
    return apply('permute', [this], { order });
  }
  /** Moves an axis to another place; the others keep their order. */
  moveAxis(this: Tensor, source: number, destination: number): Tensor {
    const order = this.shape.map((_, i) => i);
    const [axis] = order.splice(normalizeAxis('moveAxis', source, this.rank), 1);
    order.splice(normalizeAxis('moveAxis', destination, this.rank), 0, axis!);
    return this.permute(order);
  }
  /** Repeats axes of size 1 (broadcasting) to the given shape. */
  expand(this: Tensor, shape: Shape): Tensor {
    return sameShape(shape, this.shape) ? this : apply('expand', [this], { shape });
  }
  /** Inserts an axis of size 1. */
  unsqueeze(this: Tensor, axis: number): Tensor {
    const at = normalizeAxis('unsqueeze', axis, this.rank + 1);
    return this.reshape([...this.shape.slice(0, at), 1, ...this.shape.slice(at)]);
  }
  /** Removes an axis of size 1. */
  squeeze(this: Tensor, axis: number): Tensor {
    const at = normalizeAxis('squeeze', axis, this.rank);
    if (this.shape[at] !== 1)
      throw new ShapeError('squeeze', `axis ${axis} of ${formatShape(this.shape)} is not of size 1`);
    return this.reshape(this.shape.filter((_, i) => i !== at));
  }
  /**
   * `count` parts along an axis. Where the axis does not divide, the last part is smaller and there may be fewer parts, as in
   * PyTorch; a symbolic size must divide.
   */
  chunk(this: Tensor, count: number, axis = 0): Tensor[] {
    const at = normalizeAxis('chunk', axis, this.rank);
    wantCount('chunk', 'the number of parts', count);
    const size = this.dim(at);
    if (typeof size === 'number' && size % count !== 0) return this.split(Math.ceil(size / count), at);
    return applyAll('chunk', [this], { count, axis: at });
  }
  /** Parts of one size (the last may be smaller), or of the given sizes, along an axis. */
  split(this: Tensor, sizes: number | Shape, axis = 0): Tensor[] {
    const at = normalizeAxis('split', axis, this.rank);
    if (typeof sizes !== 'number') return applyAll('split', [this], { axis: at, sizes });
    wantCount('split', 'the size', sizes);
    const size = this.size(at);
    const parts = Array.from({ length: Math.max(1, Math.ceil(size / sizes)) }, (_, i) =>
      Math.min(sizes, size - i * sizes),
    );
    return applyAll('split', [this], { axis: at, sizes: parts });
  }
  /** The elements start ≤ i < end along an axis; negative positions count from the end. */
  slice(this: Tensor, axis: number, start: number, end?: number): Tensor {
    return apply('slice', [this], { axis: normalizeAxis('slice', axis, this.rank), start, end: end ?? null });
  }
  /** One position of an axis, which goes away. */
  select(this: Tensor, axis: number, index: number): Tensor {
    const at = normalizeAxis('select', axis, this.rank);
    const size = this.dim(at);
    if (!Number.isInteger(index) || (typeof size === 'number' && (index < -size || index >= size)))
      throw new ShapeError('select', `index ${index} is outside axis ${axis} of ${formatShape(this.shape)}`);
    return this.slice(at, index, index === -1 ? undefined : index + 1).squeeze(at);
  }

  /**
   * Adds elements around: pairs [before, after], one per axis; fewer pairs are for the last axes.
   * `x.pad([[1, 1], [2, 0]])` grows the last axis by 2 and the one before by 2.
   */
  pad(
    this: Tensor,
    pads: readonly (readonly [number, number])[],
    { mode = 'constant', value = 0 }: PadOptions = {},
  ): Tensor {
    const none = Array.from({ length: Math.max(0, this.rank - pads.length) }, () => [0, 0] as const);
    return apply('pad', [this], { pads: [...none, ...pads], mode, value });
  }
  /** Reverses axes; all by default. */
  flip(this: Tensor, axes?: number | readonly number[]): Tensor {
    return flip(this, axes);
  }
  /** Shifts along an axis; what leaves at the end comes in at the start. Without an axis, over all elements. */
  roll(this: Tensor, shift: number, axis?: number): Tensor {
    if (!Number.isInteger(shift)) throw new ShapeError('roll', `the shift must be an integer, got ${shift}`);
    if (axis === undefined) return this.flatten().roll(shift, 0).reshape(this.shape);
    const at = normalizeAxis('roll', axis, this.rank);
    const size = this.dim(at);
    if (typeof size !== 'number') {
      const count = apply('sizeOf', [], { shape: [size] }).maximum(1);
      return apply('gather', [this, iota(size).sub(shift).mod(count)], { axis: at });
    }
    const cut = size === 0 ? 0 : ((shift % size) + size) % size;
    if (cut === 0) return this;
    return concat([this.slice(at, -cut), this.slice(at, 0, -cut)], at);
  }
  /** Keeps the last two axes' lower triangle, up to a diagonal (above the main one where positive); the rest is 0. */
  tril(this: Tensor, diagonal = 0): Tensor {
    return apply('triangle', [this], { upper: false, diagonal });
  }
  /** Keeps the last two axes' upper triangle, from a diagonal on; the rest is 0. */
  triu(this: Tensor, diagonal = 0): Tensor {
    return apply('triangle', [this], { upper: true, diagonal });
  }
  /** Copies along every axis, so often as it says; more counts than axes add axes in front. */
  repeat(this: Tensor, counts: Shape): Tensor {
    return apply('repeat', [this], { counts });
  }
  /** Every element along an axis `count` times in a row. */
  repeatInterleave(this: Tensor, count: Dim, axis: number): Tensor {
    const at = normalizeAxis('repeatInterleave', axis, this.rank);
    wantCount('repeatInterleave', 'the count', count);
    const [before, after] = [this.shape.slice(0, at), this.shape.slice(at + 1)];
    const size = this.dim(at);
    return this.unsqueeze(at + 1)
      .expand([...before, size, count, ...after])
      .reshape([...before, mulDims(size, count), ...after]);
  }
}
