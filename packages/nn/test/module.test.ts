import {
  Dropout,
  DropPath,
  dropout,
  dropPath,
  Embedding,
  type Layer,
  LayerNorm,
  Linear,
  Module,
  MultiheadAttention,
  manualSeed,
  StateDictError,
  sequential,
  storageOf,
} from '@rivulet/nn';
import {
  compileStep,
  gradients,
  type HostTensor,
  ShapeError,
  scalar,
  symbol,
  type Tensor,
  tensor,
} from '@rivulet/tensor';
import { expect } from 'chai';

class Net extends Module {
  readonly embedding = new Embedding(5, 4, { paddingIdx: 0 });
  readonly layers: Layer[] = [new Linear(4, 4), (x) => x.relu(), new Linear(4, 2, { bias: false })];
  readonly attention = new MultiheadAttention({ embedDim: 4, numHeads: 2 });
  readonly norm = new LayerNorm(2);
  readonly tied: Tensor = this.embedding.weight;
}

describe('Module', () => {
  it('names its tensors as PyTorch does; plain functions keep their index, a shared tensor appears once', () => {
    expect([...new Net().stateDict()].map(([name, t]) => `${name} [${t.shape}]`)).to.deep.equal([
      'embedding.weight [5,4]',
      'layers.0.weight [4,4]',
      'layers.0.bias [4]',
      'layers.2.weight [2,4]',
      'attention.in_proj_weight [12,4]',
      'attention.in_proj_bias [12]',
      'attention.out_proj.weight [4,4]',
      'attention.out_proj.bias [4]',
      'norm.weight [2]',
      'norm.bias [2]',
    ]);
    expect(new Net().parameterCount()).to.equal(20 + 16 + 4 + 8 + 48 + 12 + 16 + 4 + 2 + 2);
  });

  it('has a layer norm without bias, which adds nothing', async () => {
    const [plain, whole] = [new LayerNorm(3, { bias: false }), new LayerNorm(3)];
    expect([...plain.stateDict().keys()]).to.deep.equal(['weight']);
    for (const { weight } of [plain, whole]) (storageOf(weight).data as Float32Array).set([1, 2, 3]);
    const x = tensor([1, 4, -2], [1, 3]);
    expect(await plain.forward(x).data()).to.deep.equal(await whole.forward(x).data());
  });

  it('starts the same from the same seed, and the padding row at zero', () => {
    const values = (seed: number): number[] => {
      manualSeed(seed);
      return [...new Net().stateDict().values()].flatMap((t) => [...(storageOf(t).data as Float32Array)]);
    };
    expect(values(3)).to.deep.equal(values(3));
    expect(values(3)).to.not.deep.equal(values(4));
    expect(values(3).slice(0, 4)).to.deep.equal([0, 0, 0, 0]);
  });

  it('draws initial values from the distributions of PyTorch', () => {
    manualSeed(1);
    const weight = storageOf(new Linear(100, 400).weight).data as Float32Array;
    const bound = 1 / Math.sqrt(100);
    expect(Math.max(...weight)).to.be.within(bound * 0.999, bound);
    expect(weight.reduce((sum, x) => sum + x * x, 0) / weight.length).to.be.closeTo(bound ** 2 / 3, 1e-4);
    const vectors = storageOf(new Embedding(300, 100).weight).data as Float32Array;
    expect(vectors.reduce((sum, x) => sum + x, 0) / vectors.length).to.be.closeTo(0, 0.02);
    expect(vectors.reduce((sum, x) => sum + x * x, 0) / vectors.length).to.be.closeTo(1, 0.03);
  });

  it('loads what fits and names all that does not, changing nothing', () => {
    const net = new Net();
    const state = new Map(
      [...net.stateDict()].map(([name, t]): [string, HostTensor] => [
        name,
        { ...storageOf(t), data: new Float32Array(storageOf(t).data.length).fill(2) },
      ]),
    );
    net.loadStateDict(state);
    expect([...storageOf(net.norm.bias!).data]).to.deep.equal([2, 2]);

    state.set('norm.bias', { dtype: 'float32', dims: [3], data: new Float32Array(3) });
    state.set('head.weight', { dtype: 'float32', dims: [1], data: new Float32Array(1) });
    state.delete('layers.0.bias');
    const report = {
      missing: ['layers.0.bias [4]'],
      unexpected: ['head.weight [1]'],
      mismatched: ['norm.bias has shape [3], the model wants [2]', 'norm.weight is int32, the model wants float32'],
    };
    state.set('norm.weight', { dtype: 'int32', dims: [2], data: new Int32Array(2) });
    expect(() => net.loadStateDict(state))
      .to.throw(
        StateDictError,
        'the checkpoint does not fit the model: 1 missing: layers.0.bias [4]; 1 unexpected: head.weight [1]; 2 mismatched: ' +
          'norm.weight is int32, the model wants float32, norm.bias has shape [3], the model wants [2]',
      )
      .with.property('report')
      .that.deep.equals({ ...report, mismatched: [...report.mismatched].reverse() });
    expect([...storageOf(net.norm.bias!).data]).to.deep.equal([2, 2]);
  });

  const ones = (net: Module): Map<string, HostTensor> =>
    new Map(
      [...net.stateDict()].map(([name, t]) => {
        const { dtype, dims, data } = storageOf(t);
        return [name, { dtype, dims, data: new Float32Array(data.length).fill(1) }];
      }),
    );

  it('loads what there is where asked to be lenient, and reports the rest', () => {
    const net = new Net();
    const state = ones(net);
    state.delete('norm.weight');
    state.set('head.weight', { dtype: 'float32', dims: [1], data: new Float32Array(1) });
    expect(net.loadStateDict(state, { strict: false })).to.deep.equal({
      missing: ['norm.weight [2]'],
      unexpected: ['head.weight [1]'],
      mismatched: [],
    });
    expect([...storageOf(net.norm.bias!).data]).to.deep.equal([1, 1]);
    // As in PyTorch, another shape is refused even then, unless that is asked for too.
    state.set('norm.bias', { dtype: 'float32', dims: [3], data: new Float32Array(3) });
    expect(() => net.loadStateDict(state, { strict: false })).to.throw(StateDictError, '1 mismatched: norm.bias');
    const report = net.loadStateDict(state, { strict: false, skipMismatched: true });
    expect(report.mismatched).to.deep.equal(['norm.bias has shape [3], the model wants [2]']);
    expect([...storageOf(net.norm.bias!).data]).to.deep.equal([1, 1]);
  });

  it('loads a part of a larger checkpoint by its prefix', () => {
    const net = new Net();
    const state = new Map([...ones(net)].map(([name, value]) => [`encoder.${name}`, value]));
    state.set('decoder.weight', { dtype: 'float32', dims: [1], data: new Float32Array(1) });
    expect(() => net.loadStateDict(state)).to.throw(StateDictError, '10 missing');
    expect(net.loadStateDict(state, { prefix: 'encoder.' })).to.deep.equal({
      missing: [],
      unexpected: [],
      mismatched: [],
    });
    expect([...storageOf(net.norm.bias!).data]).to.deep.equal([1, 1]);
    state.delete('encoder.norm.bias');
    expect(() => net.loadStateDict(state, { prefix: 'encoder.' })).to.throw('1 missing: encoder.norm.bias [2]');
  });

  it('applies lists of layers in order', async () => {
    const double: Layer = (x) => x.mul(2);
    expect([...(await sequential(tensor([1, 2]), [double, (x) => x.add(1), double]).data())]).to.deep.equal([6, 10]);
  });
});

describe('dropout', () => {
  const draw = async (p: number, seed: number, size = 10_000): Promise<Float32Array[]> => {
    const step = await compileStep({ x: { shape: [size] } }, ({ x }) => ({
      outputs: { a: dropout(x, p), b: dropout(x, p) },
      updates: new Map(),
    }));
    const { a, b } = await step.run(
      { x: { dtype: 'float32', dims: [size], data: new Float32Array(size).fill(1) } },
      seed,
    );
    await step.dispose();
    return [a.data as Float32Array, b.data as Float32Array];
  };

  it('drops the share it should and keeps the mean, in training', async () => {
    for (const p of [0.1, 0.5, 0.9]) {
      const [a] = await draw(p, 1);
      const dropped = a!.filter((x) => x === 0).length / a!.length;
      expect(dropped).to.be.closeTo(p, 0.02);
      expect(new Set(a)).to.deep.equal(new Set([0, Math.fround(1 / (1 - p))]));
    }
  });

  it('draws the same from the same seed, and anew for every seed and every place', async () => {
    const [a, b] = await draw(0.5, 7);
    const [again] = await draw(0.5, 7);
    const [other] = await draw(0.5, 8);
    const agreement = (x: Float32Array, y: Float32Array): number =>
      x.filter((value, i) => value === y[i]).length / x.length;
    expect(agreement(a!, again!)).to.equal(1);
    expect(agreement(a!, b!)).to.be.closeTo(0.5, 0.03);
    expect(agreement(a!, other!)).to.be.closeTo(0.5, 0.03);
    expect(agreement(a!.subarray(0, -1), a!.subarray(1))).to.be.closeTo(0.5, 0.03);
  });

  it('does nothing in inference, and refuses what is no probability', async () => {
    expect([...(await dropout(tensor([1, 2]), 0.9).data())]).to.deep.equal([1, 2]);
    expect(() => dropout(tensor([1]), 1)).to.throw(RangeError, 'the probability must be in [0, 1), got 1');
  });
});

describe('dropPath', () => {
  /** Two branches of ones for 1,000 examples, the batch's size being symbolic, and the gradient of the first. */
  const draw = async (p: number, seed: number): Promise<Float32Array[]> => {
    const layer = new DropPath(p);
    const step = await compileStep({ x: { shape: [symbol('N'), 2, 3] } }, ({ x }) => {
      const a = layer.forward(x);
      const [slope] = gradients(a.sum(), [x]);
      return { outputs: { a, b: layer.forward(x), slope: slope! }, updates: new Map() };
    });
    const x = { dtype: 'float32', dims: [1000, 2, 3], data: new Float32Array(6000).fill(1) } as const;
    const { a, b, slope } = await step.run({ x }, seed);
    await step.dispose();
    return [a, b, slope].map(({ data }) => data as Float32Array);
  };

  it('drops whole examples, the share that it should, and keeps the mean', async () => {
    for (const p of [0.1, 0.5]) {
      const [a, , slope] = await draw(p, 1);
      const kept = Math.fround(1 / (1 - p));
      for (let i = 0; i < a!.length; i += 6) {
        expect([0, kept]).to.include(a![i]);
        expect(new Set(a!.subarray(i, i + 6)).size).to.equal(1);
      }
      expect(a!.filter((x) => x === 0).length / a!.length).to.be.closeTo(p, 0.05);
      expect(slope).to.deep.equal(a);
    }
  });

  it('draws the same from the same seed, and anew for every seed and every place', async () => {
    const [a, b] = await draw(0.5, 7);
    expect((await draw(0.5, 7))[0]).to.deep.equal(a);
    for (const other of [b!, (await draw(0.5, 8))[0]!])
      expect(other.filter((value, i) => value === a![i]).length / a!.length).to.be.closeTo(0.5, 0.05);
  });

  it('does nothing in inference and with probability 0, and refuses misuse', async () => {
    expect([...(await dropPath(tensor([1, 2]), 0.9).data())]).to.deep.equal([1, 2]);
    expect(new Set((await draw(0, 1))[0])).to.deep.equal(new Set([1]));
    expect(() => dropPath(scalar(1), 0.1)).to.throw(ShapeError, 'dropPath: wants [N, …], got a scalar');
    expect(() => new DropPath(1)).to.throw(RangeError, 'DropPath: the probability must be in [0, 1), got 1');
    expect(() => new Dropout(-0.1)).to.throw(RangeError, 'Dropout: the probability must be in [0, 1), got -0.1');
  });
});
