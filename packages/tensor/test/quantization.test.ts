import { avgPool, BatchNorm, Conv2d, conv, manualSeed, maxPool } from '@rivulet/nn';
import {
  type BackendName,
  type Calibration,
  type CalibrationOptions,
  calibrate,
  compile,
  concat,
  constant,
  type HostTensor,
  hostTensor,
  parameter,
  parseCalibration,
  symbol,
  type Tensor,
} from '@rivulet/tensor';
import { expect } from 'chai';
import fc from 'fast-check';
import { from } from 'rxjs';
import { traceInference } from '../src/compile.ts';
import { lowerInParts } from '../src/lowering/lower.ts';
import { Histogram } from '../src/quantization/histogram.ts';
import { MOST, quantizeWeights } from '../src/quantization/quantized-weights.ts';
import { stepsOf } from '../src/quantization/steps.ts';
import { seeded } from '../src/random.ts';
import { atOnce } from '../src/slices.ts';

const random = seeded(7);
const noise = (length: number): Float32Array => Float32Array.from({ length }, () => 2 * random.nextFloat() - 1);
const images = (count: number, side = 8): { x: HostTensor } => ({
  x: hostTensor(noise(count * 3 * side * side), 'float32', [count, 3, side, side]),
});

const specs = { x: { shape: [symbol('N'), 3, 8, 8] } };

/** A network that has everything that stays in whole numbers, and some that does not. */
function network(): (inputs: { x: Tensor }) => { y: Tensor; inner: Tensor } {
  manualSeed(3);
  const first = new Conv2d(3, 8, 3, { padding: 1 });
  const norms = [8, 8, 16].map((channels) => new BatchNorm(channels));
  for (const { weight, bias, running_mean, running_var } of norms)
    for (const [tensor, at] of [
      [weight, 1],
      [bias, 0],
      [running_mean, 0],
      [running_var, 1],
    ] as const)
      data(tensor).forEach((_, i, all) => {
        all[i] = at + 0.4 * (random.nextFloat() - 0.5);
      });
  const depthwise = new Conv2d(8, 8, 3, { padding: 1, groups: 8, bias: false });
  const point = new Conv2d(8, 8, 1);
  const [left, right] = [new Conv2d(8, 8, 1), new Conv2d(8, 8, 3, { padding: 1 })];
  const last = new Conv2d(16, 4, 3, { stride: 2 });
  return ({ x }) => {
    const a = norms[0]!.forward(first.forward(x)).relu();
    const b = norms[1]!.forward(depthwise.forward(a)).relu6();
    const shortcut = point.forward(b).add(a);
    const both = concat([left.forward(shortcut).relu(), right.forward(shortcut).relu()], 1);
    const pooled = maxPool(norms[2]!.forward(both).relu(), 2);
    const padded = avgPool(
      pooled.pad([
        [0, 0],
        [0, 0],
        [1, 1],
        [1, 1],
      ]),
      2,
      { stride: 1 },
    );
    const gate = padded.mean([2, 3], { keepDims: true }).sigmoid();
    return { y: last.forward(padded.mul(gate)).hardSwish(), inner: shortcut };
  };
}

const data = (tensor: Tensor): Float32Array =>
  (tensor.node as unknown as { storage: HostTensor }).storage.data as Float32Array;

function relativeError(found: HostTensor, expected: HostTensor): number {
  let [error, size] = [0, 0];
  expected.data.forEach((value, i) => {
    error += (Number(value) - Number(found.data[i])) ** 2;
    size += Number(value) ** 2;
  });
  return Math.sqrt(error / size);
}

const failure = (work: Promise<unknown>): Promise<Error> =>
  work.then(
    () => expect.fail('nothing was thrown'),
    (error: Error) => error,
  );

describe('convolutions in whole numbers', () => {
  for (const backend of ['native', 'node', 'wasm'] as BackendName[])
    it(`${backend}: agree with float32, outputs in the middle too`, async () => {
      const build = network();
      const calibration = await calibrate(specs, build, [images(4), images(4)], { backend });
      const plain = await compile(specs, build, { backend });
      const whole = await compile(specs, build, { backend, weights: 'int8', calibration });
      const batch = images(3);
      const [expected, found] = [await plain.run(batch), await whole.run(batch)];
      expect(found.y.dims).to.deep.equal(expected.y.dims);
      expect(relativeError(found.y, expected.y)).to.be.within(1e-4, 0.06);
      expect(relativeError(found.inner, expected.inner)).to.be.within(1e-4, 0.04);
      await Promise.all([plain.dispose(), whole.dispose()]);
    });

  it('stay in whole numbers from one to the next', async () => {
    const build = network();
    const calibration = await calibrate(specs, build, [images(4)]);
    const { feeds, outputs } = traceInference(specs, build);
    const { graph } = atOnce(lowerInParts(feeds, [outputs[0]!], { weights: 'int8', calibration }));
    const count = (opType: string): number => graph.nodes.filter((node) => node.opType === opType).length;
    // six convolutions, and the batch norm behind a concatenation
    expect(count('QLinearConv')).to.equal(7);
    for (const name of ['Conv', 'BatchNormalization', 'Relu', 'Clip', 'Add', 'AveragePool'])
      expect(count(name), name).to.equal(0);
    for (const name of ['QLinearAdd', 'QLinearAveragePool', 'Concat', 'MaxPool', 'Pad'])
      expect(count(name), name).to.equal(1);
    // the image and what a gate was multiplied with; before the gate, and the result
    expect([count('QuantizeLinear'), count('DequantizeLinear')]).to.deep.equal([2, 2]);
  });

  it('are the sums that whole numbers give', async () => {
    // steps of 1 for the image, 2 for the result, weights of 1 and −63: everything is exact
    const weight = parameter(1, 2, 1, 1);
    data(weight).set([1, -63]);
    const build = ({ x }: { x: Tensor }) => ({ y: conv(x, weight) });
    const small = { x: { shape: [1, 2, 1, 3] } };
    const x = hostTensor([0, 255, 120, 2, 1, 0], 'float32', [1, 2, 1, 3]);
    const calibration: Calibration = {
      ranges: { input_0: { min: 0, max: 255 }, Conv_0: { min: -256, max: 254 } },
      means: { input_0: [0, 0] },
      peaks: {},
    };
    const graph = await compile(small, build, { weights: 'int8', calibration });
    expect([...(await graph.run({ x })).y.data]).to.deep.equal([-126, 192, 120]);
    await graph.dispose();
  });

  it('do not overflow where all factors are as large as they can be', async () => {
    // 255 · 127 · 2 would leave the 16 bits that processors without VNNI add two products in
    const weight = constant(new Float32Array(64).fill(1), [1, 64, 1, 1]);
    const wide = { x: { shape: [1, 64, 1, 1] } };
    const build = ({ x }: { x: Tensor }) => ({ y: conv(x, weight) });
    const x = hostTensor(new Float32Array(64).fill(1), 'float32', [1, 64, 1, 1]);
    const calibration = await calibrate(wide, build, [{ x }]);
    const graph = await compile(wide, build, { weights: 'int8', calibration });
    expect((await graph.run({ x })).y.data[0]).to.be.closeTo(64, 0.5);
    await graph.dispose();
  });

  it('take a calibration of more than they are, of another name of the input and batch size, and through JSON', async () => {
    const build = network();
    const calibration = parseCalibration(JSON.parse(JSON.stringify(await calibrate(specs, build, [images(4)]))));
    const part = ({ x }: { x: Tensor }) => ({ inner: build({ x }).inner });
    const renamed = ({ image }: { image: Tensor }) => part({ x: image });
    const fixed = { image: { shape: [2, 3, 8, 8] } };
    const [plain, whole] = [
      await compile(fixed, renamed),
      await compile(fixed, renamed, { weights: 'int8', calibration }),
    ];
    const batch = { image: images(2).x };
    expect(relativeError((await whole.run(batch)).inner, (await plain.run(batch)).inner)).to.be.below(0.04);
    await Promise.all([plain.dispose(), whole.dispose()]);
  });

  it('keep a channel whose weights are all zero, and one that never fires', async () => {
    const layer = new Conv2d(3, 3, 1);
    data(layer.weight).fill(0, 0, 3);
    data(layer.bias!).set([0.75, -100, 0]);
    const build = ({ x }: { x: Tensor }) => ({ y: layer.forward(x).relu() });
    const calibration = await calibrate(specs, build, [images(2)], { method: 'minmax' });
    const graph = await compile(specs, build, { weights: 'int8', calibration });
    const { y } = await graph.run(images(1));
    expect(y.data.subarray(0, 64)).to.be.allclose(new Float32Array(64).fill(0.75), { atol: 0.01, rtol: 0 });
    expect([...y.data.subarray(64, 128)]).to.deep.equal(Array(64).fill(0));
    await graph.dispose();
  });
});

describe('calibrate', () => {
  const layer = new Conv2d(3, 4, 3);
  const build = ({ x }: { x: Tensor }) => ({ y: layer.forward(x) });
  const ranges = async (options: CalibrationOptions, batches = [images(8)]) =>
    (await calibrate(specs, build, batches, options)).ranges;

  it('covers all values, most of them, or those with the least error', async () => {
    const batch = images(8);
    batch.x.data[5] = 20; // far away
    const all = await ranges({ method: 'minmax' }, [batch]);
    const most = await ranges({ method: 'percentile', percentile: 99 }, [batch]);
    const best = await ranges({}, [batch]);
    expect(all.input_0!.max).to.equal(20);
    expect(most.input_0!.max).to.be.within(0.9, 1.1);
    expect(best.input_0!.max).to.be.within(1, 20);
    expect(all.input_0!.min).to.be.within(-1, -0.99);
  });

  it('takes batches from lists, generators and Observables', async () => {
    const batches = [images(1), images(2), images(1)];
    const expected = await calibrate(specs, build, batches);
    async function* later() {
      yield* batches;
    }
    expect(await calibrate(specs, build, later())).to.deep.equal(expected);
    expect(await calibrate(specs, build, from(batches))).to.deep.equal(expected);
    const broken = from(
      (function* () {
        yield batches[0]!;
        throw new Error('the camera is gone');
      })(),
    );
    expect((await failure(calibrate(specs, build, broken))).message).to.equal('the camera is gone');
  });

  const rows: readonly [string, () => Promise<unknown>, string][] = [
    [
      'no batches',
      () => calibrate(specs, build, []),
      'calibrate: no batches were given; the ranges of activations come from them',
    ],
    [
      'values that are no numbers',
      () => {
        const batch = images(1);
        batch.x.data[7] = Number.NaN;
        return calibrate(specs, build, [images(1), batch]);
      },
      "calibrate: batch 1 gives values of 'input_0' that are no finite numbers",
    ],
    [
      'a batch of another shape',
      () => calibrate(specs, build, [images(1, 9)]),
      "run: the input 'x' is float32 [1, 3, 9, 9], expected float32 [N, 3, 8, 8]",
    ],
    [
      'a graph without convolutions',
      () => calibrate(specs, ({ x }) => ({ y: x.relu() }), [images(1)]),
      'the graph has no convolution that could be in whole numbers',
    ],
    [
      'an unknown method',
      () => calibrate(specs, build, [images(1)], { method: 'entropy' as never }),
      "there is no calibration method 'entropy'; there are: mse, percentile, minmax",
    ],
    [
      'a percentile that is none',
      () => calibrate(specs, build, [images(1)], { method: 'percentile', percentile: 0.99 }),
      'percentile must be above 50 and at most 100, got 0.99',
    ],
    [
      'a calibration without weights in whole numbers',
      async () => compile(specs, build, { calibration: await calibrate(specs, build, [images(1)]) }),
      "a calibration goes with weights 'int8', got weights 'float32'",
    ],
    [
      'a calibration of a smaller network',
      async () =>
        compile(specs, ({ x }) => ({ y: conv(build({ x }).y.relu(), constant(noise(16), [4, 4, 1, 1])) }), {
          weights: 'int8',
          calibration: await calibrate(specs, build, [images(1)]),
        }),
      "the calibration says nothing of 'Relu_0': it is of another network; calibrate this one",
    ],
    [
      'a calibration of other channels',
      () =>
        compile(specs, build, {
          weights: 'int8',
          calibration: {
            ranges: { input_0: { min: 0, max: 1 }, Conv_0: { min: 0, max: 1 } },
            means: { input_0: [1, 2] },
            peaks: {},
          },
        }),
      "the calibration has 2 channels of 'input_0', the network 3: it is of another one; calibrate this one",
    ],
  ];
  for (const [what, work, message] of rows)
    it(`refuses ${what}`, async () => {
      expect((await failure(work())).message).to.equal(message);
    });

  it('JSON that is no calibration is refused, with the entry', () => {
    const means = { x: [1] };
    const peaks = {};
    for (const [json, message] of [
      [null, 'a calibration must be an object, got null'],
      [{ means, peaks }, "a calibration's 'ranges' must be an object, got undefined"],
      [{ ranges: { x: 3 }, means, peaks }, "the range 'x' of a calibration must be an object, got 3"],
      [
        { ranges: { x: { min: 2, max: 1 } }, means, peaks },
        'the range \'x\' of a calibration must have finite numbers min ≤ max, got {"min":2,"max":1}',
      ],
      [{ ranges: {}, means: { x: ['1'] }, peaks }, "the means 'x' of a calibration must be a list of finite numbers"],
    ] as const)
      expect(() => parseCalibration(json)).to.throw(TypeError, message);
  });
});

describe('histogram of activations', () => {
  const values = fc
    .array(fc.double({ min: -1000, max: 1000, noNaN: true }), { minLength: 300, maxLength: 300 })
    .map((all) => Float32Array.from(all, (x, i) => (i % 50 === 0 ? x : x / 100)));
  const squaredError = (all: Float32Array, { min, max }: { min: number; max: number }): number => {
    const { scale, zeroPoint } = stepsOf({ min, max });
    return all.reduce((sum, x) => {
      const q = Math.min(255, Math.max(0, Math.round(x / scale) + zeroPoint));
      return sum + (x - scale * (q - zeroPoint)) ** 2;
    }, 0);
  };

  it("finds a range whose error is no larger than that of all values' range, whatever came first", () => {
    fc.assert(
      fc.property(values, (all) => {
        const [once, parts] = [new Histogram(), new Histogram()];
        once.add(all);
        for (let i = 0; i < all.length; i += 100) parts.add(all.subarray(i, i + 100));
        const whole = squaredError(all, once);
        // bins and evenly spread values are an approximation
        expect(squaredError(all, once.leastError())).to.be.at.most(1.3 * whole + 1e-9);
        expect(squaredError(all, parts.leastError())).to.be.at.most(1.3 * whole + 1e-9);
        expect([parts.min, parts.max]).to.deep.equal([once.min, once.max]);
      }),
      { numRuns: 30 },
    );
  });

  it('cuts off what is far from nearly all', () => {
    const all = noise(100_000);
    all[17] = 60;
    const histogram = new Histogram();
    expect(histogram.add(all)).to.equal(true);
    const { min, max } = histogram.percentile(99.9);
    expect([min, max].map((x) => Math.abs(x))).to.satisfy((ends: number[]) => ends.every((x) => x > 0.9 && x < 1.1));
    const best = histogram.leastError();
    expect(best.max).to.be.below(60);
    expect(squaredError(all, best)).to.be.below(squaredError(all, histogram));
  });

  it('knows zeros alone, and refuses what is not finite', () => {
    const histogram = new Histogram();
    expect(histogram.add(new Float32Array(4))).to.equal(true);
    expect(histogram.leastError()).to.deep.equal({ min: 0, max: 0 });
    for (const value of [Number.NaN, Number.POSITIVE_INFINITY])
      expect(histogram.add(Float32Array.of(1, value))).to.equal(false);
    expect(histogram.add(Float32Array.of(1, 2))).to.equal(true);
    expect(histogram.leastError().max).to.be.closeTo(2, 0.02);
  });
});

describe('gains of channels', () => {
  it('make channels of small values as fine as the others', async () => {
    // one channel of values a hundred times as small, and a convolution that reads nothing else
    const [first, second] = [new Conv2d(3, 4, 1, { bias: false }), new Conv2d(4, 4, 3, { groups: 4, bias: false })];
    data(first.weight).forEach((value, i, all) => {
      all[i] = i < 9 ? Math.abs(value) : Math.abs(value) / 100;
    });
    const build = ({ x }: { x: Tensor }) => ({ y: second.forward(first.forward(x).relu()) });
    const calibration = await calibrate(specs, build, [images(8)]);
    const { feeds, outputs } = traceInference(specs, build);
    const { graph } = atOnce(lowerInParts(feeds, outputs, { weights: 'int8', calibration }));
    const [scales] = graph.nodes.filter(({ opType }) => opType === 'QLinearConv').map(({ inputs }) => inputs[4]);
    const found = graph.initializers.find(({ name }) => name === scales)!.data as Float32Array;
    const before = (o: number): number => Math.max(...data(first.weight).slice(3 * o, 3 * o + 3)) / MOST;
    expect(found[0]! / before(0)).to.be.within(0.99, 4);
    expect(found[3]! / before(3)).to.be.within(16, 64.01);
    const [plain, whole] = [await compile(specs, build), await compile(specs, build, { weights: 'int8', calibration })];
    const batch = images(4);
    const [expected, got] = [(await plain.run(batch)).y, (await whole.run(batch)).y];
    expect(relativeError(got, expected)).to.be.below(0.03);
    await Promise.all([plain.dispose(), whole.dispose()]);
  });
});

describe('weights of convolutions in whole numbers', () => {
  const weights = { data: noise(6 * 4 * 9), dims: [6, 4, 3, 3], bias: noise(6), groups: 1 };

  it('are off by half a step at most, and of 7 bits', () => {
    const { values, scales } = quantizeWeights(weights, 0.1, [0, 0, 0, 0]);
    weights.data.forEach((x, i) => {
      const [q, scale] = [Number(values.data[i]), Number(scales.data[Math.floor(i / 36)])];
      expect(Math.abs(q)).to.be.at.most(MOST);
      expect(Math.abs(x - q * scale)).to.be.at.most(0.5001 * scale);
    });
  });

  it('give the same mean as before', () => {
    const means = [0.5, -2, 3, 1];
    const { values, scales, bias } = quantizeWeights(weights, 0.01, means);
    for (let o = 0; o < 6; o++) {
      let [expected, found] = [weights.bias[o]!, Number(bias.data[o]) * 0.01 * Number(scales.data[o])];
      for (let i = 0; i < 36; i++) {
        expected += weights.data[36 * o + i]! * means[Math.floor(i / 9)]!;
        found += Number(values.data[36 * o + i]) * Number(scales.data[o]) * means[Math.floor(i / 9)]!;
      }
      expect(found).to.be.closeTo(expected, 0.01 * Number(scales.data[o]));
    }
  });
});
