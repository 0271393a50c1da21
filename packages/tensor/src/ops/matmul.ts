import { broadcastShapes, type Dim, formatShape, sameDim, sameShape } from '../dim.ts';
import { ShapeError } from '../errors.ts';
import { packedLinear } from '../lowering/packed-linear.ts';
import { apply, type Tensor } from '../tensor.ts';
import { sumTo } from './broadcast.ts';
import type { None, Rules, TensorType } from './rule.ts';

interface Transposed {
  transposeA: boolean;
  transposeB: boolean;
}

export interface MatmulOps {
  /** [..., L, K] · [..., K, N]; the leading axes broadcast. */
  matmul: Transposed;
  /** x [N, I], weight [O, I], bias [O] or none → x·weightᵀ + bias. */
  linear: None;
  /** a [M, K], b [K, N], c [M, N] → a·b + c: the sum costs nothing. */
  addmm: Transposed;
}

const flag = (on: boolean): number => (on ? 1 : 0);

export const matmul: Rules<MatmulOps> = {
  matmul: {
    shape: matmulShape,
    gradient: ({ inputs: [a, b], attrs, grads: [g], wanted }) => matmulGradient(a!, b!, attrs, g!, wanted),
    lower: (g, { names, inputs: [a, b], attrs: { transposeA, transposeB } }) => {
      const transposed = { transA: flag(transposeA), transB: flag(transposeB) };
      if (!transposeA && !transposeB) return [g.op('MatMul', names)];
      if (a!.rank === 2 && b!.rank === 2) return [g.op('Gemm', names, transposed)];
      return [g.op('FusedMatMul', names, transposed, 'com.microsoft')];
    },
  },
  linear: {
    shape: ([x, weight, bias]) => {
      const fits =
        x!.shape.length === 2 &&
        weight!.shape.length === 2 &&
        sameDim(x!.shape[1]!, weight!.shape[1]!) &&
        (!bias || (bias.shape.length === 1 && sameDim(bias.shape[0]!, weight!.shape[0]!)));
      if (!fits)
        throw new ShapeError(
          'linear',
          `input ${formatShape(x!.shape)}, weight ${formatShape(weight!.shape)}` +
            `${bias ? `, bias ${formatShape(bias.shape)}` : ''}: wants [N, I], [O, I], [O]`,
        );
      return [{ dtype: 'float32', shape: [x!.shape[0]!, weight!.shape[0]!] }];
    },
    gradient: ({ inputs: [x, weight, bias], grads: [g], wanted }) => [
      wanted[0] ? g!.matmul(weight!) : null,
      wanted[1] ? weightGradient(g!, x!) : null,
      ...(bias ? [wanted[2] ? g!.sum(0) : null] : []),
    ],
    lower: (g, { names, inputs: [input, weight] }) => {
      const packed = g.packed(weight!);
      if (!packed) return [g.op('Gemm', names, { transB: 1 })];
      const [x, , bias = ''] = names;
      const sizes = { rows: input!.shape[0]!, weight: weight!.shape as [number, number] };
      return [packedLinear(g, x!, packed, bias, sizes)];
    },
  },
  addmm: {
    shape: ([a, b, c], attrs) => {
      const [product] = matmulShape([a!, b!], attrs);
      if (product!.shape.length !== 2 || !sameShape(product!.shape, c!.shape))
        throw new ShapeError(
          'addmm',
          `a product ${formatShape(product!.shape)} and a sum ${formatShape(c!.shape)}: wants two axes and the same shape`,
        );
      return [product!];
    },
    gradient: ({ inputs: [a, b], attrs, grads: [g], wanted }) => [
      ...matmulGradient(a!, b!, attrs, g!, wanted),
      wanted[2] ? g! : null,
    ],
    lower: (g, { names, attrs: { transposeA, transposeB } }) => [
      g.op('Gemm', names, { transA: flag(transposeA), transB: flag(transposeB) }),
    ],
  },
};

function matmulShape([a, b]: readonly TensorType[], { transposeA, transposeB }: Transposed): [TensorType] {
  const fail = (why: string): never => {
    const form = `${formatShape(a!.shape)}${transposeA ? 'ᵀ' : ''} · ${formatShape(b!.shape)}${transposeB ? 'ᵀ' : ''}`;
    throw new ShapeError('matmul', `${form}: ${why}`);
  };
  if (a!.shape.length < 2 || b!.shape.length < 2) fail('both need two axes or more');
  if (a!.dtype !== 'float32' || b!.dtype !== 'float32') fail(`wants float32, got ${a!.dtype} and ${b!.dtype}`);
  const [rows, inner] = orient(a!, transposeA);
  const [inner2, columns] = orient(b!, transposeB);
  if (!sameDim(inner, inner2)) fail(`inner sizes ${inner} and ${inner2} differ`);
  const batch =
    broadcastShapes(a!.shape.slice(0, -2), b!.shape.slice(0, -2)) ?? fail('the batch axes do not broadcast');
  return [{ dtype: 'float32', shape: [...batch, rows, columns] }];
}

function matmulGradient(
  a: Tensor,
  b: Tensor,
  { transposeA: ta, transposeB: tb }: Transposed,
  g: Tensor,
  wanted: readonly boolean[],
): [Tensor | null, Tensor | null] {
  // C = A·B gives dA = dC·Bᵀ and dB = Aᵀ·dC; a transposed operand swaps the roles.
  const da = ta ? b.matmul(g, { transposeA: tb, transposeB: true }) : g.matmul(b, { transposeB: !tb });
  const db = !tb
    ? a.matmul(g, { transposeA: !ta })
    : ta || a.rank > 2
      ? g.matmul(a, { transposeA: true, transposeB: ta })
      : weightGradient(g, a);
  return [wanted[0] ? sumTo(da, a.shape) : null, wanted[1] ? sumTo(db, b.shape) : null];
}

/**
 * gᵀ·x of g [R, O] and x [R, I]. The kernel reads a transposed factor in strips across its rows, which lie far apart where O is large: then
 * xᵀ·g, with its small factor transposed before and its result after, is 8 to 18 % faster (8,192 and 384 by 1,024 rows: 62 → 50 ms).
 */
function weightGradient(g: Tensor, x: Tensor): Tensor {
  const [rows, outputs] = g.shape;
  const wide = typeof outputs === 'number' && outputs >= 1024 && outputs >= 2 * x.size(1);
  if (!wide || (typeof rows === 'number' && rows < 512)) return g.matmul(x, { transposeA: true });
  return x.transpose(0, 1).matmul(g).transpose(0, 1);
}

function orient({ shape }: TensorType, transposed: boolean): [Dim, Dim] {
  const [row, column] = [shape.at(-2)!, shape.at(-1)!];
  return transposed ? [column, row] : [row, column];
}

/** a [M, K] · b [K, N] + c [M, N]. */
export function addmm(c: Tensor, a: Tensor, b: Tensor, options: Partial<Transposed> = {}): Tensor {
  return apply('addmm', [a, b, c], { transposeA: false, transposeB: false, ...options });
}
