import { join } from 'node:path';
import {
  adamW,
  Conv2d,
  compileStep,
  cosine,
  crossEntropy,
  dataset,
  dropout,
  fit,
  type HostTensor,
  type InputSpec,
  type Layer,
  Linear,
  Module,
  manualSeed,
  maxPool,
  progress,
  readIdxImages,
  readIdxLabels,
  seeded,
  sequential,
  shiftedBatch,
  symbol,
  type Tensor,
  Trainer,
} from 'rivulet';
import { lastValueFrom } from 'rxjs';
import type { Figure } from '../main.ts';

const DATA = new URL('../../../shared/data/images/mnist', import.meta.url).pathname;
const SIDE = 28;
const BATCH = 128;
/** The last training images are held out: nothing is chosen on the test set, which is read once, at the end. */
const VALIDATION = 5000;
const SEED = 1;

type Inputs = Readonly<Record<'images' | 'labels', InputSpec>>;

interface Digit {
  /** 28 · 28 values with mean 0 and deviation 1 over the training set. */
  readonly image: Float32Array;
  readonly label: number;
}

interface Run {
  readonly layers: () => Layer[];
  readonly epochs: number;
  readonly learningRate: number;
  /** Pixels by which training images are moved at random. */
  readonly shift: number;
}

const [MEAN, STD] = [0.1307, 0.3081];
const relu = (x: Tensor): Tensor => x.relu();
const flat = (x: Tensor): Tensor => x.flatten(1);
const pool = (x: Tensor): Tensor => maxPool(x, 2);
const drop = (x: Tensor): Tensor => dropout(x, 0.2);

class Net extends Module {
  readonly layers: Layer[];
  constructor(layers: Layer[]) {
    super();
    this.layers = layers;
  }
  /** [N, 1, 28, 28] → [N, 10] */
  forward(x: Tensor): Tensor {
    return sequential(x, this.layers);
  }
}

/** 784-512-512-10 with dropout, images as they are. */
export const mnistMLP = (): Promise<Figure[]> =>
  train('MLP 784-512-512-10', {
    layers: () => [
      flat,
      new Linear(SIDE * SIDE, 512),
      relu,
      drop,
      new Linear(512, 512),
      relu,
      drop,
      new Linear(512, 10),
    ],
    epochs: 20,
    learningRate: 1e-3,
    shift: 0,
  });

/** LeNet-5 (http://yann.lecun.com/exdb/publis/pdf/lecun-98.pdf) with ReLU and maxima, images moved by up to a pixel. */
export const mnistLeNet = (): Promise<Figure[]> =>
  train('LeNet-5', {
    layers: () => [
      new Conv2d(1, 6, 5, { padding: 2 }),
      relu,
      pool,
      new Conv2d(6, 16, 5),
      relu,
      pool,
      flat,
      new Linear(400, 120),
      relu,
      new Linear(120, 84),
      relu,
      new Linear(84, 10),
    ],
    epochs: 15,
    learningRate: 2e-3,
    shift: 1,
  });

async function train(name: string, { layers, epochs, learningRate, shift }: Run): Promise<Figure[]> {
  const all = await readDigits('train');
  const [training, validation] = [all.slice(0, -VALIDATION), all.slice(-VALIDATION)];
  manualSeed(SEED);
  const model = new Net(layers());
  const inputs: Inputs = {
    images: { shape: [symbol('N'), 1, SIDE, SIDE] },
    labels: { shape: [symbol('N')], dtype: 'int32' },
  };
  const perEpoch = Math.ceil(training.length / BATCH);
  const trainer = new Trainer<Inputs>({
    model,
    inputs,
    optimizer: adamW({ lr: cosine({ lr: learningRate, steps: epochs * perEpoch, warmup: perEpoch }) }),
    loss: ({ images, labels }) => crossEntropy(model.forward(images), labels),
    seed: SEED,
  });
  const classes = await compileStep(
    { images: inputs.images },
    ({ images }) => ({ outputs: { classes: model.forward(images).argmax(-1) }, updates: new Map() }),
    { training: false },
  );
  const accuracy = async (digits: readonly Digit[]): Promise<number> => {
    let right = 0;
    for await (const batch of dataset(digits).batch(500)) {
      const { data } = (await classes.run({ images: feeds(batch, 0, 0).images })).classes;
      batch.forEach(({ label }, i) => {
        if (Number(data[i]) === label) right++;
      });
    }
    return right / digits.length;
  };
  const begin = performance.now();
  await lastValueFrom(
    fit(trainer, {
      batches: (epoch) =>
        dataset(training)
          .shuffle({ seed: SEED, epoch })
          .batch(BATCH)
          .map((batch, i) => ({ feeds: feeds(batch, shift, epoch * perEpoch + i), items: batch.length })),
      batchCount: () => perEpoch,
      epochs,
      evaluate: async () => ({ validation: await accuracy(validation) }),
    }).pipe(progress({ unit: 'images' })),
  );
  const seconds = (performance.now() - begin) / 1000;
  const figures = [
    { what: `${name}: accuracy on ${VALIDATION} held-out training images`, value: 100 * (await accuracy(validation)) },
    { what: `${name}: accuracy on the test images`, value: 100 * (await accuracy(await readDigits('t10k'))) },
  ];
  await trainer.dispose();
  await classes.dispose();
  return [
    ...figures.map((figure) => ({ ...figure, unit: '%' })),
    { what: `${name}: ${epochs} epochs`, value: seconds, unit: 's' },
  ];
}

async function readDigits(part: 'train' | 't10k'): Promise<Digit[]> {
  const { pixels } = await readIdxImages(join(DATA, `${part}-images-idx3-ubyte.gz`));
  const labels = await readIdxLabels(join(DATA, `${part}-labels-idx1-ubyte.gz`));
  const area = SIDE * SIDE;
  return Array.from(labels, (label, i) => ({
    image: Float32Array.from(pixels.subarray(i * area, (i + 1) * area), (pixel) => (pixel / 255 - MEAN) / STD),
    label,
  }));
}

function feeds(digits: readonly Digit[], shift: number, batch: number): Record<'images' | 'labels', HostTensor> {
  const data = shiftedBatch(
    digits.map(({ image }) => image),
    { height: SIDE, width: SIDE, pixels: shift, fill: -MEAN / STD, random: seeded(SEED, batch) },
  );
  return {
    images: { dtype: 'float32', dims: [digits.length, 1, SIDE, SIDE], data },
    labels: { dtype: 'int32', dims: [digits.length], data: Int32Array.from(digits, ({ label }) => label) },
  };
}
