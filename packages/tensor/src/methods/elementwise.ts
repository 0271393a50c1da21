import { apply } from '../apply.ts';
import { type Scalar, scalar } from '../constant.ts';
import type { DType } from '../dtype.ts';
import { ShapeError } from '../errors.ts';
import type { Tensor } from '../tensor.ts';

/** Arithmetic, comparisons and functions, element by element; operands broadcast as in NumPy. */
export abstract class ElementwiseMethods {
  add(this: Tensor, other: Scalar): Tensor {
    return apply('add', [this, operand(this, other)], {});
  }
  sub(this: Tensor, other: Scalar): Tensor {
    return apply('sub', [this, operand(this, other)], {});
  }
  mul(this: Tensor, other: Scalar): Tensor {
    return apply('mul', [this, operand(this, other)], {});
  }
  /** The quotient; of integers too it is float32. */
  div(this: Tensor, other: Scalar): Tensor {
    if (this.dtype === 'float32') return apply('div', [this, operand(this, other)], {});
    return this.cast('float32').div(typeof other === 'number' ? other : other.cast('float32'));
  }
  /** The quotient, rounded down. */
  floorDiv(this: Tensor, other: Scalar): Tensor {
    if (this.dtype === 'float32') return this.div(other).floor();
    const divisor = operand(this, other);
    return apply('div', [this.sub(this.mod(divisor)), divisor], {});
  }
  /** The remainder of `floorDiv`: it has the sign of the divisor. */
  mod(this: Tensor, other: Scalar): Tensor {
    if (this.dtype === 'float32') return this.sub(this.floorDiv(other).mul(other));
    return apply('mod', [this, operand(this, other)], {});
  }
  maximum(this: Tensor, other: Scalar): Tensor {
    return apply('maximum', [this, operand(this, other)], {});
  }
  minimum(this: Tensor, other: Scalar): Tensor {
    return apply('minimum', [this, operand(this, other)], {});
  }
  /** this^exponent. */
  pow(this: Tensor, exponent: Scalar): Tensor {
    return typeof exponent === 'number' ? apply('pow', [this], { exponent }) : apply('power', [this, exponent], {});
  }
  square(this: Tensor): Tensor {
    return this.mul(this);
  }

  /** Comparisons give bool; their gradient is none. */
  equal(this: Tensor, other: Scalar): Tensor {
    return apply('equal', [this, operand(this, other)], {});
  }
  notEqual(this: Tensor, other: Scalar): Tensor {
    return this.equal(other).not();
  }
  less(this: Tensor, other: Scalar): Tensor {
    return apply('less', [this, operand(this, other)], {});
  }
  lessEqual(this: Tensor, other: Scalar): Tensor {
    return apply('lessEqual', [this, operand(this, other)], {});
  }
  greater(this: Tensor, other: Scalar): Tensor {
    return apply('greater', [this, operand(this, other)], {});
  }
  greaterEqual(this: Tensor, other: Scalar): Tensor {
    return apply('greaterEqual', [this, operand(this, other)], {});
  }
  isNaN(this: Tensor): Tensor {
    return apply('isNaN', [this], {});
  }
  /** False for NaN and both infinities. */
  isFinite(this: Tensor): Tensor {
    return this.abs().less(Number.POSITIVE_INFINITY);
  }
  /** Of bools; of integers, bit by bit. So are `or` and `xor`. */
  and(this: Tensor, other: Tensor): Tensor {
    return apply('and', [this, other], {});
  }
  or(this: Tensor, other: Tensor): Tensor {
    return apply('or', [this, other], {});
  }
  xor(this: Tensor, other: Tensor): Tensor {
    return apply('xor', [this, other], {});
  }
  not(this: Tensor): Tensor {
    return apply('not', [this], {});
  }
  /** Where this (bool) holds, `a`, else `b`; all three broadcast. */
  where(this: Tensor, a: Scalar, b: Scalar): Tensor {
    if (typeof a !== 'number') return apply('where', [this, a, operand(a, b)], {});
    return typeof b === 'number'
      ? apply('where', [this, scalar(a), scalar(b)], {})
      : apply('where', [this, operand(b, a), b], {});
  }
  /** `value` where the mask (bool) holds. */
  maskedFill(this: Tensor, mask: Tensor, value: number | boolean): Tensor {
    return mask.where(scalar(Number(value), this.dtype), this);
  }

  neg(this: Tensor): Tensor {
    return apply('neg', [this], {});
  }
  abs(this: Tensor): Tensor {
    return apply('abs', [this], {});
  }
  /** −1, 0 or 1. */
  sign(this: Tensor): Tensor {
    return apply('sign', [this], {});
  }
  floor(this: Tensor): Tensor {
    return apply('floor', [this], {});
  }
  ceil(this: Tensor): Tensor {
    return apply('ceil', [this], {});
  }
  /** To the nearest integer, ties to even. */
  round(this: Tensor): Tensor {
    return apply('round', [this], {});
  }
  /** Limits to min ≤ x ≤ max; either may be left out. */
  clip(this: Tensor, min: number = Number.NEGATIVE_INFINITY, max: number = Number.POSITIVE_INFINITY): Tensor {
    return apply('clip', [this], { min, max });
  }
  exp(this: Tensor): Tensor {
    return apply('exp', [this], {});
  }
  /** eˣ − 1, exact for small x. */
  expm1(this: Tensor): Tensor {
    return apply('expm1', [this], {});
  }
  log(this: Tensor): Tensor {
    return apply('log', [this], {});
  }
  /** log(1 + x), exact for small x. */
  log1p(this: Tensor): Tensor {
    return apply('log1p', [this], {});
  }
  sqrt(this: Tensor): Tensor {
    return apply('sqrt', [this], {});
  }
  /** 1/√x. */
  rsqrt(this: Tensor): Tensor {
    return apply('rsqrt', [this], {});
  }
  reciprocal(this: Tensor): Tensor {
    return apply('reciprocal', [this], {});
  }
  sin(this: Tensor): Tensor {
    return apply('sin', [this], {});
  }
  cos(this: Tensor): Tensor {
    return apply('cos', [this], {});
  }
  tan(this: Tensor): Tensor {
    return apply('tan', [this], {});
  }
  erf(this: Tensor): Tensor {
    return apply('erf', [this], {});
  }
  /** Another element type. float16 is for storage alone: arithmetic wants it cast back. */
  cast(this: Tensor, dtype: DType): Tensor {
    return dtype === this.dtype ? this : apply('cast', [this], { dtype });
  }
}

/** The other operand; a number becomes a constant of x's element type. */
export function operand(x: Tensor, value: Scalar): Tensor {
  if (typeof value !== 'number') return value;
  if (x.dtype !== 'float32' && x.dtype !== 'bool' && !Number.isInteger(value))
    throw new ShapeError('scalar', `${value} is no ${x.dtype}; cast the tensor to float32 first`);
  return scalar(value, x.dtype === 'bool' || x.dtype === 'float16' ? 'float32' : x.dtype);
}
