import { join } from 'node:path';
import { crossEntropy, manualSeed } from '@rivulet/nn';
import { compileStep, type HostTensor, type InputSpec, seeded, symbol } from '@rivulet/tensor';
import { adamW, type Batch, cosine, type FitOptions, Trainer } from '@rivulet/training';
import { readIdxImages, readIdxLabels, shiftedBatch, ViT, type ViTConfig } from '@rivulet/vision';
import { saveModelFolder } from '../model-folder.ts';
import type { TrainingSettings } from './run.ts';

export interface ViTSettings extends TrainingSettings {
  readonly patchSize: number;
  readonly embedDim: number;
  readonly depth: number;
  readonly numHeads: number;
  readonly shift: number;
  readonly batchSize: number;
}

/** MNIST's mean and deviation, of pixels in [0, 1]. */
const NORMAL = { mean: 0.1307, std: 0.3081 };
/** This share of the training images, the last ones, is held out: what is chosen is never chosen on the test set. */
const VALIDATION = 1 / 12;

type Inputs = Readonly<Record<'images' | 'labels', InputSpec>>;

interface Digits {
  readonly images: readonly Float32Array[];
  readonly labels: Uint8Array;
}

export interface ViTTask {
  readonly trainer: Trainer<Inputs>;
  readonly options: Pick<FitOptions<Inputs>, 'batches' | 'batchCount' | 'epochs' | 'evaluate'>;
  readonly counts: { readonly train: number; readonly validation: number };
  /** The share of the test images that the averaged weights classify right. */
  testAccuracy(): Promise<number>;
  save(directory: string): Promise<void>;
}

export async function vitTask(settings: ViTSettings): Promise<ViTTask> {
  const { seed, batchSize, epochs, shift, data } = settings;
  const all = await readDigits(data, 'train');
  const size = Math.sqrt(all.images[0]!.length);
  const cut = Math.round(all.images.length * (1 - VALIDATION));
  const train: Digits = { images: all.images.slice(0, cut), labels: all.labels.subarray(0, cut) };
  const validation: Digits = { images: all.images.slice(cut), labels: all.labels.subarray(cut) };
  const { patchSize, embedDim, depth, numHeads, dropout } = settings;
  const config: ViTConfig = {
    imageSize: size,
    patchSize,
    channels: 1,
    embedDim,
    depth,
    numHeads,
    mlpRatio: 2,
    numClasses: 10,
    dropout,
  };
  const inputs: Inputs = {
    images: { shape: [symbol('N'), 1, size, size] },
    labels: { shape: [symbol('N')], dtype: 'int32' },
  };
  manualSeed(seed);
  const model = new ViT(config);
  const perEpoch = Math.ceil(train.images.length / batchSize);
  const trainer = new Trainer<Inputs>({
    model,
    inputs,
    optimizer: adamW({
      lr: cosine({ lr: settings.learningRate, steps: perEpoch * epochs, warmup: settings.warmup, floor: 0.01 }),
      weightDecay: settings.weightDecay,
    }),
    loss: ({ images, labels }) =>
      crossEntropy(model.forward(images), labels, { labelSmoothing: settings.labelSmoothing }),
    clipNorm: 1,
    ema: settings.ema,
    seed,
  });
  const accuracy = accuracyOf(config, trainer);
  return {
    trainer,
    counts: { train: train.images.length, validation: validation.images.length },
    options: {
      batches: (epoch) => batches(train, { size, batchSize, shift, seed, epoch }),
      batchCount: () => perEpoch,
      epochs,
      evaluate: async () => ({ validationAccuracy: await accuracy(validation) }),
    },
    testAccuracy: async () => accuracy(await readDigits(data, 't10k')),
    save: (directory) => saveModelFolder(directory, { config: folderConfig(config), weights: trainer.weights() }),
  };
}

function folderConfig(config: ViTConfig): object {
  const labels = Array.from({ length: config.numClasses }, (_, digit) => String(digit));
  const image = {
    size: [config.imageSize, config.imageSize],
    channels: 1,
    mean: [NORMAL.mean],
    std: [NORMAL.std],
    layout: 'mnist',
  };
  return { modelType: 'vit', ...config, labels, image };
}

async function readDigits(folder: string, part: 'train' | 't10k'): Promise<Digits> {
  const { count, height, width, pixels } = await readIdxImages(join(folder, `${part}-images-idx3-ubyte.gz`));
  const labels = await readIdxLabels(join(folder, `${part}-labels-idx1-ubyte.gz`));
  if (labels.length !== count) throw new Error(`${folder}: ${count} ${part} images, but ${labels.length} labels`);
  const area = height * width;
  const images = Array.from({ length: count }, (_, i) =>
    Float32Array.from(pixels.subarray(i * area, (i + 1) * area), (pixel) => (pixel / 255 - NORMAL.mean) / NORMAL.std),
  );
  return { images, labels };
}

function* batches(
  { images, labels }: Digits,
  {
    size,
    batchSize,
    shift,
    seed,
    epoch,
  }: { size: number; batchSize: number; shift: number; seed: number; epoch: number },
): Generator<Batch<Inputs>> {
  const random = seeded(seed, epoch + 1);
  const order = random.shuffle(images.map((_, i) => i));
  for (let from = 0; from < order.length; from += batchSize) {
    const chosen = order.slice(from, from + batchSize);
    const fill = -NORMAL.mean / NORMAL.std; // black
    const picked = chosen.map((i) => images[i]!);
    const pixels = shiftedBatch(picked, { height: size, width: size, pixels: shift, fill, random });
    yield {
      feeds: feeds(
        pixels,
        Int32Array.from(chosen, (i) => labels[i]!),
        size,
      ),
      items: chosen.length,
    };
  }
}

function feeds(pixels: Float32Array, labels: Int32Array, size: number): Record<'images' | 'labels', HostTensor> {
  return {
    images: { dtype: 'float32', dims: [labels.length, 1, size, size], data: pixels },
    labels: { dtype: 'int32', dims: [labels.length], data: labels },
  };
}

/** A function that gives the share of images that the trainer's averaged weights classify right. */
function accuracyOf(config: ViTConfig, trainer: Trainer<Inputs>): (digits: Digits) => Promise<number> {
  // A model of its own holds the averaged weights; its graph is compiled once and reads them in every run.
  const model = new ViT(config);
  const { imageSize: size, channels } = config;
  const graph = compileStep(
    { images: { shape: [symbol('N'), channels, size, size] } },
    ({ images }) => ({ outputs: { classes: model.forward(images).argmax(-1) }, updates: new Map() }),
    { training: false },
  );
  graph.catch(() => {}); // told when it is used
  return async ({ images, labels }) => {
    model.loadStateDict(trainer.weights());
    let correct = 0;
    for (let from = 0; from < images.length; from += 500) {
      const part = images.slice(from, from + 500);
      const data = new Float32Array(part.length * size * size);
      part.forEach((image, i) => {
        data.set(image, i * size * size);
      });
      const { classes } = await (await graph).run({
        images: { dtype: 'float32', dims: [part.length, channels, size, size], data },
      });
      classes.data.forEach((digit, i) => {
        if (Number(digit) === labels[from + i]) correct++;
      });
    }
    return correct / images.length;
  };
}
