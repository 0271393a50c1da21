import { constant } from './constant.ts';
import type { Dim, Shape } from './dim.ts';
import type { DType } from './dtype.ts';
import { ShapeError } from './errors.ts';
import { full, iota } from './ops/layout.ts';
import { type Random, seeded } from './random.ts';
import type { Tensor } from './tensor.ts';

export function zeros(shape: Shape, dtype: DType = 'float32'): Tensor {
  return full(shape, 0, dtype);
}

export function ones(shape: Shape, dtype: DType = 'float32'): Tensor {
  return full(shape, 1, dtype);
}

/** 0, 1, …, length − 1, as int64; the length may be symbolic. */
export function arange(length: Dim): Tensor;
/** start, start + step, … before `end`; int64 where all are integers, else float32. */
export function arange(start: number, end: number, step?: number): Tensor;
export function arange(start: Dim, end?: number, step = 1): Tensor {
  if (typeof start !== 'number') return iota(start);
  const [from, to] = end === undefined ? [0, start] : [start, end];
  const length = Math.ceil((to - from) / step);
  if (!Number.isFinite(length) || length < 0)
    throw new ShapeError('arange', `${to} is not reached from ${from} by steps of ${step}`);
  const values = Array.from({ length }, (_, i) => from + i * step);
  return constant(values, [length], [from, to, step].every(Number.isInteger) ? 'int64' : 'float32');
}

/** `count` numbers from `start` to `end`, both among them, at equal distances. */
export function linspace(start: number, end: number, count: number): Tensor {
  if (!Number.isInteger(count) || count < 1)
    throw new ShapeError('linspace', `the count must be an integer of 1 or more, got ${count}`);
  const step = count === 1 ? 0 : (end - start) / (count - 1);
  const values = Array.from({ length: count }, (_, i) => (i === count - 1 && i > 0 ? end : start + i * step));
  return constant(values, [count]);
}

/** Uniform in [0, 1). The same seed gives the same values; pass one `seeded()` source to several calls for different ones. */
export function rand(shape: readonly number[], random: number | Random = 0): Tensor {
  const source = typeof random === 'number' ? seeded(random) : random;
  return drawn(shape, () => (source.nextUint32() >>> 8) / 2 ** 24);
}

/** Normal with mean 0 and deviation 1 (Box-Muller). As for `rand`, the same seed gives the same values. */
export function randn(shape: readonly number[], random: number | Random = 0): Tensor {
  const source = typeof random === 'number' ? seeded(random) : random;
  return drawn(shape, () => {
    const radius = Math.sqrt(-2 * Math.log(1 - source.nextFloat()));
    return radius * Math.cos(2 * Math.PI * source.nextFloat());
  });
}

/** Integers low ≤ i < high, int64. As for `rand`, the same seed gives the same values. */
export function randint(low: number, high: number, shape: readonly number[], random: number | Random = 0): Tensor {
  if (!Number.isSafeInteger(low) || !Number.isSafeInteger(high) || high <= low)
    throw new ShapeError('randint', `there is no integer from ${low} to below ${high}`);
  const source = typeof random === 'number' ? seeded(random) : random;
  return drawn(shape, () => low + Math.floor(source.nextFloat() * (high - low)), 'int64');
}

function drawn(shape: readonly number[], next: () => number, dtype?: DType): Tensor {
  const length = shape.reduce((a, b) => a * b, 1);
  return constant(Array.from({ length }, next), shape, dtype);
}
