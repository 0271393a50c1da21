import { readFileSync } from 'node:fs';
import {
  adaptiveAvgPool,
  adaptiveMaxPool,
  avgPool,
  BatchNorm2d,
  Conv1d,
  Conv2d,
  ConvTranspose2d,
  GroupNorm,
  instanceNorm,
  interpolate,
  localResponseNorm,
  type Module,
  maxPool,
  RMSNorm,
  storageOf,
} from '@rivulet/nn';
import { compile, compileStep, gradients, type HostTensor, input, symbol, type Tensor } from '@rivulet/tensor';
import { expect } from 'chai';
import { backends, checkParity, type Expected, fill, fillModule } from '../../../test/support/parity.ts';

interface BatchNormCase {
  readonly training: Expected;
  readonly buffers: Record<string, number[]>;
  readonly inference: number[];
}

// Made by tools/reference/torch_convolution.py.
const file = new URL('./fixtures/torch-convolution.json', import.meta.url);
const { cases } = JSON.parse(readFileSync(file, 'utf8')) as {
  cases: Record<string, Expected> & { batchNorm: Record<'default' | 'cumulative', BatchNormCase> };
};

type Make = () => Module & { forward(x: Tensor): Tensor };
const layers: Record<string, [make: Make, shape: number[]]> = {
  plain: [() => new Conv2d(3, 4, 3), [2, 3, 5, 6]],
  padded: [() => new Conv2d(3, 4, 3, { padding: 1, bias: false }), [2, 3, 5, 6]],
  strided: [() => new Conv2d(3, 4, 3, { stride: 2, padding: 1 }), [2, 3, 7, 6]],
  uneven: [() => new Conv2d(2, 3, [2, 3], { stride: [3, 2], padding: [0, 1] }), [2, 2, 8, 7]],
  dilated: [() => new Conv2d(2, 3, 3, { dilation: 2, padding: 2, stride: 2 }), [2, 2, 8, 7]],
  pointwise: [() => new Conv2d(3, 4, 1), [2, 3, 4, 5]],
  pointwiseSmall: [() => new Conv2d(8, 10, 1), [2, 8, 1, 2]],
  pointwiseStrided: [() => new Conv2d(3, 4, 1, { stride: 2 }), [2, 3, 5, 6]],
  grouped: [() => new Conv2d(4, 6, 3, { groups: 2, padding: 1 }), [2, 4, 5, 5]],
  depthwise: [() => new Conv2d(4, 4, 3, { groups: 4, padding: 1 }), [2, 4, 5, 5]],
  depthwiseStrided: [() => new Conv2d(4, 4, 3, { groups: 4, stride: 2, padding: 1 }), [2, 4, 6, 5]],
  depthwiseBlocks: [() => new Conv2d(16, 16, 3, { groups: 16, padding: 1 }), [2, 16, 5, 4]],
  depthwiseBlocksStrided: [
    () => new Conv2d(16, 16, 3, { groups: 16, stride: 2, padding: 1, bias: false }),
    [2, 16, 4, 5],
  ],
  depthwiseBlocksUneven: [
    () => new Conv2d(16, 16, [3, 2], { groups: 16, stride: 3, padding: 1, dilation: [2, 1] }),
    [2, 16, 8, 6],
  ],
  same: [() => new Conv2d(2, 3, 4, { padding: 'same' }), [2, 2, 5, 6]],
  conv1d: [() => new Conv1d(3, 4, 3, { stride: 2, padding: 1 }), [2, 3, 9]],
  transposed: [() => new ConvTranspose2d(3, 4, 3), [2, 3, 4, 5]],
  transposedStrided: [() => new ConvTranspose2d(3, 4, 3, { stride: 2, padding: 1, outputPadding: 1 }), [2, 3, 4, 5]],
  transposedGrouped: [() => new ConvTranspose2d(4, 6, 2, { stride: 2, groups: 2, bias: false }), [2, 4, 3, 3]],
  groupNorm: [() => new GroupNorm(2, 6), [2, 6, 3, 4]],
  rmsNorm: [() => new RMSNorm(6), [2, 3, 6]],
};

const functions: Record<string, [f: (x: Tensor) => Tensor, shape: number[]]> = {
  maxPool: [(x) => maxPool(x, 2), [2, 3, 6, 5]],
  maxPoolOverlapping: [(x) => maxPool(x, 3, { stride: 2, padding: 1 }), [2, 3, 7, 6]],
  maxPoolCeil: [(x) => maxPool(x, 3, { stride: 2, ceilMode: true }), [2, 3, 6, 6]],
  avgPool: [(x) => avgPool(x, 2), [2, 3, 6, 5]],
  avgPoolPadded: [(x) => avgPool(x, 3, { stride: 2, padding: 1 }), [2, 3, 7, 6]],
  avgPoolExcluded: [(x) => avgPool(x, 3, { stride: 2, padding: 1, countIncludePad: false }), [2, 3, 7, 6]],
  avgPoolCeil: [(x) => avgPool(x, 3, { stride: 2, ceilMode: true }), [2, 3, 6, 6]],
  globalAverage: [(x) => adaptiveAvgPool(x, 1), [2, 3, 5, 6]],
  adaptiveAverage: [(x) => adaptiveAvgPool(x, [3, 2]), [2, 3, 7, 5]],
  adaptiveMax: [(x) => adaptiveMaxPool(x, [3, 2]), [2, 3, 7, 5]],
  nearest: [(x) => interpolate(x, { size: [7, 4] }), [2, 3, 4, 6]],
  bilinear: [(x) => interpolate(x, { size: [7, 4], mode: 'bilinear' }), [2, 3, 4, 6]],
  corners: [(x) => interpolate(x, { scaleFactor: 2, mode: 'bilinear', alignCorners: true }), [2, 3, 3, 4]],
  instanceNorm: [(x) => instanceNorm(x), [2, 3, 4, 5]],
  localResponse: [(x) => localResponseNorm(x, { size: 3, alpha: 0.5, k: 2 }), [2, 6, 3, 2]],
  localResponseEven: [(x) => localResponseNorm(x, { size: 4, alpha: 2, beta: 0.5 }), [2, 5, 2, 3]],
};

/** Compares the output alone, by the operations that inference uses, on every backend. */
async function checkInference(f: (x: Tensor) => Tensor, shape: readonly number[], expected: number[]): Promise<void> {
  for (const backend of backends) {
    const graph = await compile({ x: { shape } }, ({ x }) => ({ y: f(x) }), { backend });
    const { y } = await graph.run({ x: fill(shape, 3) });
    await graph.dispose();
    expect(y.data, backend).to.be.allclose(expected);
  }
}

describe('convolution', () => {
  for (const [name, [make, shape]] of Object.entries(layers))
    it(`gives PyTorch's output and gradients: ${name}`, async () => {
      const module = make();
      fillModule(module);
      await checkParity(cases[name]!, module, [fill(shape, 3)], (x) => [module.forward(x!)]);
      await checkInference((x) => module.forward(x), shape, cases[name]!.outputs[0]!);
    });

  // Compiled as a step, depthwise convolutions take another form; with another number of images, yet another.
  for (const name of Object.keys(layers).filter((key) => key.startsWith('depthwise')))
    for (const batch of [2, symbol('N')])
      it(`gives PyTorch's output and gradients in a step: ${name}, ${batch} images`, async () => {
        const [make, [images, ...rest]] = layers[name]! as [Make, [number, ...number[]]];
        const module = make();
        fillModule(module);
        const { outputs, inputs, parameters } = cases[name]!;
        const cotangent = fill([images, outputs[0]!.length / images], 9);
        const step = await compileStep(
          { x: { shape: [batch, ...rest] }, g: { shape: [batch, cotangent.dims[1]!] } },
          ({ x, g }) => {
            const y = module.forward(x);
            const wrt = [x, ...module.parameters().values()];
            const [dx, ...others] = gradients(y.mul(g.reshape(y.shape)).sum(), wrt);
            const named = [...module.parameters().keys()].map((key, i) => [key, others[i]!] as const);
            return { outputs: { y, dx: dx!, ...Object.fromEntries(named) }, updates: new Map() };
          },
        );
        const results = await step.run({ x: fill([images, ...rest], 3), g: cotangent });
        await step.dispose();
        const expected = { y: outputs[0]!, dx: inputs[0]!, ...parameters };
        expect(Object.keys(results)).to.deep.equal(Object.keys(expected));
        for (const [key, values] of Object.entries(expected))
          expect((results as Record<string, HostTensor>)[key]!.data, key).to.be.allclose(values);
      });

  for (const [name, [f, shape]] of Object.entries(functions))
    it(`gives PyTorch's output and gradient: ${name}`, async () => {
      await checkParity(cases[name]!, null, [fill(shape, 3)], (x) => [f(x!)]);
      await checkInference(f, shape, cases[name]!.outputs[0]!);
    });

  it('wants a number of channels to compare with', () => {
    const x = input('x', [1, 3, 2, 2]);
    for (const size of [0, 1.5])
      expect(() => localResponseNorm(x, { size })).to.throw(RangeError, 'the size must be a whole number from 1');
  });

  it('says what does not fit', () => {
    const trace = (f: (x: Tensor) => Tensor, shape: number[]) => compile({ x: { shape } }, ({ x }) => ({ y: f(x) }));
    const message = (f: (x: Tensor) => Tensor, shape: number[]) =>
      trace(f, shape).then(String, (e: Error) => e.message);
    return Promise.all([
      message((x) => new Conv2d(3, 4, 3).forward(x), [2, 5, 8, 8]).then((m) =>
        expect(m).to.equal(
          'conv: input [2, 5, 8, 8] and weight [4, 3, 3, 3]: 1 group(s) need [N, 3, …] and outputs that divide',
        ),
      ),
      message((x) => new Conv2d(3, 4, 5).forward(x), [2, 3, 4, 8]).then((m) =>
        expect(m).to.equal('conv: a kernel that reaches over 5 does not fit into 4 + 0 of padding'),
      ),
      message((x) => maxPool(x, 2, { padding: 2 }), [2, 3, 4, 8]).then((m) =>
        expect(m).to.include('more than half of the kernel'),
      ),
      message((x) => new Conv2d(3, 4, 3, { stride: 0 }).forward(x), [2, 3, 4, 8]).then((m) =>
        expect(m).to.equal('conv: the stride must be 2 integers of 1 or more, got [0, 0]'),
      ),
      message((x) => interpolate(x, {}), [2, 3, 4, 8]).then((m) => expect(m).to.include('either size or scaleFactor')),
    ]);
  });
});

describe('batch normalization', () => {
  for (const [name, momentum] of [
    ['default', 0.1],
    ['cumulative', null],
  ] as const)
    it(`trains and infers as PyTorch's: ${name}`, async () => {
      const { training, buffers, inference } = cases.batchNorm[name];
      const norm = new BatchNorm2d(3, { momentum });
      storageOf(norm.weight).data.set(fill([3], 1).data as never);
      storageOf(norm.bias).data.set(fill([3], 2).data as never);
      const shape = [4, 3, 3, 2];
      const cotangent = fill(shape, 9);
      const step = await compileStep({ x: { shape }, g: { shape } }, ({ x, g }) => {
        const y = norm.forward(x);
        const [dx, dWeight, dBias] = gradients(y.mul(g).sum(), [x, norm.weight, norm.bias]);
        return { outputs: { y, dx: dx!, dWeight: dWeight!, dBias: dBias! }, updates: new Map() };
      });
      const { y, dx, dWeight, dBias } = await step.run({ x: fill(shape, 3), g: cotangent });
      const close = { atol: 1e-6, rtol: 1e-5 };
      expect(y.data).to.be.allclose(training.outputs[0]!, close);
      expect(dx.data).to.be.allclose(training.inputs[0]!, close);
      expect(dWeight.data).to.be.allclose(training.parameters.weight!, close);
      expect(dBias.data).to.be.allclose(training.parameters.bias!, close);
      await step.run({ x: fill(shape, 5), g: cotangent });
      await step.dispose();
      expect([...norm.stateDict().keys()]).to.deep.equal([
        'weight',
        'bias',
        'running_mean',
        'running_var',
        'num_batches_tracked',
      ]);
      for (const [key, expected] of Object.entries(buffers))
        expect(Array.from(storageOf(norm[key as 'running_mean']).data, Number), key).to.be.allclose(expected);
      await checkInference((x) => norm.forward(x), shape, inference);
    });
});
