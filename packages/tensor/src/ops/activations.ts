import { apply } from '../apply.ts';
import { ShapeError } from '../errors.ts';
import type { Lowering } from '../lowering/lowering.ts';
import type { Tensor } from '../tensor.ts';
import { blocked } from './blocked.ts';
import { unary } from './functions.ts';
import type { None, Rules } from './rule.ts';
import { FLOATS, NUMBERS, wantType } from './wants.ts';

export interface ActivationOps {
  relu: None;
  relu6: None;
  leakyRelu: { slope: number };
  elu: { alpha: number };
  selu: None;
  sigmoid: None;
  hardSigmoid: None;
  hardSwish: None;
  tanh: None;
  gelu: { approximate: 'none' | 'tanh' };
  silu: None;
  /** log(1 + eˣ). */
  softplus: None;
  clip: { min: number; max: number };
}

/** The constants of https://arxiv.org/abs/1706.02515. */
const SELU = { alpha: 1.6732632423543772, scale: 1.0507009873554805 };

const step = (x: Tensor): Tensor => apply('step', [x], {});

export const activations: Rules<ActivationOps> = {
  relu: {
    ...unary('relu', 'Relu', (x, _y, g) => g.mul(step(x)), NUMBERS),
    lower: (g, { names, outputs: [y] }) => [
      y!.dtype === 'int64' ? g.op('Max', [...names, g.scalar(0, 'int64')]) : g.op('Relu', names), // no kernel for int64
    ],
  },
  relu6: unary(
    'relu6',
    (g, x) => g.op('Clip', [x, g.float(0), g.float(6)]),
    (_x, y, g) => g.mul(apply('step', [y.sub(6).mul(y)], { below: true })), // strictly between the bounds; by blocks it takes longer
  ),
  leakyRelu: {
    shape: ([x]) => {
      wantType('leakyRelu', x!, FLOATS);
      return [x!];
    },
    gradient: ({ inputs: [x], attrs: { slope }, grads: [g] }) => [
      g!.mul(
        step(x!)
          .mul(1 - slope)
          .add(slope),
      ),
    ],
    lower: (g, { names, attrs }) => [g.op('LeakyRelu', names, { alpha: { float: attrs.slope } })],
  },
  elu: {
    shape: ([x]) => {
      wantType('elu', x!, FLOATS);
      return [x!];
    },
    gradient: ({ inputs: [x], outputs: [y], attrs: { alpha }, grads: [g] }) => [
      g!.mul(exponentialSlope(x!, y!, 1, alpha)),
    ],
    lower: (g, { names, attrs }) => [g.op('Elu', names, { alpha: { float: attrs.alpha } })],
  },
  selu: {
    ...unary('selu', 'Selu', (x, y, g) => g.mul(exponentialSlope(x, y, SELU.scale, SELU.scale * SELU.alpha))),
    lower: (g, { names }) => [g.op('Selu', names, { alpha: { float: SELU.alpha }, gamma: { float: SELU.scale } })],
  },
  sigmoid: unary('sigmoid', 'Sigmoid', (_x, y, g) => g.mul(y.sub(y.mul(y)))),
  hardSigmoid: unary(
    'hardSigmoid',
    (g, x) => g.op('HardSigmoid', [x], { alpha: { float: 1 / 6 }, beta: { float: 0.5 } }),
    (_x, y, g) => g.mul(step(y.sub(y.mul(y))).mul(1 / 6)),
  ),
  hardSwish: unary('hardSwish', 'HardSwish', (x, _y, g) =>
    blocked([x, g], (xs, gs) => {
      const s = xs!.hardSigmoid();
      return gs!.mul(s.add(xs!.mul(step(s.sub(s.mul(s)))).mul(1 / 6)));
    }),
  ),
  tanh: unary('tanh', 'Tanh', (_x, y, g) => g.sub(g.mul(y.mul(y)))),
  gelu: {
    shape: ([x], { approximate }) => {
      wantType('gelu', x!, FLOATS);
      if (approximate !== 'none' && approximate !== 'tanh')
        throw new ShapeError('gelu', `approximate must be 'none' or 'tanh', got '${approximate}'`);
      return [x!];
    },
    gradient: ({ inputs: [x], attrs, grads: [g] }) => {
      const slope = attrs.approximate === 'tanh' ? tanhGeluSlope : geluSlope;
      return [blocked([x!, g!], (part, gradient) => gradient!.mul(slope(part!)))];
    },
    lower: (g, { names, attrs }) => [
      g.op(attrs.approximate === 'tanh' ? 'FastGelu' : 'Gelu', names, {}, 'com.microsoft'),
    ],
  },
  silu: {
    ...unary('silu', 'QuickGelu', (x, y, g) =>
      blocked([x, y, g], (xs, ys, gs) => {
        const s = xs!.sigmoid();
        return gs!.mul(s.add(ys!.sub(ys!.mul(s))));
      }),
    ),
    lower: (g, { names }) => [g.op('QuickGelu', names, { alpha: { float: 1 } }, 'com.microsoft')],
  },
  softplus: unary('softplus', softplus, (x, _y, g) => g.mul(x.sigmoid())),
  clip: {
    shape: ([x], { min, max }) => {
      wantType('clip', x!, NUMBERS);
      if (Number.isNaN(min) || Number.isNaN(max)) throw new ShapeError('clip', `the bounds are ${min} and ${max}`);
      if (x!.dtype !== 'float32')
        for (const bound of [min, max])
          if (Number.isFinite(bound) && !Number.isInteger(bound))
            throw new ShapeError('clip', `the bound ${bound} is no ${x!.dtype}`);
      return [x!];
    },
    // The bounds themselves count as outside, as in PyTorch 2.15.
    gradient: ({ inputs: [x], attrs: { min, max }, grads: [g] }) => {
      const inside = [
        ...(min === Number.NEGATIVE_INFINITY ? [] : [x!.greater(min)]),
        ...(max === Number.POSITIVE_INFINITY ? [] : [x!.less(max)]),
      ];
      return [inside.length === 0 ? g! : g!.mul(inside.reduce((a, b) => a.and(b)).cast('float32'))];
    },
    lower: (g, { names: [x], attrs: { min, max }, outputs: [y] }) => {
      const bound = (value: number): string => (Number.isFinite(value) ? g.scalar(value, y!.dtype) : ''); // '': none
      return [g.op('Clip', [x!, bound(min), bound(max)])];
    },
  },
};

/** max(x, 0) + log(1 + exp(−|x|)): 6 nodes of vector code, three times as fast as the runtime's Softplus. */
function softplus(g: Lowering, x: string): string {
  const small = g.op('Exp', [g.op('Neg', [g.op('Abs', [x])])]);
  return g.op('Add', [g.op('Relu', [x]), g.op('Log', [g.op('Add', [small, g.float(1)])])]);
}

/** The slope of scale·x for x > 0 and of y = a·(eˣ − 1) elsewhere, which is y + a. */
function exponentialSlope(x: Tensor, y: Tensor, scale: number, a: number): Tensor {
  const slope = y.minimum(0).add(a);
  return scale === a ? slope : slope.add(step(x).mul(scale - a));
}

function geluSlope(x: Tensor): Tensor {
  const cdf = x.mul(Math.SQRT1_2).erf().add(1).mul(0.5);
  const density = x
    .mul(x)
    .mul(-0.5)
    .exp()
    .mul(1 / Math.sqrt(2 * Math.PI));
  return cdf.add(x.mul(density));
}

/** Of x/2 · (1 + tanh u) with u = √(2/π)·(x + 0.044715·x³). */
function tanhGeluSlope(x: Tensor): Tensor {
  const c = Math.sqrt(2 / Math.PI);
  const square = x.mul(x);
  const t = x.mul(square.mul(0.044715 * c).add(c)).tanh();
  const rise = x.mul(square.mul(3 * 0.044715 * c).add(c)); // x · du/dx
  return t
    .add(1)
    .add(rise.mul(t.mul(t).neg().add(1)))
    .mul(0.5);
}
