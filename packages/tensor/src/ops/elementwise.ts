import { broadcastShapes, formatShape, type Shape } from '../dim.ts';
import { type DType, onnxType } from '../dtype.ts';
import { ShapeError } from '../errors.ts';
import { apply, type Tensor } from '../tensor.ts';
import { sumTo } from './broadcast.ts';
import type { GradientArgs, None, PrimitiveRule, Rules, TensorType } from './rule.ts';

export interface ElementwiseOps {
  add: None;
  sub: None;
  mul: None;
  div: None;
  maximum: None;
  minimum: None;
  pow: { exponent: number };
  equal: None;
  less: None;
  greater: None;
  where: None;
  not: None;
  neg: None;
  exp: None;
  log: None;
  sqrt: None;
  abs: None;
  erf: None;
  relu: None;
  step: None;
  sign: None;
  sigmoid: None;
  tanh: None;
  gelu: None;
  cast: { dtype: DType };
}

function broadcast(op: string, inputs: readonly TensorType[], dtype?: DType): TensorType[] {
  const shape = inputs
    .map((t) => t.shape)
    .reduce((a: Shape, b) => {
      const both = broadcastShapes(a, b);
      if (!both)
        throw new ShapeError(op, `shapes ${inputs.map((t) => formatShape(t.shape)).join(' and ')} do not broadcast`);
      return both;
    });
  return [{ dtype: dtype ?? inputs[0]!.dtype, shape }];
}

function sameType(op: string, inputs: readonly TensorType[]): void {
  const [a, b] = inputs;
  if (a!.dtype !== b!.dtype)
    throw new ShapeError(op, `element types differ: ${a!.dtype} and ${b!.dtype}; cast one of them`);
}

/** A broadcasting operation of two tensors; `partials` gives the gradient before the broadcast axes are summed. */
function binary(
  op: string,
  onnx: string,
  partials: (a: Tensor, b: Tensor, g: Tensor, y: Tensor) => [() => Tensor, () => Tensor],
): PrimitiveRule<None> {
  return {
    shape: (inputs) => {
      sameType(op, inputs);
      return broadcast(op, inputs);
    },
    gradient: ({ inputs: [a, b], outputs: [y], grads: [g], wanted }) => {
      const [da, db] = partials(a!, b!, g!, y!);
      return [wanted[0] ? sumTo(da(), a!.shape) : null, wanted[1] ? sumTo(db(), b!.shape) : null];
    },
    lower: (g, { names }) => [g.op(onnx, names)],
  };
}

function comparison(op: string, onnx: string): PrimitiveRule<None> {
  return {
    shape: (inputs) => {
      sameType(op, inputs);
      return broadcast(op, inputs, 'bool');
    },
    gradient: 'none',
    lower: (g, { names }) => [g.op(onnx, names)],
  };
}

/** An operation of one float tensor; `partial` gets x, y = op(x) and the gradient of y. */
function unary(
  op: string,
  onnx: string,
  partial: ((x: Tensor, y: Tensor, g: Tensor) => Tensor) | 'none',
): PrimitiveRule<None> {
  return {
    shape: ([x]) => {
      if (x!.dtype === 'bool') throw new ShapeError(op, 'got bool; cast it to float32 first');
      return [x!];
    },
    gradient:
      partial === 'none'
        ? 'none'
        : ({ inputs, outputs, grads }: GradientArgs<None>) => [partial(inputs[0]!, outputs[0]!, grads[0]!)],
    lower: (g, { names }) => [g.op(onnx, names)],
  };
}

/** 1 where x > 0, else 0: a mask that is cheaper than a comparison and a cast. */
const step = (x: Tensor): Tensor => apply('step', [x], {});
const sign = (x: Tensor): Tensor => apply('sign', [x], {});

export const elementwise: Rules<ElementwiseOps> = {
  add: binary('add', 'Add', (_a, _b, g) => [() => g, () => g]),
  sub: binary('sub', 'Sub', (_a, _b, g) => [() => g, () => g.neg()]),
  mul: binary('mul', 'Mul', (a, b, g) => [() => g.mul(b), () => g.mul(a)]),
  div: binary('div', 'Div', (_a, b, g, y) => [() => g.div(b), () => g.mul(y).div(b).neg()]),
  // Ties give half to each, as in PyTorch.
  maximum: binary('maximum', 'Max', (a, b, g) => {
    const half = g.mul(0.5);
    return [() => half.mul(sign(a.sub(b)).add(1)), () => half.mul(sign(b.sub(a)).add(1))];
  }),
  minimum: binary('minimum', 'Min', (a, b, g) => {
    const half = g.mul(0.5);
    return [() => half.mul(sign(b.sub(a)).add(1)), () => half.mul(sign(a.sub(b)).add(1))];
  }),
  pow: {
    shape: ([x]) => [x!],
    gradient: ({ inputs: [x], attrs: { exponent }, grads: [g] }) => [g!.mul(x!.pow(exponent - 1).mul(exponent))],
    lower: (g, { names, attrs }) => [g.op('Pow', [...names, g.float(attrs.exponent)])],
  },
  equal: comparison('equal', 'Equal'),
  less: comparison('less', 'Less'),
  greater: comparison('greater', 'Greater'),
  where: {
    shape: (inputs) => {
      if (inputs[0]!.dtype !== 'bool')
        throw new ShapeError('where', `the condition must be bool, got ${inputs[0]!.dtype}`);
      sameType('where', inputs.slice(1));
      return broadcast('where', inputs, inputs[1]!.dtype);
    },
    gradient: ({ inputs: [condition, a, b], grads: [g], wanted }) => {
      const mask = condition!.cast('float32');
      return [
        null,
        wanted[1] ? sumTo(g!.mul(mask), a!.shape) : null,
        wanted[2] ? sumTo(g!.mul(mask.neg().add(1)), b!.shape) : null,
      ];
    },
    lower: (g, { names }) => [g.op('Where', names)],
  },
  not: {
    shape: ([x]) => {
      if (x!.dtype !== 'bool') throw new ShapeError('not', `wants bool, got ${x!.dtype}`);
      return [x!];
    },
    gradient: 'none',
    lower: (g, { names }) => [g.op('Not', names)],
  },
  neg: unary('neg', 'Neg', (_x, _y, g) => g.neg()),
  exp: unary('exp', 'Exp', (_x, y, g) => g.mul(y)),
  log: unary('log', 'Log', (x, _y, g) => g.div(x)),
  sqrt: unary('sqrt', 'Sqrt', (_x, y, g) => g.div(y.mul(2))),
  abs: unary('abs', 'Abs', (x, _y, g) => g.mul(sign(x))),
  erf: unary('erf', 'Erf', (x, _y, g) =>
    g.mul(
      x
        .mul(x)
        .neg()
        .exp()
        .mul(2 / Math.sqrt(Math.PI)),
    ),
  ),
  relu: unary('relu', 'Relu', (x, _y, g) => g.mul(step(x))),
  step: {
    ...unary('step', 'HardSigmoid', 'none'),
    lower: (g, { names }) => [g.op('HardSigmoid', names, { alpha: { float: 1e30 }, beta: { float: 0 } })],
  },
  sign: unary('sign', 'Sign', 'none'),
  sigmoid: unary('sigmoid', 'Sigmoid', (_x, y, g) => g.mul(y.sub(y.mul(y)))),
  tanh: unary('tanh', 'Tanh', (_x, y, g) => g.sub(g.mul(y.mul(y)))),
  gelu: {
    shape: ([x]) => [x!],
    gradient: ({ inputs: [x], grads: [g] }) => {
      const cdf = x!.mul(Math.SQRT1_2).erf().add(1).mul(0.5);
      const density = x!
        .mul(x!)
        .mul(-0.5)
        .exp()
        .mul(1 / Math.sqrt(2 * Math.PI));
      return [g!.mul(cdf.add(x!.mul(density)))];
    },
    lower: (g, { names }) => [g.op('Gelu', names, {}, 'com.microsoft')],
  },
  cast: {
    shape: ([x], { dtype }) => [{ dtype, shape: x!.shape }],
    gradient: ({ inputs: [x], attrs, grads: [g] }) => [
      x!.dtype === 'float32' && attrs.dtype === 'float32' ? g! : null, // other types carry no gradient
    ],
    lower: (g, { names, attrs }) => [g.op('Cast', names, { to: onnxType(attrs.dtype) })],
  },
};
