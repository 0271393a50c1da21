import { readFileSync } from 'node:fs';
import {
  apply,
  applyAll,
  arange,
  concat,
  type DType,
  einsum,
  embedding,
  eye,
  input,
  linspace,
  ones,
  stack,
  Tensor,
  tensor,
  zeros,
} from '@rivulet/tensor';

export interface Stored {
  readonly dims: number[];
  /** Absent: float32, filled by the formula. */
  readonly dtype?: DType;
  readonly data?: (number | string)[];
}

export interface Case {
  readonly range: [number, number];
  readonly inputs: Stored[];
  readonly outputs: Required<Stored>[];
  /** By the float inputs; null where there are none. */
  readonly gradients: (number | string)[][] | null;
}

// Made by tools/reference/torch_ops.py.
const file = new URL('./fixtures/torch-ops.json', import.meta.url);
const fixture = JSON.parse(readFileSync(file, 'utf8')) as { cases: Record<string, Case> };
/** What PyTorch computed. */
export const { cases } = fixture;

export interface Row {
  /** Of the case in fixtures/torch-ops.json. */
  readonly name: string;
  readonly f: (...inputs: Tensor[]) => Tensor | readonly Tensor[];
  /** False: it has none, or none worth checking. */
  readonly gradient?: boolean;
  /** False: the sizes must be known. */
  readonly symbolic?: boolean;
  /** False: the gradient is meant to differ from finite differences. */
  readonly differences?: boolean;
  /** Of the finite differences. */
  readonly step?: number;
  readonly atol?: number;
  readonly rtol?: number;
}

type Options = Omit<Row, 'name' | 'f'>;

const row = (name: string, f: (...inputs: Tensor[]) => Tensor | readonly Tensor[], options: Options = {}): Row => ({
  name,
  f: f as Row['f'],
  ...options,
});

const fixed: Options = { symbolic: false };
const kinked: Options = { step: 1e-3 };

/** What moves elements of any type, and what counts with integers. */
const typed: readonly Row[] = [
  row('reshape', (t) => t!.reshape([3, 2]), fixed),
  row('permute', (t) => t!.permute([1, 0])),
  row('expand', (t) => t!.expand([2, ...t!.shape])),
  row('concat', (t) => concat([t!, t!], 0)),
  row('split', (t) => t!.split([1, 2], 1), fixed),
  row('slice', (t) => t!.slice(1, 1)),
  row('flip', (t) => t!.flip(1)),
  row('roll', (t) => t!.roll(1, 1)),
  row('repeat', (t) => t!.repeat([2, 1])),
  row('tril', (t) => t!.tril()),
  row('gather', (t) => t!.gather(tensor([1, 0, 1], [3], 'int64'))),
  row(
    'gatherAlong',
    (t) =>
      t!.gatherAlong(
        1,
        tensor(
          [
            [2, 0],
            [1, 1],
          ],
          [2, 2],
          'int64',
        ),
      ),
    fixed,
  ),
  row('pad', (t) => t!.pad([[1, 1]])),
  row('edge', (t) => t!.pad([[1, 0]], { mode: 'edge' })),
  row('cumsum', (t) => t!.cumsum(0)),
  row('topk', (t) => t!.topk(2).values),
  row('clip', (t) => t!.clip(1, 4)),
  row('prod', (t) => t!.prod(1)),
];

/** One row per case of an operation: what it is called in the fixture, and how it is written here. */
export const rows: readonly Row[] = [
  // elementwise
  row('add', (a, b) => a!.add(b!)),
  row('sub', (a, b) => a!.sub(b!)),
  row('mul', (a, b) => a!.mul(b!)),
  row('div', (a, b) => a!.div(b!)),
  row('maximum', (a, b) => a!.maximum(b!), kinked),
  row('minimum', (a, b) => a!.minimum(b!), kinked),
  row('neg', (a) => a!.neg()),
  row('exp', (a) => a!.exp()),
  row('abs', (a) => a!.abs(), kinked),
  row('erf', (a) => a!.erf()),
  row('log', (a) => a!.log()),
  row('sqrt', (a) => a!.sqrt()),
  row('matmul', (a, b) => a!.matmul(b!)),
  row('matmulBatched', (a, b) => a!.matmul(b!)),
  row('matmulBroadcast', (a, b) => a!.matmul(b!)),
  row('sum', (a) => a!.sum([0, 2])),
  row('sumAll', (a) => a!.sum()),
  row('mean', (a) => a!.mean(1, { keepDims: true })),
  row('max', (a) => a!.max(1), kinked),
  row('softmax', (a) => a!.softmax(1)),
  row('logSoftmax', (a) => a!.logSoftmax(-1)),
  row('layerNorm', (x, w, b) => apply('layerNorm', [x!, w!, b!], { eps: 1e-5 })),
  row('rmsNorm', (x, w) => apply('rmsNorm', [x!, w!], { eps: 1e-5 })),
  row('batchNorm', (x, w, b) => applyAll('batchNorm', [x!, w!, b!], { eps: 1e-5 })[0]!),
  row('attention', (...all) => apply('attention', all, { scale: 0.5, bias: true, dropout: false, causal: false })),
  row('attentionCausal', (...all) =>
    apply('attention', all, { scale: 1 / Math.sqrt(3), bias: false, dropout: false, causal: true }),
  ),
  row('reshapeFloat', (t) => t!.reshape([3, 2]), fixed),
  row('permuteFloat', (t) => t!.permute([1, 0])),
  row('expandFloat', (t) => t!.expand([2, ...t!.shape])),
  row('concatFloat', (t) => concat([t!, t!], 0)),
  row('splitFloat', (t) => t!.split([1, 2], 1), fixed),
  row('sliceFloat', (t) => t!.slice(1, 1)),
  row('gatherFloat', (t) => t!.gather(tensor([1, 0, 1], [3], 'int64'))),
  row('equal', (a, b) => a!.equal(b!)),
  row('notEqual', (a, b) => a!.notEqual(b!)),
  row('less', (a, b) => a!.less(b!)),
  row('lessEqual', (a, b) => a!.lessEqual(b!)),
  row('greater', (a, b) => a!.greater(b!)),
  row('greaterEqual', (a, b) => a!.greaterEqual(b!)),
  row('and', (a, b) => a!.and(b!)),
  row('or', (a, b) => a!.or(b!)),
  row('xor', (a, b) => a!.xor(b!)),
  row('bitAnd', (a, b) => a!.and(b!)),
  row('bitOr', (a, b) => a!.or(b!)),
  row('bitXor', (a, b) => a!.xor(b!)),
  row('power', (a, b) => a!.pow(b!)),
  row('powerZeros', (a, b) => a!.pow(b!)),
  ...[0, 1, 2, 3, 0.5, -1, 2.5, -0.5].map((exponent) => row(`pow ${exponent}`, (a) => a!.pow(exponent))),
  row('powNegative', (a) => a!.pow(3)),
  row('powZero', (a) => a!.pow(0)),
  row('powInt', (a) => a!.pow(3)),
  row('rsqrt', (a) => a!.rsqrt()),
  row('square', (a) => a!.square()),
  row('reciprocal', (a) => a!.reciprocal()),
  row('sin', (a) => a!.sin()),
  row('cos', (a) => a!.cos()),
  row('tan', (a) => a!.tan()),
  row('log1p', (a) => a!.log1p(), kinked),
  row('log1pSpecial', (a) => a!.log1p(), { atol: 0, rtol: 1e-6 }),
  row('expm1', (a) => a!.expm1()),
  row('expm1Special', (a) => a!.expm1(), { atol: 0, rtol: 1e-6 }),
  row('floor', (a) => a!.floor()),
  row('ceil', (a) => a!.ceil()),
  row('round', (a) => a!.round()),
  row('floorGradient', (a) => a!.floor().add(a!.mul(0)), kinked),
  row('ceilGradient', (a) => a!.ceil().add(a!.mul(0)), kinked),
  row('roundGradient', (a) => a!.round().add(a!.mul(0)), kinked),
  row('sign', (a) => a!.sign()),
  row('isNaN', (a) => a!.isNaN()),
  row('isFinite', (a) => a!.isFinite()),
  row('clip', (a) => a!.clip(-0.5, 0.25)),
  row('clipMin', (a) => a!.clip(0.1), kinked),
  row('clipMax', (a) => a!.clip(undefined, 0.1), kinked),
  row('clipInt', (a) => a!.clip(-1, 3)),
  row('where', (c, a, b) => c!.where(a!, b!)),
  row('maskedFill', (x, mask) => x!.maskedFill(mask!, -7.5)),
  row('mod', (a, b) => a!.mod(b!)),
  row('modInt', (a, b) => a!.mod(b!)),
  row('floorDiv', (a, b) => a!.floorDiv(b!)),
  row('floorDivInt', (a, b) => a!.floorDiv(b!)),
  row('divInt', (a, b) => a!.div(b!)),
  row('arithmeticInt', (a, b) => a!.add(b!).mul(a!).sub(b!)),
  row('negInt', (a) => a!.abs().neg()),
  row('sumBool', (a) => a!.sum()),

  // activations
  ...activation('relu', (x) => x.relu()),
  ...activation('relu6', (x) => x.relu6()),
  ...activation('leakyRelu', (x) => x.leakyRelu(0.2)),
  ...activation('elu', (x) => x.elu()),
  ...activation('eluAlpha', (x) => x.elu(0.7)),
  ...activation('selu', (x) => x.selu()),
  ...activation('sigmoid', (x) => x.sigmoid()),
  ...activation('tanh', (x) => x.tanh()),
  ...activation('silu', (x) => x.silu()),
  ...activation('gelu', (x) => x.gelu()),
  ...activation('geluTanh', (x) => x.gelu({ approximate: 'tanh' })),
  ...activation('mish', (x) => x.mish()),
  ...activation('softplus', (x) => x.softplus()),
  ...activation('softplusBeta', (x) => x.softplus({ beta: 2, threshold: 3 })),
  ...activation('hardSwish', (x) => x.hardSwish()),
  ...activation('hardSigmoid', (x) => x.hardSigmoid()),
  row('hard edges', (x) => x!.relu6().add(x!.hardSigmoid())),
  row('hardSwish edges', (x) => x!.hardSwish()),

  // reductions
  row('min', (x) => x!.min(1), kinked),
  row('minAll', (x) => x!.min()),
  row('maxTies', (x) => x!.max(0)),
  row('minInt', (x) => x!.min(undefined, { keepDims: true })),
  row('prod', (x) => x!.prod(1)),
  row('prodAll', (x) => x!.prod()),
  row('prodZeros', (x) => x!.prod(1, { keepDims: true })),
  row('prodInt', (x) => x!.prod()),
  row('argmin', (x) => x!.argmin(1)),
  row('argmax', (x) => x!.argmax(0, { keepDims: true })),
  row('var', (x) => x!.var(1)),
  row('varPopulation', (x) => x!.var([0, 2], { correction: 0, keepDims: true })),
  row('varAll', (x) => x!.var()),
  row('varLargeMean', (x) => x!.var(), { gradient: false }),
  row('std', (x) => x!.std(-1)),
  row('stdZero', (x) => x!.std(-1)),
  row('logSumExp', (x) => x!.logSumExp(1)),
  row('logSumExpWide', (x) => x!.logSumExp()),
  row('norm', (x) => x!.norm(2, 1)),
  row('normAll', (x) => x!.norm()),
  row('norm1', (x) => x!.norm(1, 0, { keepDims: true }), kinked),
  row('norm3', (x) => x!.norm(3, 1)),
  row('normInf', (x) => x!.norm(Number.POSITIVE_INFINITY, 1), kinked),
  row('normZero', (x) => x!.norm(2, 1)),
  row('any', (x) => x!.any(1)),
  row('all', (x) => x!.all(0)),
  row('anyNumbers', (x) => x!.any()),
  row('allInts', (x) => x!.all(1, { keepDims: true })),
  row('cumsum', (x) => x!.cumsum(1)),
  row('cumsumInt', (x) => x!.cumsum(0)),
  row('cumsumReverse', (x) => x!.cumsum(0, { reverse: true })),
  row('cumsumExclusive', (x) => x!.cumsum(-2, { exclusive: true })),
  row('topk', (x) => Object.values(x!.topk(2, 1)), kinked),
  row('topkSmallest', (x) => Object.values(x!.topk(2, 0, { largest: false })), kinked),
  row('sort', (x) => Object.values(x!.sort(1))),
  row('sortDescending', (x) => Object.values(x!.sort(0, { descending: true })), kinked),
  row('argsort', (x) => x!.argsort(-1, { descending: true })),
  row('sortInt', (x) => Object.values(x!.sort())),

  // layout
  row('stack', (a, b) => stack([a!, b!, a!], 1)),
  row('splitSize', (x) => x!.split(2, 1), fixed),
  row('splitSizes', (x) => x!.split([1, 3, 1], 1), fixed),
  row('chunkUneven', (x) => x!.chunk(3, 0), fixed),
  row('chunkFewer', (x) => x!.chunk(5, 1), fixed),
  row('pad', (x) =>
    x!.pad(
      [
        [0, 1],
        [1, 2],
      ],
      { value: 0.5 },
    ),
  ),
  row('padReflect', (x) =>
    x!.pad(
      [
        [1, 3],
        [2, 1],
      ],
      { mode: 'reflect' },
    ),
  ),
  row('padEdge', (x) =>
    x!.pad(
      [
        [0, 0],
        [0, 3],
        [2, 1],
      ],
      { mode: 'edge' },
    ),
  ),
  row('padInt', (x) => x!.pad([[2, 1]], { value: 7 })),
  row('flip', (x) => x!.flip([0, 2])),
  row('flipAll', (x) => x!.flip()),
  row('roll', (x) => x!.roll(2, 1)),
  row('rollBack', (x) => x!.roll(-1, 0)),
  row('rollAll', (x) => x!.roll(4)),
  row('tril', (x) => x!.tril()),
  row('trilUp', (x) => x!.tril(1)),
  row('triu', (x) => x!.triu(-1)),
  row('triuInt', (x) => x!.triu(1)),
  row('repeat', (x) => x!.repeat([2, 1, 3])),
  row('repeatInterleave', (x) => x!.repeatInterleave(3, 1)),
  row('moveAxis', (x) => x!.moveAxis(0, -2)),
  row('flatten', (x) => x!.flatten(1, 2)),
  row('unflatten', (x) => x!.unflatten(1, [2, -1]), fixed),
  row('select', (x) => x!.select(1, -1)),
  row('outer', (a, b) => a!.outer(b!)),
  row('dot', (a, b) => a!.dot(b!)),

  // indexing
  row('indexSelect', (x, i) => x!.indexSelect(1, i!)),
  row('indexSelectRows', (x, i) => x!.indexSelect(0, i!)),
  row('gatherAlong', (x, i) => x!.gatherAlong(1, i!)),
  row('gatherAlongRows', (x, i) => x!.gatherAlong(0, i!)),
  row('scatterAdd', (x, i, s) => x!.scatterAdd(1, i!, s!)),
  row('scatterAddRows', (x, i, s) => x!.scatterAdd(0, i!, s!)),
  row('embedding', (w, i) => embedding(w!, i!)),
  row('embeddingPadding', (w, i) => embedding(w!, i!, { paddingIndex: 1 }), { differences: false }),
  row('oneHot', (i) => i!.oneHot(4, 'int64')),
  row('arange', () => arange(2, 9, 3)),
  row('arangeFloat', () => arange(0, 1, 0.25)),
  row('linspace', () => linspace(-1, 2, 7)),
  row('eye', () => eye(2, 3)),
  row('zeros', () => zeros([2, 1])),
  row('ones', () => ones([2], 'int32')),

  // einsum
  ...[
    'ij,jk->ik',
    'bld,bsd->bls',
    'bhld,bhsd->bhls',
    'ij->ji',
    'ij->',
    'ij->i',
    'i,j->ij',
    'ii->i',
    'ii',
    'bii->b',
    'ij,jk',
    '...ij,...jk->...ik',
    '...i->...',
    'ij,j,jk->ik',
    'b i d, b j d -> b i j',
    'i,i->',
    'ij,ij->ij',
    'ijk,jil->kl',
    '...a,...b',
    'bc,b->c',
  ].map((equation) => row(`einsum ${equation}`, (...xs) => einsum(equation, ...xs))),

  // element types
  row('castInt', (a) => a!.cast('int32')),
  row('castHalf', (a) => a!.cast('float16').cast('float32')),
  row('castBool', (a) => a!.cast('bool')),
  row('castFromBool', (a) => a!.cast('int64')),
  row('castLong', (a) => a!.cast('int32').cast('int64').cast('float32')),
  row('whereInt', (c, a, b) => c!.where(a!, b!)),
  row('whereBool', (c, a, b) => c!.where(a!, b!)),
  row('equalBool', (a, b) => a!.equal(b!)),
  row('compareInt', (a, b) => a!.less(b!).or(a!.greaterEqual(b!.add(2)))),
  row('maximumInt', (a, b) => a!.maximum(b!)),
  row('maxInt', (a) => a!.max(0)),
  row('sumInt', (a) => a!.sum(0)),
  row('reluInt', (a) => a!.relu()),
  row('signInt', (a) => a!.sign()),
  ...['bool', 'int32', 'int64'].flatMap((dtype) =>
    typed.map(({ name, ...rest }) => ({ ...rest, name: `${dtype} ${name}` })).filter(({ name }) => name in cases),
  ),
];

function activation(name: string, f: (x: Tensor) => Tensor): Row[] {
  return [row(name, (x) => f(x!), kinked), row(`${name} wide`, (x) => f(x!))];
}

/** The operations that the rows with gradients are made of. */
export function differentiatedOps(): Set<string> {
  const found = new Set<string>();
  const visit = ({ node }: Tensor): void => {
    if (node.kind !== 'op') return;
    found.add(node.op);
    node.inputs.forEach(visit);
  };
  for (const { name, f, gradient = true } of rows) {
    const { inputs, gradients } = cases[name]!;
    if (!gradient || !gradients) continue;
    const result = f(...inputs.map(({ dims, dtype }, i) => input(`x${i}`, dims, dtype)));
    for (const y of result instanceof Tensor ? [result] : result) visit(y);
  }
  return found;
}
