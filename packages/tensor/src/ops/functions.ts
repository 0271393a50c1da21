import type { DType } from '../dtype.ts';
import type { Lowering } from '../lowering/lowering.ts';
import type { Tensor } from '../tensor.ts';
import type { GradientArgs, None, PrimitiveRule, Rules } from './rule.ts';
import { FLOATS, NUMBERS, wantType } from './wants.ts';

/** Functions of one number. */
export interface FunctionOps {
  neg: None;
  exp: None;
  expm1: None;
  log: None;
  log1p: None;
  sqrt: None;
  rsqrt: None;
  reciprocal: None;
  pow: { exponent: number };
  abs: None;
  sign: None;
  /** 1 where x > 0 (or, `below`, where x < 0), else 0: a mask that is cheaper than a comparison and a cast. */
  step: { below?: boolean };
  floor: None;
  ceil: None;
  /** To the nearest integer, ties to even. */
  round: None;
  sin: None;
  cos: None;
  tan: None;
  erf: None;
  isNaN: None;
  not: None;
}

type Partial = ((x: Tensor, y: Tensor, g: Tensor) => Tensor) | 'none';
type Lower = string | ((g: Lowering, x: string) => string);

/** `partial` gets x, y = op(x) and the gradient of y; `lower` is an ONNX operation or writes several. */
export function unary(
  op: string,
  lower: Lower,
  partial: Partial,
  types: readonly DType[] = FLOATS,
): PrimitiveRule<None> {
  return {
    shape: ([x]) => {
      wantType(op, x!, types);
      return [x!];
    },
    gradient:
      partial === 'none'
        ? 'none'
        : ({ inputs, outputs, grads }: GradientArgs<None>) => [partial(inputs[0]!, outputs[0]!, grads[0]!)],
    lower: (g, { names }) => [typeof lower === 'string' ? g.op(lower, names) : lower(g, names[0]!)],
  };
}

/** log(1 + x) = x · log(u) / (u − 1) for u = 1 + x as rounded (Kahan): exact to the last bits for small x. */
function log1p(g: Lowering, x: string): string {
  const one = g.float(1);
  const u = g.op('Add', [x, one]);
  const rest = g.op('Min', [g.op('Sub', [u, one]), g.float(3e38)]); // finite, for the infinite
  const value = g.op('Mul', [g.op('Log', [u]), g.op('Div', [x, rest])]);
  return g.op('Where', [g.op('Equal', [rest, g.float(0)]), x, value]);
}

/** eˣ − 1 = tanh(x/2) · (eˣ + 1): nothing cancels. */
function expm1(g: Lowering, x: string): string {
  const half = g.op('Tanh', [g.op('Mul', [x, g.float(0.5)])]);
  return g.op('Mul', [half, g.op('Add', [g.op('Exp', [x]), g.float(1)])]);
}

export const functions: Rules<FunctionOps> = {
  neg: unary('neg', 'Neg', (_x, _y, g) => g.neg(), NUMBERS),
  exp: unary('exp', 'Exp', (_x, y, g) => g.mul(y)),
  expm1: unary('expm1', expm1, (_x, y, g) => g.mul(y.add(1))),
  log: unary('log', 'Log', (x, _y, g) => g.div(x)),
  log1p: unary('log1p', log1p, (x, _y, g) => g.div(x.add(1))),
  sqrt: unary('sqrt', 'Sqrt', (_x, y, g) => g.div(y.mul(2))),
  rsqrt: unary(
    'rsqrt',
    (g, x) => g.op('Reciprocal', [g.op('Sqrt', [x])]),
    (_x, y, g) => g.mul(y.mul(y).mul(y).mul(-0.5)),
  ),
  reciprocal: unary('reciprocal', 'Reciprocal', (_x, y, g) => g.mul(y.mul(y)).neg()),
  pow: {
    shape: ([x], { exponent }) => {
      wantType('pow', x!, x!.dtype !== 'float32' && Number.isInteger(exponent) && exponent >= 0 ? NUMBERS : FLOATS);
      return [x!];
    },
    gradient: ({ inputs: [x], attrs: { exponent: k }, grads: [g] }) => {
      if (k === 0) return [null];
      return [k === 1 ? g! : g!.mul(k === 2 ? x!.mul(2) : x!.pow(k - 1).mul(k))];
    },
    // The runtime's Pow is slow but for exponents 2 and 3.
    lower: (g, { names: [x], attrs: { exponent }, outputs: [y] }) => {
      if (exponent === 1) return [g.op('Identity', [x!])];
      if (exponent === 2) return [g.op('Mul', [x!, x!])];
      if (exponent === -1) return [g.op('Reciprocal', [x!])];
      if (exponent === 0.5) return [g.op('Sqrt', [x!])];
      return [g.op('Pow', [x!, g.scalar(exponent, y!.dtype)])];
    },
  },
  abs: unary('abs', 'Abs', (x, _y, g) => g.mul(x.sign()), NUMBERS),
  sign: unary('sign', 'Sign', 'none', NUMBERS),
  step: {
    shape: ([x]) => {
      wantType('step', x!, FLOATS);
      return [x!];
    },
    gradient: 'none',
    lower: (g, { names, attrs: { below = false } }) => [
      g.op('HardSigmoid', names, { alpha: { float: below ? -1e30 : 1e30 }, beta: { float: 0 } }),
    ],
  },
  floor: unary('floor', 'Floor', 'none'),
  ceil: unary('ceil', 'Ceil', 'none'),
  round: unary('round', 'Round', 'none'),
  sin: unary('sin', 'Sin', (x, _y, g) => g.mul(x.cos())),
  cos: unary('cos', 'Cos', (x, _y, g) => g.mul(x.sin()).neg()),
  tan: unary('tan', 'Tan', (_x, y, g) => g.mul(y.mul(y).add(1))),
  erf: unary('erf', 'Erf', (x, _y, g) =>
    g.mul(
      x
        .mul(x)
        .neg()
        .exp()
        .mul(2 / Math.sqrt(Math.PI)),
    ),
  ),
  isNaN: {
    shape: ([x]) => {
      wantType('isNaN', x!, FLOATS);
      return [{ dtype: 'bool', shape: x!.shape }];
    },
    gradient: 'none',
    lower: (g, { names }) => [g.op('IsNaN', names)],
  },
  not: unary('not', 'Not', 'none', ['bool']),
};
