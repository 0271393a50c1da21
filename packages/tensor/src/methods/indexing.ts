import { apply, normalizeAxis } from '../apply.ts';
import type { Dim } from '../dim.ts';
import { formatShape } from '../dim.ts';
import type { DType } from '../dtype.ts';
import { ShapeError } from '../errors.ts';
import { iota } from '../ops/layout.ts';
import { wantCount, wantIndices } from '../ops/wants.ts';
import type { Tensor } from '../tensor.ts';
import { LayoutMethods } from './layout.ts';

export interface MatmulOptions {
  transposeA?: boolean;
  transposeB?: boolean;
}

/** Elements by index, and products. Indices are int32 or int64, negative ones count from the end; the run fails where one is out of range. */
export abstract class IndexingMethods extends LayoutMethods {
  /** Elements of an axis by indices of any shape, which takes its place: [V, …] gathered by [a, b] → [a, b, …]. */
  gather(this: Tensor, indices: Tensor, axis = 0): Tensor {
    return apply('gather', [this, indices], { axis: normalizeAxis('gather', axis, this.rank) });
  }
  /** As `gather`, by a list of indices. */
  indexSelect(this: Tensor, axis: number, indices: Tensor): Tensor {
    if (indices.rank !== 1)
      throw new ShapeError('indexSelect', `the indices must have one axis, got ${formatShape(indices.shape)}`);
    return apply('gather', [this, indices], { axis: normalizeAxis('indexSelect', axis, this.rank) });
  }
  /** `torch.gather`: for axis 0, out[i][j] = this[indices[i][j]][j]. */
  gatherAlong(this: Tensor, axis: number, indices: Tensor): Tensor {
    return apply('gatherAlong', [this, indices], { axis: normalizeAxis('gatherAlong', axis, this.rank) });
  }
  /** `torch.scatter_add`: for axis 0, adds source[i][j] to this[indices[i][j]][j]; indices may repeat. */
  scatterAdd(this: Tensor, axis: number, indices: Tensor, source: Tensor): Tensor {
    return apply('scatterAdd', [this, indices, source], { axis: normalizeAxis('scatterAdd', axis, this.rank) });
  }
  /** Indices [...] → [..., classes]: 1 at the index, else 0; no 1 where it is outside the classes. */
  oneHot(this: Tensor, classes: Dim, dtype: DType = 'float32'): Tensor {
    wantIndices('oneHot', this);
    wantCount('oneHot', 'the number of classes', classes);
    return this.cast('int64').unsqueeze(-1).equal(iota(classes)).cast(dtype);
  }

  /** Matrix product of the last two axes; the others broadcast. */
  matmul(this: Tensor, other: Tensor, { transposeA = false, transposeB = false }: MatmulOptions = {}): Tensor {
    return apply('matmul', [this, other], { transposeA, transposeB });
  }
  /** The sum of products of two lists, [N]·[N] → []. */
  dot(this: Tensor, other: Tensor): Tensor {
    wantVectors('dot', this, other);
    if (`${this.dim(0)}` !== `${other.dim(0)}`)
      throw new ShapeError('dot', `lengths ${this.dim(0)} and ${other.dim(0)} differ`);
    return this.mul(other).sum();
  }
  /** All products of two lists, [N] and [M] → [N, M]. */
  outer(this: Tensor, other: Tensor): Tensor {
    wantVectors('outer', this, other);
    return this.unsqueeze(1).mul(other);
  }
}

function wantVectors(op: string, a: Tensor, b: Tensor): void {
  if (a.rank !== 1 || b.rank !== 1)
    throw new ShapeError(op, `wants one axis each, got ${formatShape(a.shape)} and ${formatShape(b.shape)}`);
}
