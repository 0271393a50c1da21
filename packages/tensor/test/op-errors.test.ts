import {
  arange,
  einsum,
  embedding,
  input,
  linspace,
  randint,
  ShapeError,
  stack,
  symbol,
  type Tensor,
  tensor,
} from '@rivulet/tensor';
import { expect } from 'chai';

const x = (...shape: number[]): Tensor => input('x', shape);
const ids = (...shape: number[]): Tensor => input('ids', shape, 'int64');
const flags = input('flags', [2], 'bool');
const half = input('half', [2], 'float16');
const n = input('n', [symbol('N'), 3]);

/** What is done wrong, and the one line that says so. */
const misuse: readonly (readonly [what: string, build: () => unknown, message: string])[] = [
  ['float functions of integers', () => ids(2).exp(), 'exp: wants float32, got int64; cast it to float32 first'],
  ['float functions of bools', () => flags.sin(), 'sin: wants float32, got bool; cast it to float32 first'],
  ['arithmetic with bools', () => flags.add(flags), 'add: wants float32, int32 or int64, got bool; cast it to float32'],
  [
    'arithmetic in float16',
    () => half.mul(half),
    'mul: wants float32, int32 or int64, got float16; cast it to float32',
  ],
  ['float16 and a number', () => half.add(1), 'add: element types differ: float16 and float32; cast one of them'],
  ['mixed types', () => x(2).lessEqual(ids(2)), 'lessEqual: element types differ: float32 and int64; cast one of them'],
  ['a fraction and integers', () => ids(2).add(0.5), 'scalar: 0.5 is no int64; cast the tensor to float32 first'],
  ['a fraction as an integer', () => tensor([0.5], [1], 'int32'), 'tensor: 0.5 is no int32'],
  ['a number past its type', () => tensor([300], [1], 'uint8'), 'tensor: 300 is no uint8'],
  ['a number as a bool', () => tensor([2], [1], 'bool'), 'tensor: 2 is no bool'],
  [
    'rows of different lengths',
    () => tensor([[1, 2], [3]]),
    'tensor: the rows differ in length or depth: expected [2, 2]',
  ],
  ['the mean of integers', () => ids(2).mean(), 'mean: wants float32, got int64; cast it to float32 first'],
  ['the variance of integers', () => ids(2).var(), 'var: wants float32, got int64; cast it to float32 first'],
  ['logic of numbers', () => x(2).and(x(2)), 'and: wants bool, int32 or int64, got float32; cast it to bool first'],
  ['not of numbers', () => x(2).not(), 'not: wants bool, got float32; cast it to bool first'],
  ['shapes that do not broadcast', () => x(2).pow(x(3)), 'pow: shapes [2] and [3] do not broadcast'],
  ['a fractional power of integers', () => ids(2).pow(0.5), 'pow: wants float32, got int64; cast it to float32 first'],
  ['a bound that is no number', () => x(2).clip(Number.NaN), 'clip: the bounds are NaN and Infinity'],
  ['a form of gelu', () => x(2).gelu({ approximate: 'erf' as 'tanh' }), "gelu: approximate must be 'none' or 'tanh'"],
  ['softplus with β = 0', () => x(2).softplus({ beta: 0 }), 'softplus: beta must be positive, got 0'],
  ['an axis: min', () => x(2).min(1), 'min: axis 1 is out of range for rank 1'],
  ['an axis: prod', () => x(2).prod([0, -2]), 'prod: axis -2 is out of range for rank 1'],
  ['an axis: var', () => x(2).var(3), 'var: axis 3 is out of range for rank 1'],
  ['an axis: std', () => x(2).std(3), 'std: axis 3 is out of range for rank 1'],
  ['an axis: norm', () => x(2).norm(2, 0.5), 'norm: axis 0.5 is out of range for rank 1'],
  ['an axis: any', () => flags.any(1), 'any: axis 1 is out of range for rank 1'],
  ['an axis: argmin', () => x(2).argmin(1), 'argmin: axis 1 is out of range for rank 1'],
  ['an axis: cumsum', () => x(2).cumsum(1), 'cumsum: axis 1 is out of range for rank 1'],
  ['an axis: sort', () => x(2).sort(1), 'sort: axis 1 is out of range for rank 1'],
  ['an axis: argsort', () => x(2).argsort(1), 'argsort: axis 1 is out of range for rank 1'],
  ['an axis: flip', () => x(2).flip([0, 1]), 'flip: axis 1 is out of range for rank 1'],
  ['an axis: roll', () => x(2).roll(1, 1), 'roll: axis 1 is out of range for rank 1'],
  ['an axis: stack', () => stack([x(2)], 3), 'stack: axis 3 is out of range for rank 2'],
  ['an axis: split', () => x(2).split(1, 1), 'split: axis 1 is out of range for rank 1'],
  ['an axis: moveAxis', () => x(2).moveAxis(1, 0), 'moveAxis: axis 1 is out of range for rank 1'],
  ['an axis: flatten', () => x(2, 3).flatten(0, 2), 'flatten: axis 2 is out of range for rank 2'],
  ['an axis: indexSelect', () => x(2).indexSelect(1, ids(1)), 'indexSelect: axis 1 is out of range for rank 1'],
  ['an axis: gatherAlong', () => x(2).gatherAlong(1, ids(1)), 'gatherAlong: axis 1 is out of range for rank 1'],
  ['an axis: scatterAdd', () => x(2).scatterAdd(1, ids(1), x(1)), 'scatterAdd: axis 1 is out of range for rank 1'],
  ['the largest of nothing', () => x(2, 0).max(1), 'max: axis 1 of [2, 0] is empty'],
  ['p = 0', () => x(2).norm(0), 'norm: p must be positive, got 0'],
  ['a negative correction', () => x(2).var(0, { correction: -1 }), 'var: the correction must be 0 or more, got -1'],
  ['more than there are', () => x(2, 3).topk(4), 'topk: k is 4, axis 1 of float32 [2, 3] has 3'],
  ['no k', () => x(2).topk(0), 'topk: k must be an integer of 1 or more, got 0'],
  ['shapes to stack', () => stack([x(2), x(3)]), 'stack: shapes [2] and [3] differ'],
  ['nothing to stack', () => stack([]), 'stack: needs at least one tensor'],
  ['sizes to split', () => x(4).split([1, 2]), 'split: sizes [1, 2] do not add up to axis 0 of [4]'],
  ['a size to split', () => x(4).split(0), 'split: the size must be an integer of 1 or more, got 0'],
  ['a symbolic size to chunk', () => n.chunk(2), 'chunk: axis 0 of [N, 3] does not divide into 2 parts'],
  ['a number of chunks', () => x(4).chunk(0), 'chunk: the number of parts must be an integer of 1 or more, got 0'],
  [
    'pairs of pad',
    () =>
      x(2).pad([
        [1, 1],
        [1, 1],
      ]),
    'pad: 2 pairs of sizes for the axes of [2]',
  ],
  ['a negative pad', () => x(2).pad([[-1, 1]]), 'pad: a size must be an integer of 0 or more, got -1'],
  [
    'too much to reflect',
    () => x(2).pad([[2, 0]], { mode: 'reflect' }),
    "pad: mode 'reflect' has no 2 elements to add to axis 0 of size 2",
  ],
  [
    'a mode of pad',
    () => x(2).pad([[2, 0]], { mode: 'wrap' as 'edge' }),
    "pad: the mode must be 'constant', 'reflect' or 'edge', got 'wrap'",
  ],
  ['a shift', () => x(2).roll(0.5), 'roll: the shift must be an integer, got 0.5'],
  ['one axis for a triangle', () => x(2).triu(), 'triu: wants two axes or more, got [2]'],
  ['counts of repeat', () => x(2, 3).repeat([2]), 'repeat: 1 counts for the axes of [2, 3]'],
  [
    'sizes to unflatten',
    () => x(2, 6).unflatten(1, [4, -1]),
    'unflatten: axis 1 of [2, 6] does not divide into [4, -1]',
  ],
  [
    'sizes that do not fill',
    () => x(2, 6).unflatten(1, [2, 2]),
    'unflatten: axis 1 of [2, 6] does not divide into [2, 2]',
  ],
  ['an index to select', () => x(2, 6).select(0, 2), 'select: index 2 is outside axis 0 of [2, 6]'],
  ['lists for dot', () => x(2).dot(x(3)), 'dot: lengths 2 and 3 differ'],
  ['matrices for outer', () => x(2, 2).outer(x(3)), 'outer: wants one axis each, got [2, 2] and [3]'],
  ['float indices', () => x(2).gatherAlong(0, x(2)), 'gatherAlong: indices must be int32 or int64, got float32'],
  [
    'indices along an axis',
    () => x(2, 3).gatherAlong(1, ids(3, 2)),
    'gatherAlong: indices [3, 2] do not fit [2, 3] along axis 1',
  ],
  [
    'a source of another shape',
    () => x(2, 3).scatterAdd(1, ids(2, 2), x(2, 3)),
    'scatterAdd: int64 [2, 2] indices for float32 [2, 3]',
  ],
  [
    'several axes of indices',
    () => x(2).indexSelect(0, ids(1, 1)),
    'indexSelect: the indices must have one axis, got [1, 1]',
  ],
  [
    'a padding index',
    () => embedding(x(4, 2), ids(3), { paddingIndex: 4 }),
    'embedding: the padding index 4 is no row of a table of 4',
  ],
  ['a table', () => embedding(x(4), ids(3)), 'embedding: the table must be [V, E], got [4]'],
  ['classes', () => ids(2).oneHot(0), 'oneHot: the number of classes must be an integer of 1 or more, got 0'],
  ['a range', () => arange(0, 5, -1), 'arange: 5 is not reached from 0 by steps of -1'],
  ['a count', () => linspace(0, 1, 0), 'linspace: the count must be an integer of 1 or more, got 0'],
  ['no integer between', () => randint(3, 3, [1]), 'randint: there is no integer from 3 to below 3'],
  ['terms of einsum', () => einsum('ij,jk->ik', x(2, 3)), "einsum: 'ij,jk->ik': has 2 terms for 1 operands"],
  [
    'letters of einsum',
    () => einsum('ijk->i', x(2, 3)),
    "einsum: 'ijk->i': 'ijk' has 3 letters for an operand of [2, 3]",
  ],
  [
    'sizes of einsum',
    () => einsum('ij,jk->ik', x(2, 3), x(4, 5)),
    "einsum: 'j' is 3 and 4 in 'ij,jk' of [2, 3], [4, 5]",
  ],
  ['an output of einsum', () => einsum('ij->z', x(2, 3)), "einsum: 'ij->z': 'z' of the output is in no operand"],
  ['an output letter twice', () => einsum('ij->ii', x(2, 3)), "einsum: 'ij->ii': 'i' stands twice in the output"],
  ['signs of einsum', () => einsum('i1->i', x(2, 3)), "einsum: 'i1->i': 'i1' may have letters and one '...' only"],
  ['two arrows', () => einsum('i->i->i', x(2)), "einsum: 'i->i->i': has more than one '->'"],
  ['a diagonal of einsum', () => einsum('ii->i', x(2, 3)), "einsum: 'i' is 2 and 3 in 'ii' of [2, 3]"],
];

describe('operations refuse', () => {
  for (const [what, build, message] of misuse)
    it(what, () => {
      expect(build).to.throw(ShapeError, message);
    });

  it('an index outside the table, when they run', async () => {
    const table = tensor([[1], [2]]);
    for (const build of [
      (i: Tensor) => table.indexSelect(0, i),
      (i: Tensor) => embedding(table, i),
      (i: Tensor) => table.gatherAlong(0, i.unsqueeze(1)),
      (i: Tensor) => table.scatterAdd(0, i.unsqueeze(1), tensor([[1]])),
    ]) {
      const error = await build(tensor([7], [1], 'int32'))
        .data()
        .then(
          () => null,
          (e: Error) => e,
        );
      expect(error?.message).to.include('ONNX Runtime');
    }
  });
});
