import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { type Module, skipInit, storageOf } from '@rivulet/nn';
import { compileStep, concat, gradients, type Tensor, tensor } from '@rivulet/tensor';
import { type Backbone, createModel, GoogLeNet, listModels, resizePositions } from '@rivulet/vision';
import { expect } from 'chai';
import { fill, noise } from './support/formula.ts';
import { SMALL } from './support/small-models.ts';

interface Pass {
  readonly logits: readonly number[];
  readonly gradients: Readonly<Record<string, { readonly norm: number; readonly samples: readonly number[] }>>;
}
type Drawn = number | readonly [deviation: number, form: 'uniform' | 'normal'];
interface Case {
  readonly keys: string;
  readonly eval?: Pass;
  readonly train?: Pass;
  readonly initial?: Readonly<Record<string, Drawn>>;
}
interface Grid {
  readonly prefix: number;
  readonly side: number;
  readonly rows: number;
  readonly columns: number;
  readonly values: readonly number[];
}

const file = new URL('./fixtures/torchvision.json', import.meta.url);
const fixture = JSON.parse(readFileSync(file, 'utf8'));
const cases: Readonly<Record<string, Case>> = fixture.cases;
const CLASSES = 5;
const SHAPES: Readonly<Record<string, readonly number[]>> = {
  alexnet_2012: [2, 3, 224, 224],
  lenet5: [2, 1, 28, 28],
  mlp: [2, 1, 28, 28],
  'small swin': [2, 3, 60, 60],
};
/** Of the images; the others take 1. The script has the reason. */
const SEEDS: Readonly<Record<string, number>> = {
  googlenet: 7,
  vgg11: 7,
  vgg11_bn: 7,
  vgg19_bn: 7,
  resnet101: 7,
  densenet161: 7,
};
/** Of the large families, small shapes stand for all; RIVULET_LONG_TESTS compares every variant. */
const SHORT = [
  ...Object.keys(SMALL).filter((name) => !/of width 0\.[57]/.test(name)),
  'cifar_resnet20',
  'googlenet',
  'mobilenet_v2',
  'mobilenet_v3_small',
  'squeezenet1_1',
  'efficientnet_b0',
  'shufflenet_v2_x0_5',
];
const long = process.env.RIVULET_LONG_TESTS !== undefined;

/** The model with zeros for weights, or with 64x64 images where it has to know their size. */
function build(name: string): Backbone {
  const small = /vit|deit/.test(name) ? { imageSize: 64 } : {};
  return skipInit(
    () => SMALL[name]?.() ?? createModel(name, { numClasses: CLASSES, dropout: 0, dropPath: 0, ...small }),
  );
}

function keyHash(model: Module): string {
  const lines = [...model.stateDict()].map(([key, t]) => `${key}[${t.shape.join(',')}]`);
  return createHash('sha256').update(lines.sort().join('\n')).digest('hex').slice(0, 16);
}

/** Logits, of GoogLeNet beside those of its auxiliary classifiers. */
function logitsOf(model: Backbone, x: Tensor): Tensor {
  if (!(model instanceof GoogLeNet)) return model.forward(x);
  const { logits, aux1, aux2 } = model.forwardWithAuxiliary(x);
  return concat([logits, aux1, aux2], 1);
}

/** The logits, the gradients of `names` and, as `magnitudes`, the sum of magnitudes of every gradient. */
async function pass(name: string, training: boolean, names: readonly string[], shape: readonly number[]) {
  const model = build(name);
  fill(model);
  const parameters = model.parameters();
  const graph = await compileStep(
    { x: { shape } },
    ({ x }) => {
      const y = logitsOf(model, x);
      const [rows, columns] = [y.size(0), y.size(1)];
      const loss = y.mul(tensor(noise(rows * columns, 2), [rows, columns])).sum();
      // In training, what a batch norm follows has no gradient but noise.
      const wanted = training ? names.map((key) => parameters.get(key)!) : [...parameters.values()];
      const found = new Map(gradients(loss, wanted).map((g, i) => [wanted[i], g]));
      const outputs = names.map((key, i) => [`g${i}`, found.get(parameters.get(key))!] as const);
      const magnitudes = concat(
        [...found.values()].map((g) => g.abs().sum().reshape([1])),
        0,
      );
      return { outputs: { y, magnitudes, ...Object.fromEntries(outputs) }, updates: new Map() };
    },
    { training },
  );
  const length = shape.reduce((a, b) => a * b, 1);
  const results = await graph.run({ x: { dtype: 'float32', dims: shape, data: noise(length, SEEDS[name] ?? 1) } });
  await graph.dispose();
  const without = training ? [] : [...parameters.keys()].filter((_, i) => !(Number(results.magnitudes.data[i]) > 0));
  return { results: results as Record<string, { readonly data: ArrayLike<number> }>, without };
}

const largest = (values: readonly number[]): number => Math.max(...values.map(Math.abs));

function compare(data: ArrayLike<number>, { norm, samples }: { norm: number; samples: readonly number[] }): void {
  const values = Array.from(data);
  const step = Math.max(1, Math.floor(values.length / 8));
  const spread = values.filter((_, i) => i % step === 0).slice(0, 8);
  const scale = Math.max(largest(samples), norm / Math.sqrt(values.length));
  expect(spread).to.be.allclose(samples, { atol: 1e-3 * scale, rtol: 0 });
  expect(Math.sqrt(values.reduce((sum, v) => sum + v * v, 0)) / norm).to.be.closeTo(1, 1e-4);
}

describe('vision models against PyTorch', () => {
  it('have the same tensors, whatever their size', () => {
    const names = Object.keys(cases);
    expect(names).to.include.members(listModels());
    for (const name of names) {
      const model = skipInit(() => SMALL[name]?.() ?? createModel(name, { numClasses: CLASSES }));
      expect(keyHash(model), name).to.equal(cases[name]!.keys);
    }
  });

  for (const name of long ? Object.keys(cases) : SHORT)
    for (const mode of ['eval', 'train'] as const) {
      const expected = cases[name]?.[mode];
      if (!expected) continue;
      it(`${name} gives the same logits and gradients (${mode})`, async () => {
        const shape = SHAPES[name] ?? [2, 3, 64, 64];
        const names = Object.keys(expected.gradients);
        const { results, without } = await pass(name, mode === 'train', names, shape);
        expect(results.y!.data).to.be.allclose(expected.logits, { atol: 1e-4 * largest(expected.logits), rtol: 0 });
        Object.values(expected.gradients).forEach((gradient, i) => {
          compare(results[`g${i}`]!.data, gradient);
        });
        expect(without, 'parameters without a gradient').to.deep.equal([]);
      }).timeout(long ? 300_000 : 60_000);
    }

  for (const name of SHORT)
    it(`${name} starts from the same distributions`, () => {
      const { initial = {} } = cases[name]!;
      const model = SMALL[name]?.() ?? createModel(name, { numClasses: CLASSES });
      for (const [key, t] of model.parameters()) {
        const expected = initial[`${key.replaceAll(/\d+/g, '#')}[${t.shape.join(',')}]`];
        if (expected === undefined) continue;
        const values = storageOf(t).data as Float32Array;
        if (typeof expected === 'number') {
          expect(
            values.every((v) => v === Math.fround(expected)),
            `${key} is ${expected}`,
          ).to.equal(true);
          continue;
        }
        const mean = values.reduce((sum, v) => sum + v, 0) / values.length;
        const deviation = Math.sqrt(values.reduce((sum, v) => sum + (v - mean) ** 2, 0) / values.length);
        const top = values.reduce((most, v) => Math.max(most, Math.abs(v)), 0);
        expect(deviation / expected[0], `deviation of ${key}`).to.be.closeTo(1, 0.12);
        expect(top < 1.8 * deviation ? 'uniform' : 'normal', key).to.equal(expected[1]);
      }
    });

  it("interpolate learned positions as timm's do", async () => {
    for (const { prefix, side, values, ...to } of fixture.positions as Grid[]) {
      const count = prefix + side * side;
      const pos = tensor(noise(3 * count, 5), [1, count, 3]);
      expect(await resizePositions(pos, { prefix, ...to }).data()).to.be.allclose(values, { atol: 1e-6, rtol: 0 });
    }
  });
});
