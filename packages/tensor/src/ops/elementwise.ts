import { apply } from '../apply.ts';
import { broadcastShapes, formatShape, type Shape, sizeOf } from '../dim.ts';
import { type DType, onnxType } from '../dtype.ts';
import { ShapeError } from '../errors.ts';
import type { Lowering } from '../lowering/lowering.ts';
import type { Tensor } from '../tensor.ts';
import { sumTo } from './broadcast.ts';
import type { LowerArgs, None, PrimitiveRule, Rules, TensorType } from './rule.ts';
import { INDICES, NUMBERS, wantSameType, wantType } from './wants.ts';

/** Operations that broadcast their operands. */
export interface ElementwiseOps {
  add: None;
  sub: None;
  mul: None;
  /** Integers: only where the quotient is whole. */
  div: None;
  /** Integers: the remainder, with the sign of the divisor. */
  mod: None;
  maximum: None;
  minimum: None;
  /** a^b. */
  power: None;
  equal: None;
  less: None;
  greater: None;
  lessEqual: None;
  greaterEqual: None;
  /** Of bools; of integers, bit by bit. */
  and: None;
  or: None;
  xor: None;
  where: None;
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

type Partials = (a: Tensor, b: Tensor, g: Tensor, y: Tensor) => [() => Tensor, () => Tensor];

/** A broadcasting operation of two numbers; `partials` gives the gradient before the broadcast axes are summed. */
function binary(op: string, onnx: string, partials: Partials, types: readonly DType[] = NUMBERS): PrimitiveRule<None> {
  return {
    shape: (inputs) => {
      wantSameType(op, inputs);
      wantType(op, inputs[0]!, types);
      return broadcast(op, inputs);
    },
    gradient: ({ inputs: [a, b], outputs: [y], grads: [g], wanted }) => {
      const [da, db] = partials(a!, b!, g!, y!);
      return [wanted[0] ? sumTo(da(), a!.shape) : null, wanted[1] ? sumTo(db(), b!.shape) : null];
    },
    lower: (g, args) => [g.op(onnx, operands(g, args))],
  };
}

/** Elements from which one more node is cheaper than going element by element. */
const MANY = 4096;

/**
 * A single number gets as many axes as the tensor that it meets, where that one ends in an axis of size 1, as a 1×1 kernel does: else
 * the runtime goes element by element (1280 × 320 × 1 × 1 by a number: 4.8 ms, so 0.2).
 */
function operands(g: Lowering, { names, inputs, outputs: [y] }: LowerArgs<None>): readonly string[] {
  const { rank } = inputs.reduce((a, b) => (b.rank > a.rank ? b : a));
  const size = sizeOf(y!.shape);
  if (rank < 2 || y!.shape.at(-1) !== 1 || typeof size !== 'number' || size < MANY) return names;
  const whole = Array.from({ length: rank }, () => 1);
  return names.map((name, i) =>
    inputs[i]!.rank < rank && sizeOf(inputs[i]!.shape) === 1 ? g.op('Reshape', [name, g.shape(whole)]) : name,
  );
}

function comparison(op: string, onnx: string, types: readonly DType[] = NUMBERS): PrimitiveRule<None> {
  return {
    shape: (inputs) => {
      wantSameType(op, inputs);
      wantType(op, inputs[0]!, types);
      return broadcast(op, inputs, 'bool');
    },
    gradient: 'none',
    lower: (g, { names }) => [g.op(onnx, names)],
  };
}

function logical(op: string, onnx: string, bitwise: string): PrimitiveRule<None> {
  return {
    shape: (inputs) => {
      wantSameType(op, inputs);
      wantType(op, inputs[0]!, ['bool', ...INDICES]);
      return broadcast(op, inputs);
    },
    gradient: 'none',
    lower: (g, { names, inputs: [x] }) => [g.op(x!.dtype === 'bool' ? onnx : bitwise, names)],
  };
}

const sign = (x: Tensor): Tensor => apply('sign', [x], {});

export const elementwise: Rules<ElementwiseOps> = {
  add: binary('add', 'Add', (_a, _b, g) => [() => g, () => g]),
  sub: binary('sub', 'Sub', (_a, _b, g) => [() => g, () => g.neg()]),
  mul: binary('mul', 'Mul', (a, b, g) => [() => g.mul(b), () => g.mul(a)]),
  div: {
    ...binary('div', 'Div', (_a, b, g, y) => [() => g.div(b), () => g.mul(y).div(b).neg()]),
    lower: (g, { names: [a, b], outputs: [y] }) => {
      if (y!.dtype === 'float32') return [g.op('Div', [a!, b!])];
      const { special, divisor } = withoutMinusOne(g, b!, y!.dtype);
      return [g.op('Where', [special, g.op('Neg', [a!]), g.op('Div', [a!, divisor])])];
    },
  },
  mod: {
    shape: (inputs) => {
      wantSameType('mod', inputs);
      wantType('mod', inputs[0]!, INDICES);
      return broadcast('mod', inputs);
    },
    gradient: 'none',
    lower: (g, { names: [a, b], outputs: [y] }) => [g.op('Mod', [a!, withoutMinusOne(g, b!, y!.dtype).divisor])],
  },
  // Ties give half to each, as in PyTorch.
  maximum: binary('maximum', 'Max', (a, b, g) => {
    const half = g.mul(0.5);
    return [() => half.mul(sign(a.sub(b)).add(1)), () => half.mul(sign(b.sub(a)).add(1))];
  }),
  minimum: binary('minimum', 'Min', (a, b, g) => {
    const half = g.mul(0.5);
    return [() => half.mul(sign(b.sub(a)).add(1)), () => half.mul(sign(a.sub(b)).add(1))];
  }),
  power: binary(
    'pow',
    'Pow',
    (a, b, g, y) => [
      () => b.equal(0).where(g.mul(0), g.mul(b).mul(a.pow(b.sub(1)))), // 0 · 0⁻¹ would be NaN
      () => a.equal(0).and(b.greaterEqual(0)).where(g.mul(0), g.mul(y).mul(a.log())), // so would 0 · log 0
    ],
    ['float32'],
  ),
  equal: comparison('equal', 'Equal', [...NUMBERS, 'bool']),
  less: comparison('less', 'Less'),
  greater: comparison('greater', 'Greater'),
  lessEqual: comparison('lessEqual', 'LessOrEqual'),
  greaterEqual: comparison('greaterEqual', 'GreaterOrEqual'),
  and: logical('and', 'And', 'BitwiseAnd'),
  or: logical('or', 'Or', 'BitwiseOr'),
  xor: logical('xor', 'Xor', 'BitwiseXor'),
  where: {
    shape: (inputs) => {
      if (inputs[0]!.dtype !== 'bool')
        throw new ShapeError('where', `the condition must be bool, got ${inputs[0]!.dtype}`);
      wantSameType('where', inputs.slice(1));
      wantType('where', inputs[1]!, [...NUMBERS, 'uint8', 'bool']);
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
    lower: lowerWhere,
  },
  cast: {
    shape: ([x], { dtype }) => [{ dtype, shape: x!.shape }],
    gradient: ({ inputs: [x], attrs, grads: [g] }) => [
      x!.dtype === 'float32' && attrs.dtype === 'float32' ? g! : null, // other types carry no gradient
    ],
    lower: (g, { names, attrs }) => [g.op('Cast', names, { to: onnxType(attrs.dtype) })],
  },
};

/** The smallest integer divided by −1 overflows, which ends the process: 1 takes the place of −1. */
function withoutMinusOne(g: Lowering, b: string, dtype: DType): { special: string; divisor: string } {
  const special = g.op('Equal', [b, g.scalar(-1, dtype)]);
  return { special, divisor: g.op('Where', [special, g.scalar(1, dtype), b]) };
}

/** The runtime's kernel knows no bool. */
function lowerWhere(g: Lowering, { names: [condition, a, b], outputs: [y] }: LowerArgs<None>): string[] {
  if (y!.dtype !== 'bool') return [g.op('Where', [condition!, a!, b!])];
  return [g.op('Or', [g.op('And', [condition!, a!]), g.op('And', [g.op('Not', [condition!]), b!])])];
}
