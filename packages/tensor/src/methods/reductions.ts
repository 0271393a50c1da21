import { apply, applyAll, normalizeAxes, normalizeAxis } from '../apply.ts';
import type { Dim } from '../dim.ts';
import { ShapeError } from '../errors.ts';
import type { Tensor } from '../tensor.ts';
import { ActivationMethods } from './activations.ts';

export interface ReduceOptions {
  /** Leaves the reduced axes in the shape, with size 1. Default false. */
  readonly keepDims?: boolean;
}

export interface VarianceOptions extends ReduceOptions {
  /** What is taken from the count of elements. Default 1 (Bessel's); 0 is the population's variance. */
  readonly correction?: number;
}

type AxesOption = number | readonly number[] | undefined;

/** Over axes (all by default), and what goes along one. */
export abstract class ReductionMethods extends ActivationMethods {
  /** Bools are counted, as int64. Integers keep their type, in `prod` and `cumsum` too (PyTorch makes int64 of int32). */
  sum(this: Tensor, axes?: AxesOption, { keepDims = false }: ReduceOptions = {}): Tensor {
    const x = this.dtype === 'bool' ? this.cast('int64') : this;
    return apply('sum', [x], { axes: normalizeAxes('sum', axes, this.rank), keepDims });
  }
  mean(this: Tensor, axes?: AxesOption, { keepDims = false }: ReduceOptions = {}): Tensor {
    return apply('mean', [this], { axes: normalizeAxes('mean', axes, this.rank), keepDims });
  }
  /** The largest along axes; its gradient is shared by ties. */
  max(this: Tensor, axes?: AxesOption, { keepDims = false }: ReduceOptions = {}): Tensor {
    return apply('max', [this], { axes: normalizeAxes('max', axes, this.rank), keepDims });
  }
  /** The smallest along axes; its gradient is shared by ties. */
  min(this: Tensor, axes?: AxesOption, { keepDims = false }: ReduceOptions = {}): Tensor {
    return apply('min', [this], { axes: normalizeAxes('min', axes, this.rank), keepDims });
  }
  prod(this: Tensor, axes?: AxesOption, { keepDims = false }: ReduceOptions = {}): Tensor {
    return apply('prod', [this], { axes: normalizeAxes('prod', axes, this.rank), keepDims });
  }
  /** The variance, from the deviations of the mean: large means cost no digits. */
  var(this: Tensor, axes?: AxesOption, { keepDims = false, correction = 1 }: VarianceOptions = {}): Tensor {
    return apply('variance', [this], { axes: normalizeAxes('var', axes, this.rank), keepDims, correction });
  }
  /** The standard deviation; its gradient is 0 where it is 0. */
  std(this: Tensor, axes?: AxesOption, options: VarianceOptions = {}): Tensor {
    return root(this.var(normalizeAxes('std', axes, this.rank), options), 0.5);
  }
  /** log(sum(exp(x))) without overflow. */
  logSumExp(this: Tensor, axes?: AxesOption, { keepDims = false }: ReduceOptions = {}): Tensor {
    return apply('logSumExp', [this], { axes: normalizeAxes('logSumExp', axes, this.rank), keepDims });
  }
  /** The p-norm: 1, 2, another positive number, or Infinity. Its gradient at 0 is 0. */
  norm(this: Tensor, p = 2, axes?: AxesOption, options: ReduceOptions = {}): Tensor {
    if (!(p > 0)) throw new ShapeError('norm', `p must be positive, got ${p}`);
    normalizeAxes('norm', axes, this.rank);
    if (p === Number.POSITIVE_INFINITY) return this.abs().max(axes, options);
    if (p === 1) return this.abs().sum(axes, options);
    if (p === 2) return root(this.square().sum(axes, options), 0.5);
    return root(root(this.abs(), p).sum(axes, options), 1 / p);
  }
  /** True where any element is not zero (or true). */
  any(this: Tensor, axes?: AxesOption, options: ReduceOptions = {}): Tensor {
    return truth(this)
      .max(normalizeAxes('any', axes, this.rank), options)
      .greater(0); // the largest of nothing lies below 0
  }
  /** True where every element is not zero (or true). */
  all(this: Tensor, axes?: AxesOption, options: ReduceOptions = {}): Tensor {
    return truth(this)
      .min(normalizeAxes('all', axes, this.rank), options)
      .cast('bool');
  }
  /** The position of the largest value along an axis, int64; the first of ties. */
  argmax(this: Tensor, axis = -1, { keepDims = false }: ReduceOptions = {}): Tensor {
    return apply('argmax', [this], { axis: normalizeAxis('argmax', axis, this.rank), keepDims });
  }
  /** The position of the smallest value along an axis, int64; the first of ties. */
  argmin(this: Tensor, axis = -1, { keepDims = false }: ReduceOptions = {}): Tensor {
    return apply('argmin', [this], { axis: normalizeAxis('argmin', axis, this.rank), keepDims });
  }
  softmax(this: Tensor, axis = -1): Tensor {
    return apply('softmax', [this], { axis: normalizeAxis('softmax', axis, this.rank) });
  }
  logSoftmax(this: Tensor, axis = -1): Tensor {
    return apply('logSoftmax', [this], { axis: normalizeAxis('logSoftmax', axis, this.rank) });
  }

  /** Running sums along an axis; `exclusive` without the element itself, `reverse` from the end. */
  cumsum(
    this: Tensor,
    axis: number,
    { exclusive = false, reverse = false }: { exclusive?: boolean; reverse?: boolean } = {},
  ): Tensor {
    return apply('cumsum', [this], { axis: normalizeAxis('cumsum', axis, this.rank), exclusive, reverse });
  }
  /** The k largest (or smallest) along an axis, in order, and their positions (int64). */
  topk(this: Tensor, k: Dim, axis = -1, { largest = true }: { largest?: boolean } = {}): Sorted {
    const [values, indices] = applyAll('topk', [this], { k, axis: normalizeAxis('topk', axis, this.rank), largest });
    return { values: values!, indices: indices! };
  }
  /** All along an axis, in rising order, and their positions (int64). Equal values keep their order. */
  sort(this: Tensor, axis = -1, { descending = false }: { descending?: boolean } = {}): Sorted {
    const at = normalizeAxis('sort', axis, this.rank);
    return this.topk(this.dim(at), at, { largest: descending });
  }
  /** The positions that sort an axis, int64. */
  argsort(this: Tensor, axis = -1, options: { descending?: boolean } = {}): Tensor {
    return this.sort(normalizeAxis('argsort', axis, this.rank), options).indices;
  }
}

export interface Sorted {
  readonly values: Tensor;
  readonly indices: Tensor;
}

/** x^power for x ≥ 0, with the gradient 0 at 0. */
function root(x: Tensor, power: number): Tensor {
  const zero = x.equal(0);
  return zero.where(0, zero.where(1, x).pow(power));
}

const truth = (x: Tensor): Tensor => (x.dtype === 'bool' ? x : x.notEqual(0)).cast('int32');
