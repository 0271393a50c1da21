import {
  compile,
  concat,
  type DType,
  dtypes,
  eye,
  full,
  ShapeError,
  stack,
  type Tensor,
  tensor,
} from '@rivulet/tensor';
import { expect } from 'chai';

const ids = tensor([1, 0], [2], 'int64');
const pairs = tensor(
  [
    [1, 0],
    [0, 1],
  ],
  [2, 2],
  'int32',
);

/** Operations of one [2, 2] tensor. */
const operations: Readonly<Record<string, (x: Tensor) => Tensor>> = {
  add: (x) => x.add(x),
  sub: (x) => x.sub(1),
  mul: (x) => x.mul(x),
  div: (x) => x.div(x),
  floorDiv: (x) => x.floorDiv(2),
  mod: (x) => x.mod(2),
  maximum: (x) => x.maximum(x),
  minimum: (x) => x.minimum(x),
  pow: (x) => x.pow(3),
  square: (x) => x.square(),
  equal: (x) => x.equal(x),
  notEqual: (x) => x.notEqual(x),
  less: (x) => x.less(x),
  lessEqual: (x) => x.lessEqual(x),
  greater: (x) => x.greater(x),
  greaterEqual: (x) => x.greaterEqual(x),
  and: (x) => x.and(x),
  or: (x) => x.or(x),
  xor: (x) => x.xor(x),
  not: (x) => x.not(),
  where: (x) => tensor([true, false]).where(x, x),
  maskedFill: (x) => x.maskedFill(tensor([true, false]), 1),
  neg: (x) => x.neg(),
  abs: (x) => x.abs(),
  sign: (x) => x.sign(),
  floor: (x) => x.floor(),
  clip: (x) => x.clip(1, 2),
  clipMin: (x) => x.clip(1),
  relu: (x) => x.relu(),
  sum: (x) => x.sum(0),
  sumAll: (x) => x.sum(),
  mean: (x) => x.mean(),
  max: (x) => x.max(0),
  min: (x) => x.min(),
  prod: (x) => x.prod(0),
  any: (x) => x.any(),
  all: (x) => x.all(1),
  argmax: (x) => x.argmax(),
  argmin: (x) => x.argmin(0),
  cumsum: (x) => x.cumsum(0),
  topk: (x) => x.topk(1).values,
  argsort: (x) => x.argsort(),
  reshape: (x) => x.reshape([4]),
  permute: (x) => x.permute([1, 0]),
  expand: (x) => x.expand([2, 2, 2]),
  concat: (x) => concat([x, x], 0),
  stack: (x) => stack([x, x]),
  split: (x) => x.split(1)[0]!,
  chunk: (x) => x.chunk(2)[1]!,
  slice: (x) => x.slice(0, 1),
  select: (x) => x.select(0, 1),
  flip: (x) => x.flip(),
  roll: (x) => x.roll(1, 0),
  tril: (x) => x.tril(),
  pad: (x) => x.pad([[1, 0]]),
  padEdge: (x) => x.pad([[1, 0]], { mode: 'edge' }),
  padReflect: (x) => x.pad([[1, 0]], { mode: 'reflect' }),
  repeat: (x) => x.repeat([2, 1]),
  repeatInterleave: (x) => x.repeatInterleave(2, 0),
  gather: (x) => x.gather(ids),
  indexSelect: (x) => x.indexSelect(1, ids),
  gatherAlong: (x) => x.gatherAlong(0, pairs),
  scatterAdd: (x) => x.scatterAdd(1, pairs, x),
  oneHot: (x) => x.oneHot(3),
  full: (x) => full([2], 1, x.dtype),
  eye: (x) => eye(2, 2, x.dtype),
  ...Object.fromEntries(dtypes.map((to) => [`cast to ${to}`, (x: Tensor) => x.cast(to)])),
};

/** What each type is refused by, of the operations above; float16 and the small integers are for storage. */
const arithmetic =
  'add sub mul floorDiv mod maximum minimum pow square less lessEqual greater greaterEqual neg abs sign floor ' +
  'clip clipMin relu mean max min prod argmax argmin cumsum topk argsort scatterAdd oneHot';
const storage = `${arithmetic} equal notEqual and or xor not sum sumAll any all`;
const refused: Readonly<Record<DType, string>> = {
  float32: 'and or xor not oneHot',
  int32: 'not floor mean',
  int64: 'not floor mean',
  bool: arithmetic,
  float16: `${storage} where maskedFill`,
  uint8: storage,
  int8: `${storage} where maskedFill`,
  uint32: `${storage} where maskedFill`,
};

describe('element types', () => {
  for (const dtype of dtypes)
    it(`${dtype}: run, or are refused by name where the graph is built`, async () => {
      const seen: string[] = [];
      const graph = await compile({ x: { shape: [2, 2], dtype } }, ({ x }) => {
        const results = Object.entries(operations).flatMap(([name, f], i) => {
          try {
            return [[`y${i}`, f(x)] as const];
          } catch (error) {
            expect(error).to.be.instanceOf(ShapeError);
            seen.push(name);
            return [];
          }
        });
        return Object.fromEntries(results);
      });
      const value = tensor([1, 0, 1, 1], [2, 2], dtype);
      await graph.run({ x: { dtype, dims: [2, 2], data: await value.data() } });
      await graph.dispose();
      expect(seen.sort()).to.deep.equal(refused[dtype].split(' ').sort());
    });

  it('int32 and int64: survive what a processor traps', async () => {
    for (const [dtype, least] of [
      ['int32', -(2 ** 31)],
      ['int64', Number.MIN_SAFE_INTEGER],
    ] as const) {
      const x = tensor([least, -7, 7], [3], dtype);
      expect(await x.mod(-1).toArray()).to.deep.equal([0, 0, 0]);
      expect(await x.floorDiv(tensor([1, -1, -1], [3], dtype)).toArray()).to.deep.equal([least, 7, -7]);
      const error = await x
        .mod(0)
        .data()
        .then(
          () => null,
          (e: Error) => e,
        );
      expect(error?.message).to.include('by zero');
    }
    expect(
      await tensor([-(2 ** 31)], [1], 'int32')
        .floorDiv(-1)
        .toArray(),
    ).to.deep.equal([-(2 ** 31)]); // wraps around
  });
});
