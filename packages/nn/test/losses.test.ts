import { readFileSync } from 'node:fs';
import {
  binaryCrossEntropy,
  binaryCrossEntropyWithLogits,
  CrossEntropyLoss,
  CTCLoss,
  cosineEmbeddingLoss,
  crossEntropy,
  crossEntropyParts,
  ctcLoss,
  HuberLoss,
  huberLoss,
  klDiv,
  l1Loss,
  mseLoss,
  nllLoss,
  type Reduction,
  smoothL1Loss,
  tripletMarginLoss,
} from '@rivulet/nn';
import { compile, gradients, type HostTensor, ShapeError, symbol, type Tensor, tensor } from '@rivulet/tensor';
import { expect } from 'chai';
import { fill } from '../../../test/support/parity.ts';

// Made by tools/reference/torch_losses.py.
const file = new URL('./fixtures/torch-losses.json', import.meta.url);
const { cases } = JSON.parse(readFileSync(file, 'utf8')) as {
  cases: Record<string, { loss: number[]; gradients: number[][] }>;
};

const constant = (shape: readonly number[], phase: number, scale?: number): Tensor =>
  tensor(fill(shape, phase, scale).data, shape);
const ints = (values: number[], shape: number[] = [values.length]): Tensor => tensor(values, shape, 'int32');

const target = ints([4, -100, 0, 3]);
const weight = constant([5], 5).add(1);
const factors = constant([5], 3).add(1);
const positive = (): Tensor => constant([4, 5], 2, 2).greater(0).cast('float32');
const signs = tensor([1, -1, -1, 1], [4]);

type Loss = (a: Tensor, b: Tensor, reduction: Reduction) => Tensor;
const losses: Record<string, Loss> = {
  mseLoss: (a, b, reduction) => mseLoss(a, b, { reduction }),
  l1Loss: (a, b, reduction) => l1Loss(a, b, { reduction }),
  smoothL1Loss: (a, b, reduction) => smoothL1Loss(a, b, { beta: 0.7, reduction }),
  huberLoss: (a, b, reduction) => huberLoss(a, b, { delta: 1.3, reduction }),
  binaryCrossEntropy: (a, _, reduction) => binaryCrossEntropy(a.sigmoid(), positive(), { weight: factors, reduction }),
  binaryCrossEntropyWithLogits: (a, _, reduction) =>
    binaryCrossEntropyWithLogits(a.mul(20), positive().mul(0.9), {
      weight: factors,
      posWeight: constant([5], 4).add(2),
      reduction,
    }),
  klDiv: (a, b, reduction) => klDiv(a.logSoftmax(), b.softmax(), { reduction }),
  'klDiv log': (a, b, reduction) => klDiv(a.logSoftmax(), b.logSoftmax(), { reduction, logTarget: true }),
  nllLoss: (a, _, reduction) => nllLoss(a.logSoftmax(), target, { weight, reduction }),
  cosineEmbeddingLoss: (a, b, reduction) => cosineEmbeddingLoss(a, b, signs, { margin: 0.1, reduction }),
  tripletMarginLoss: (a, b, reduction) => tripletMarginLoss(a, b, constant([4, 5], 6), { margin: 2, reduction }),
  ctcLoss: (a, _, reduction) =>
    ctcLoss(
      a.logSoftmax(),
      ints([1, 2, 2, 3, 0, 0, 1, 1, 1, 0, 0, 0], [4, 3]),
      ints([7, 5, 4, 7]),
      ints([3, 1, 3, 0]),
      { zeroInfinity: true, reduction },
    ),
  'ctcLoss blank': (a, _, reduction) =>
    ctcLoss(a.logSoftmax(), ints([0, 1, 2, 2, 3, -1, 0, 0], [4, 2]), ints([7, 7, 6, 3]), ints([2, 2, 1, 2]), {
      blank: 4,
      reduction,
    }),
};
for (const labelSmoothing of [0, 0.2]) {
  const kind = labelSmoothing.toFixed(1);
  const soft = (): Tensor => constant([4, 5], 2, 2).softmax();
  losses[`crossEntropy ${kind}`] = (a, _, reduction) => crossEntropy(a, target, { labelSmoothing, reduction });
  losses[`crossEntropy weights ${kind}`] = (a, _, reduction) =>
    crossEntropy(a, target, { labelSmoothing, weight, reduction });
  losses[`crossEntropy soft ${kind}`] = (a, _, reduction) => crossEntropy(a, soft(), { labelSmoothing, reduction });
  losses[`crossEntropy soft weights ${kind}`] = (a, _, reduction) =>
    crossEntropy(a, soft(), { labelSmoothing, weight, reduction });
}

async function check(name: string, loss: (a: Tensor, b: Tensor) => Tensor): Promise<void> {
  const expected = cases[name]!;
  const shape = name.startsWith('ctcLoss') ? [7, 4, 5] : [4, 5];
  const graph = await compile({ a: { shape }, b: { shape: [4, 5] } }, ({ a, b }) => {
    const value = loss(a, b);
    const weights = constant(value.shape as number[], 9);
    const grads = gradients(value.mul(weights).sum(), [a, b]);
    return { value, g0: grads[0]!, g1: grads[1]! };
  });
  const results = await graph.run({ a: fill(shape, name.startsWith('ctcLoss') ? 7 : 1, 2), b: fill([4, 5], 2, 2) });
  await graph.dispose();
  expect(results.value.data).to.be.allclose(expected.loss, { atol: 1e-5, rtol: 2e-5 });
  expected.gradients.forEach((gradient, i) => {
    expect(results[`g${i}` as 'g0'].data).to.be.allclose(gradient, { atol: 1e-5, rtol: 1e-4 });
  });
}

describe('losses', () => {
  for (const [name, loss] of Object.entries(losses))
    it(`are PyTorch's, with their gradients: ${name}`, async () => {
      for (const reduction of ['mean', 'sum', 'none'] as const)
        await check(`${name} ${reduction}`, (a, b) => loss(a, b, reduction));
    });

  it("are PyTorch's: klDiv over the batch, smoothL1Loss without a bend", async () => {
    await check('klDiv batchmean', (a, b) => klDiv(a.logSoftmax(), b.softmax(), { reduction: 'batchmean' }));
    await check('smoothL1Loss beta 0', (a, b) => smoothL1Loss(a, b, { beta: 0 }));
  });

  it('are classes too', async () => {
    const [a, b] = [constant([4, 5], 1), constant([4, 5], 2)];
    const same = async (x: Tensor, y: Tensor): Promise<void> => {
      expect(await x.item()).to.equal(await y.item());
    };
    await same(new HuberLoss({ delta: 0.1 }).forward(a, b), huberLoss(a, b, { delta: 0.1 }));
    await same(new CrossEntropyLoss().forward(a, target), crossEntropy(a, target));
    const lengths = [ints([1, 2, 3, 1], [4, 1]), ints([5, 5, 5, 5]), ints([1, 1, 1, 1])] as const;
    const frames = constant([5, 4, 6], 1).logSoftmax();
    await same(new CTCLoss({ blank: 5 }).forward(frames, ...lengths), ctcLoss(frames, ...lengths, { blank: 5 }));
  });

  it('serve any batch size with one session', async () => {
    const [B, T] = [symbol('B'), symbol('T')];
    const int = { dtype: 'int32' } as const;
    const graph = await compile(
      { x: { shape: [T, B, 5] }, y: { shape: [B, 2], ...int }, n: { shape: [B], ...int }, m: { shape: [B], ...int } },
      ({ x, y, n, m }) => ({ loss: ctcLoss(x.logSoftmax(), y, n, m, { reduction: 'none' }) }),
    );
    const run = (frames: number, rows: number): Promise<Record<'loss', HostTensor>> =>
      graph.run({
        x: fill([frames, rows, 5], 1),
        y: { dtype: 'int32', dims: [rows, 2], data: new Int32Array(rows * 2).fill(1) },
        n: { dtype: 'int32', dims: [rows], data: new Int32Array(rows).fill(frames) },
        m: { dtype: 'int32', dims: [rows], data: new Int32Array(rows).fill(2) },
      });
    expect((await run(4, 3)).loss.data).to.have.length(3);
    expect((await run(2, 1)).loss.data[0]).to.equal(Number.POSITIVE_INFINITY); // 1 1 needs a blank between
    await graph.dispose();
  });

  it('stay finite with certain probabilities', async () => {
    const p = tensor([0, 1, 1, 0], [4]);
    const losses = binaryCrossEntropy(p, tensor([0, 1, 0, 1], [4]), { reduction: 'none' });
    expect(await losses.data()).to.be.allclose([0, 0, 100, 100]);
    const hot = tensor([1, 0], [1, 2]);
    expect(await klDiv(tensor([0, 0], [1, 2]), hot, { reduction: 'sum' }).item()).to.equal(0);
  });

  it('count nothing where every target is ignored', async () => {
    const all = ints([-100, -100]);
    const { loss, count } = crossEntropyParts(constant([2, 5], 1), all, { weight });
    expect([await loss.item(), await count.item()]).to.deep.equal([0, 0]);
  });

  for (const bad of [5, -1])
    it(`fail for class ${bad} of 5`, async () => {
      const runs = [
        crossEntropy(constant([1, 5], 1), ints([bad])),
        crossEntropy(constant([1, 5], 1), ints([bad]), { weight }),
        nllLoss(constant([1, 5], 1), ints([bad])),
        ctcLoss(constant([3, 1, 5], 1), ints([bad], [1, 1]), ints([3]), ints([1])),
      ];
      for (const [i, loss] of runs.entries()) {
        const error = await loss.item().then(
          () => null,
          (e: unknown) => e,
        );
        expect(error, String(i)).to.be.instanceOf(Error);
      }
    });

  it('fail for lengths beyond the data: ctcLoss', async () => {
    const frames = constant([3, 1, 5], 1);
    for (const [n, m] of [
      [4, 1],
      [3, 2],
      [-1, 1],
    ] as const) {
      const error = await ctcLoss(frames, ints([1], [1, 1]), ints([n]), ints([m]))
        .item()
        .then(
          () => null,
          (e: unknown) => e,
        );
      expect(error, `${n} ${m}`).to.be.instanceOf(Error);
    }
  });

  it('name what does not fit', () => {
    const [a, b] = [constant([4, 5], 1), constant([4, 1], 1)];
    expect(() => mseLoss(a, b)).to.throw(ShapeError, 'mseLoss: input [4, 5] and target [4, 1]');
    expect(() => crossEntropy(a, b)).to.throw(ShapeError, 'logits [4, 5] and probabilities [4, 1]');
    expect(() => crossEntropy(a, ints([1, 2]))).to.throw(ShapeError, '[4, 5]');
    expect(() => nllLoss(a, ints([1, 2]))).to.throw(ShapeError, '[4, 5]');
    expect(() => crossEntropy(a, target, { weight: a })).to.throw(ShapeError, 'not one per class');
    expect(() => crossEntropy(a, target, { labelSmoothing: 2 })).to.throw(RangeError, 'labelSmoothing');
    expect(() => l1Loss(a, a, { reduction: 'max' as Reduction })).to.throw(RangeError, "reduction must be 'mean'");
    expect(() => ctcLoss(a, a, a, a)).to.throw(ShapeError, 'wants [T, N, C], [N, S], [N] and [N]');
    expect(() => huberLoss(a, a, { delta: 0 })).to.throw(RangeError, 'delta');
  });
});
