import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { type Module, skipInit, storageOf } from '@rivulet/nn';
import { compile, compileStep, concat, gradients, input, type Tensor, tensor } from '@rivulet/tensor';
import {
  createModel,
  createSegmenter,
  DenseSegmenter,
  FCN,
  listSegmenters,
  ResNet,
  type SegmentationModel,
  UNet,
} from '@rivulet/vision';
import { expect } from 'chai';
import { fill, noise } from './support/formula.ts';

interface Values {
  readonly norm: number;
  readonly samples: readonly number[];
}
interface Pass {
  readonly norm: number;
  readonly logits: readonly number[];
  readonly gradients: Readonly<Record<string, Values>>;
}
const file = new URL('./fixtures/segmentation.json', import.meta.url);
const cases: Readonly<Record<string, { keys: string; eval: Pass; train: Pass }>> = JSON.parse(
  readFileSync(file, 'utf8'),
);
const numClasses = 5;
const resnet = () => new ResNet({ block: 'basic', layers: [1, 1, 1, 1], numClasses: 1 });
interface Small {
  readonly make: () => SegmentationModel;
  readonly shape: readonly number[];
  readonly forward: (model: SegmentationModel, x: Tensor) => Tensor;
}
const dense = (head: 'fcn' | 'deeplab'): Small => ({
  make: () => new DenseSegmenter({ backbone: resnet(), head, numClasses, auxiliary: true, dropout: 0 }),
  shape: [4, 3, 48, 48],
  forward: (model, x) => {
    const { logits, aux } = (model as DenseSegmenter).forwardWithAuxiliary(x);
    return concat([logits, aux!], 1);
  },
});
const fcn = (levels: readonly number[]): Small => ({
  make: () => new FCN({ backbone: createModel('vgg11'), numClasses, levels, hidden: 16, dropout: 0 }),
  shape: [2, 3, 48, 40],
  forward: (model, x) => model.forward(x),
});
/** As tools/reference/torchvision_segmentation.py builds them. */
const SMALL: Readonly<Record<string, Small>> = {
  'small fcn': dense('fcn'),
  'small deeplabv3': dense('deeplab'),
  'small fcn32s': fcn([4]),
  'small fcn16s': fcn([4, 3]),
  'small fcn8s': fcn([4, 3, 2]),
  'small unet': {
    make: () => new UNet({ numClasses, channels: 1, widths: [4, 8, 12] }),
    shape: [2, 1, 21, 30],
    forward: (model, x) => model.forward(x),
  },
};
const count = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);

function keyHash(model: Module): string {
  const lines = [...model.stateDict()].map(([key, t]) => `${key}[${t.shape.join(',')}]`);
  return createHash('sha256').update(lines.sort().join('\n')).digest('hex').slice(0, 16);
}

function compare(data: ArrayLike<number>, { norm, samples }: Values, tolerance: number): void {
  const values = Array.from(data);
  const step = Math.max(1, Math.floor(values.length / 8));
  const spread = values.filter((_, i) => i % step === 0).slice(0, 8);
  const scale = Math.max(...samples.map(Math.abs), norm / Math.sqrt(values.length));
  expect(spread).to.be.allclose(samples, { atol: tolerance * scale, rtol: 0 });
  expect(Math.sqrt(values.reduce((sum, v) => sum + v * v, 0)) / norm).to.be.closeTo(1, 1e-4);
}

describe('segmentation models against PyTorch', () => {
  for (const [name, { keys }] of Object.entries(cases).filter(([name]) => !name.startsWith('small')))
    it(`${name} has the same tensors`, () => {
      const model = skipInit(() =>
        createSegmenter(name, { numClasses, ...(!/^(unet|fcn\d)/.test(name) && { auxiliary: true }) }),
      );
      expect(keyHash(model)).to.equal(keys);
    });

  // Without batch norm and dropout both modes are alike: one of the FCNs on VGG shows it.
  for (const [name, { make, shape, forward }] of Object.entries(SMALL))
    for (const mode of /fcn(32|16)s/.test(name) ? (['eval'] as const) : (['eval', 'train'] as const))
      it(`a ${name} gives the same logits and gradients (${mode})`, async () => {
        const model = skipInit(make);
        fill(model);
        const expected = cases[name]!;
        expect(keyHash(model)).to.equal(expected.keys);
        const { norm, logits, gradients: wanted } = expected[mode];
        const wrt = Object.keys(wanted).map((key) => model.parameters().get(key)!);
        const graph = await compileStep(
          { x: { shape } },
          ({ x }) => {
            const y = forward(model, x);
            const sizes = y.shape as readonly number[];
            const loss = y.mul(tensor(noise(count(sizes), 2), sizes)).sum();
            const grads = gradients(loss, wrt).map((g, i) => [`g${i}`, g] as const);
            return { outputs: { y, ...Object.fromEntries(grads) }, updates: new Map() };
          },
          { training: mode === 'train' },
        );
        const run = await graph.run({ x: { dtype: 'float32', dims: shape, data: noise(count(shape), 1) } });
        await graph.dispose();
        const results = run as Record<string, { readonly data: ArrayLike<number> }>;
        compare(results.y!.data, { norm, samples: logits }, 1e-4);
        Object.values(wanted).forEach((values, i) => {
          compare(results[`g${i}`]!.data, values, 1e-3);
        });
      });
});

describe('FCN', () => {
  it('starts its enlargement as bilinear interpolation', async () => {
    const model = new FCN({ backbone: resnet(), numClasses: 2, levels: [4] });
    const up = model.up[0]!;
    const constant = tensor(new Float32Array(2 * 3 * 3).fill(1), [1, 2, 3, 3]);
    const graph = await compile({}, () => ({ y: up.forward(constant).slice(2, 32, 64).slice(3, 32, 64) }));
    const { y } = await graph.run({});
    await graph.dispose();
    expect(y.data).to.be.allclose(new Float32Array(2 * 32 * 32).fill(1), { atol: 1e-6 });
  });

  it('joins stages of any backbone, whatever the size of the image', () => {
    const x = input('x', [1, 3, 70, 90]);
    for (const levels of [[4], [4, 3], [4, 3, 2]])
      for (const backbone of ['resnet18', 'vgg11', 'googlenet'] as const) {
        const model = skipInit(() => new FCN({ backbone: createModel(backbone), numClasses: 3, levels }));
        expect(model.forward(x).shape).to.deep.equal([1, 3, 70, 90]);
      }
  });

  it('goes up to the size of the image itself, where the last map keeps its values', async () => {
    const backbone = createModel('cifar_resnet20');
    const model = new FCN({ backbone, numClasses: 2, levels: [3, 2, 1] });
    const graph = await compile({}, () => ({ y: model.up.at(-1)!.forward(tensor(noise(2 * 9, 1), [1, 2, 3, 3])) }));
    const { y } = await graph.run({});
    await graph.dispose();
    expect(y.dims).to.deep.equal([1, 2, 3, 3]);
    expect(y.data).to.be.allclose(noise(2 * 9, 1), { atol: 1e-6 });
    expect(model.forward(input('x', [1, 3, 30, 33])).shape).to.deep.equal([1, 2, 30, 33]);
  });

  it('refuses stages that do not halve', () => {
    expect(() => skipInit(() => new FCN({ backbone: resnet(), numClasses: 2, levels: [4, 2] }))).to.throw(
      RangeError,
      'levels have strides 32, 8; each must be half of the last',
    );
    expect(() => new FCN({ backbone: resnet(), numClasses: 2, levels: [9] })).to.throw(RangeError, 'level 9');
  });
});

describe('UNet', () => {
  it('gives every pixel a class and every parameter a gradient, at odd sizes too', async () => {
    const model = new UNet({ numClasses: 2, channels: 1, widths: [4, 8, 12] });
    fill(model);
    const parameters = [...model.parameters()];
    const shape = [1, 1, 21, 30];
    const graph = await compile({ x: { shape } }, ({ x }) => {
      const y = model.forward(x);
      const loss = y.mul(tensor(noise(2 * 21 * 30, 2), [1, 2, 21, 30])).sum();
      const grads = gradients(
        loss,
        parameters.map(([, t]) => t),
      );
      return {
        y,
        sums: concat(
          grads.map((g) => g.abs().sum().reshape([1])),
          0,
        ),
      };
    });
    const { y, sums } = await graph.run({ x: { dtype: 'float32', dims: shape, data: noise(21 * 30, 1) } });
    await graph.dispose();
    expect(y.dims).to.deep.equal([1, 2, 21, 30]);
    expect((y.data as Float32Array).every(Number.isFinite)).to.equal(true);
    parameters.forEach(([key], i) => {
      expect(Number(sums.data[i]), key).to.be.above(0);
    });
  });
});

describe('createSegmenter', () => {
  it('makes every model that it lists, and names them', () => {
    for (const name of listSegmenters()) {
      const model = skipInit(() => createSegmenter(name, { numClasses: 4 }));
      expect(model.forward(input('x', [1, 3, 96, 64])).shape, name).to.deep.equal([1, 4, 96, 64]);
      expect([...model.parameters().values()].every((t) => storageOf(t).data.length > 0)).to.equal(true);
    }
    expect(() => createSegmenter('fcn')).to.throw(
      RangeError,
      "there is no segmentation model 'fcn'; there are: deeplab",
    );
  });
});
