import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { manualSeed } from '@rivulet/nn';
import { calibrate, compile, type HostTensor, hostTensor, seeded, symbol, type Tensor } from '@rivulet/tensor';
import {
  type Backbone,
  calibrateImages,
  createModel,
  DenseNet,
  type Image,
  ImageClassifier,
  ImageError,
  type ModelOptions,
  UNet,
} from '@rivulet/vision';
import { expect } from 'chai';
import { root } from '../../../test/support/repository.ts';

const random = seeded(3);
const noise = (...dims: number[]): HostTensor =>
  hostTensor(
    Float32Array.from({ length: dims.reduce((a, b) => a * b, 1) }, () => 4 * random.nextFloat() - 2),
    'float32',
    dims,
  );

type Features = (x: Tensor) => Tensor;
const of =
  (model: Backbone): Features =>
  (x) =>
    model.forwardFeatures(x);
const registered =
  (name: string, options: ModelOptions = {}) =>
  (): Features =>
    of(createModel(name, options));

/** Small networks of every kind, each with the side and channels of its images: they differ in what lies between convolutions. */
const NETWORKS: Readonly<Record<string, readonly [make: () => Features, side: number, channels: number]>> = {
  lenet5: [registered('lenet5'), 28, 1], // tanh, average pools
  cifar_resnet20: [registered('cifar_resnet20'), 32, 3], // sums, padded shortcuts
  mobilenet_v1: [registered('mobilenet_v1', { widthMult: 0.25 }), 32, 3], // depthwise, ReLU6
  mobilenet_v2: [registered('mobilenet_v2', { widthMult: 0.35 }), 32, 3], // linear bottlenecks
  mobilenet_v3_small: [registered('mobilenet_v3_small', { widthMult: 0.35 }), 64, 3], // squeeze and excitation, hard swish
  shufflenet_v2_x0_5: [registered('shufflenet_v2_x0_5'), 32, 3], // split, shuffle
  squeezenet1_1: [registered('squeezenet1_1'), 48, 3], // concatenated ReLUs
  densenet: [() => of(new DenseNet({ growth: 4, blocks: [2, 2], stem: 8, cifar: true, numClasses: 10 })), 16, 3], // norms before convolutions
  unet: [
    () => {
      const unet = new UNet({ channels: 1, numClasses: 2, widths: [4, 8] });
      return (x) => unet.forward(x);
    },
    32,
    1,
  ], // transposed convolutions, skips
};

describe('image models in whole numbers', () => {
  for (const [name, [make, side, channels]] of Object.entries(NETWORKS))
    it(`${name} agrees with float32`, async () => {
      manualSeed(1);
      const features = make();
      const specs = { x: { shape: [symbol('N'), channels, side, side] } };
      const build = ({ x }: { x: Tensor }) => ({ y: features(x) });
      const x = noise(2, channels, side, side);
      const calibration = await calibrate(specs, build, [{ x }]);
      const plain = await compile(specs, build);
      const whole = await compile(specs, build, { weights: 'int8', calibration });
      const [expected, found] = [(await plain.run({ x })).y, (await whole.run({ x })).y];
      await Promise.all([plain.dispose(), whole.dispose()]);
      let [error, size] = [0, 0];
      expected.data.forEach((value, i) => {
        error += (Number(value) - Number(found.data[i])) ** 2;
        size += Number(value) ** 2;
      });
      expect(Math.sqrt(error / size)).to.be.within(1e-5, 0.12);
    });
});

describe('calibrateImages', () => {
  const image = { size: [32, 32], channels: 3, mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5], layout: 'squash' } as const;
  const model = createModel('cifar_resnet20');
  const pictures = Array.from(
    { length: 3 },
    (): Image => ({
      width: 32,
      height: 32,
      channels: 3,
      data: Uint8Array.from({ length: 3072 }, () => 255 * random.nextFloat()),
    }),
  );

  it('gives what a classifier takes, whatever the batches', async () => {
    const calibration = await calibrateImages(model, image, pictures, { method: 'minmax', batchSize: 2 });
    const one = await calibrateImages(model, image, pictures, { method: 'minmax', batchSize: 1 });
    expect(Object.keys(calibration.ranges)).to.deep.equal(Object.keys(one.ranges));
    for (const [name, means] of Object.entries(one.means))
      expect(calibration.means[name], name).to.be.allclose(means, { atol: 1e-4, rtol: 1e-3 });
    const labels = Array.from({ length: 10 }, (_, i) => `${i}`);
    const classifier = await ImageClassifier.compile(model, labels, image, { weights: 'int8', calibration });
    const samples = join(root, 'examples/images');
    const file = readdirSync(samples).find((name) => name.endsWith('.png'))!;
    expect(await classifier.classify(join(samples, file))).to.have.length(10);
    await classifier.dispose();
  });

  it('names what is no image, or leaves it out', async () => {
    const broken = Uint8Array.of(1, 2, 3);
    const error = await calibrateImages(model, image, [pictures[0]!, broken]).catch((e: unknown) => e);
    expect(error).to.be.instanceOf(ImageError);
    const told: string[] = [];
    const onImageError = ({ message }: ImageError): void => {
      told.push(message);
    };
    await calibrateImages(model, image, [broken, pictures[0]!], { onImageError });
    expect(told).to.deep.equal([(error as Error).message]);
    const none = await calibrateImages(model, image, [broken], { onImageError }).catch((e: Error) => e.message);
    expect(none).to.match(/no batches were given/);
    const call = () => calibrateImages(model, image, [], { batchSize: 0 });
    expect(call).to.throw(RangeError, 'calibrateImages: batchSize must be a whole number from 1, got 0');
  });
});
