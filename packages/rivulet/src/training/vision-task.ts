import { crossEntropy, manualSeed } from '@rivulet/nn';
import {
  compile,
  compileStep,
  type HostTensor,
  type InputSpec,
  input,
  type Random,
  seeded,
  symbol,
  type Tensor,
} from '@rivulet/tensor';
import { adamW, type Batch, cosine, type Dataset, dataset, type FitOptions, Trainer } from '@rivulet/training';
import {
  type AugmentationPolicy,
  type Backbone,
  cutmix,
  freezeFor,
  mixup,
  normalizeImage,
  oneHot,
  type TransferMode,
} from '@rivulet/vision';
import { saveModelFolder } from '../model-folder.ts';
import augmentImage, { type AugmentTask } from './augment-worker.ts';
import type { TrainingSettings } from './run.ts';
import { startingModel } from './starting-model.ts';
import { flipped, kept, openPictures, readSplitFolder, split } from './vision-data.ts';

export interface VisionSettings extends TrainingSettings {
  readonly backbone?: string;
  readonly weights?: string;
  readonly mode: TransferMode;
  /** The learning rate of what was trained before, as a share of that of a new head. */
  readonly backboneRate: number;
  /** Height and width of the images; by default those of the weights, or 224. */
  readonly imageSize?: number;
  readonly batchSize: number;
  /** Mirrors images at random. */
  readonly flip: boolean;
  /** What else happens to images of training. Default 'flip': nothing. */
  readonly augment?: AugmentationPolicy;
  /** Threads that augment, beyond flips; 0: the main one. The images are the same. Default 1. */
  readonly workers?: number;
  /** Of mixup's and CutMix's Beta distributions; 0: not used. Of both, one is drawn for each batch. Default 0. */
  readonly mixup?: number;
  readonly cutmix?: number;
  /** The share of every class that is held out. */
  readonly validation: number;
}

type Inputs = Readonly<Record<'images' | 'labels', InputSpec>>;
type Load = (index: number) => Promise<Float32Array>;

/** The module of the threads; run from source, where threads cannot load TypeScript, the main one does the work. */
const AUGMENT = import.meta.url.endsWith('.ts') ? null : new URL('./augment-worker.js', import.meta.url);

export interface VisionTask {
  readonly trainer: Trainer<Inputs>;
  readonly options: Pick<FitOptions<Inputs>, 'batches' | 'batchCount' | 'epochs' | 'evaluate'>;
  readonly labels: readonly string[];
  readonly counts: { readonly train: number; readonly validation: number };
  readonly newHead: readonly string[];
  /** The share of the held-out images that the weights to be saved classify right. */
  accuracy(): Promise<number>;
  save(directory: string): Promise<void>;
}

/**
 * Trains an image model on a folder of images per class, from the start or from a checkpoint. Where all but the head is frozen, the
 * features of each image are computed once: later epochs train the head alone.
 * @param complain is given the error of every image that cannot be read; it is left out.
 */
export async function visionTask(settings: VisionSettings, complain: (error: Error) => void): Promise<VisionTask> {
  const { seed, batchSize, epochs, mode, learningRate, warmup } = settings;
  if (mode !== 'all' && settings.weights === undefined)
    throw new Error(`--mode ${mode} trains a part of a trained model: give its folder with --weights`);
  const listed = await readSplitFolder(settings.data);
  manualSeed(seed);
  const { model, image, config, newHead, create } = await startingModel(settings, listed.labels);
  const shape = [image.channels, ...image.size] as const;
  const { augment = 'flip', mixup: mixAlpha = 0, cutmix: cutAlpha = 0 } = settings;
  const cuts = !['none', 'flip'].includes(augment);
  const mixes = mixAlpha > 0 || cutAlpha > 0;
  if (mode === 'head' && (cuts || mixes))
    throw new Error("--mode head computes an image's features once: --augment, --mixup and --cutmix need another mode");
  freezeFor(model, mode, shape);
  const pictures = await openPictures(listed, image, complain, cuts);
  const { train, validation } = split(pictures, listed, settings.validation, seed);
  if (validation.length === 0)
    throw new Error(`${settings.data}: every class has one image only; none can be held out`);
  const headOnly = mode === 'head';
  const features = headOnly ? await featuresOf(model, shape, pictures.load) : null;
  const load = features?.load ?? pictures.load;
  const forward = (m: Backbone, x: Tensor): Tensor => (headOnly ? m.forwardHead(x) : m.forward(x));
  const inputs: Inputs = {
    images: { shape: [symbol('N'), ...(features?.shape ?? shape)] },
    labels: mixes ? { shape: [symbol('N'), listed.labels.length] } : { shape: [symbol('N')], dtype: 'int32' },
  };
  const perEpoch = Math.ceil(train.length / batchSize);
  const optimizer = (lr: number): ReturnType<typeof adamW> =>
    adamW({ lr: cosine({ lr, steps: perEpoch * epochs, warmup, floor: 0.01 }), weightDecay: settings.weightDecay });
  const isNew = new Set(newHead);
  const isOld = (name: string): boolean => newHead.length > 0 && !isNew.has(name);
  const hasOld = [...model.parameters().keys()].some(isOld);
  const trainer = new Trainer<Inputs>({
    model,
    inputs,
    optimizer: optimizer(learningRate),
    ...(hasOld && { groups: [{ parameters: isOld, optimizer: optimizer(learningRate * settings.backboneRate) }] }),
    loss: ({ images, labels }) =>
      crossEntropy(forward(model, images), labels, { labelSmoothing: settings.labelSmoothing }),
    clipNorm: 1,
    ...(settings.ema > 0 && { ema: settings.ema }),
    seed,
  });
  const labelsOf = (chosen: readonly number[]): number[] => chosen.map((i) => pictures.items[i]!.label);
  const batchOf = (images: HostTensor, chosen: readonly number[], random: Random): Batch<Inputs> => {
    const labels = labelsOf(chosen);
    if (!mixes) return { feeds: { images, labels: int32(labels) }, items: chosen.length };
    const dims = [chosen.length, listed.labels.length];
    const cut = cutAlpha > 0 && (mixAlpha === 0 || random.nextFloat() < 0.5);
    const plain = { images: images.data as Float32Array, targets: oneHot(labels, dims[1]!) };
    const mixed = (cut ? cutmix : mixup)(plain, { alpha: cut ? cutAlpha : mixAlpha, shape }, random);
    const targets: HostTensor = { dtype: 'float32', dims, data: mixed.targets };
    return { feeds: { images: { ...images, data: mixed.images }, labels: targets }, items: chosen.length };
  };
  async function* batches(epoch: number): AsyncGenerator<Batch<Inputs>> {
    const random = seeded(seed, epoch + 1);
    const order = random.shuffle([...train]);
    if (cuts) {
      let from = 0;
      for await (const parts of augmented(order, epoch).batch(batchSize)) {
        yield batchOf(stacked(parts, inputs.images), order.slice(from, from + parts.length), random);
        from += parts.length;
      }
      return;
    }
    const flip = settings.flip && augment === 'flip' && !headOnly;
    for (let from = 0; from < order.length; from += batchSize) {
      const chosen = order.slice(from, from + batchSize);
      const parts = await Promise.all(chosen.map(load));
      const changed = flip ? parts.map((x) => flipped(x, image.size[1], random)) : parts;
      yield batchOf(stacked(changed, inputs.images), chosen, random);
    }
  }
  /** Images of an epoch, each changed by numbers of its own. */
  const augmented = (order: readonly number[], epoch: number): Dataset<Float32Array> => {
    const options = { size: image.size, flip: settings.flip, mean: image.mean.map((m) => Math.round(255 * m)) };
    const { workers = 1 } = settings;
    const tasks = dataset(order).map(
      async (index): Promise<AugmentTask> => ({
        ...{ image: await pictures.source(index), policy: augment, options },
        ...{ seed: seed + 1 + epoch, stream: index + 1 },
      }),
      { concurrency: 4 },
    );
    const changed =
      AUGMENT && workers > 0 ? tasks.mapInWorkers<Uint8Array>(AUGMENT, { workers }) : tasks.map(augmentImage);
    return changed.map((bytes) => normalizeImage(bytes, image)).prefetch(batchSize);
  };
  // A model of its own holds the averaged weights; its graph is compiled once and reads them in every run.
  const averaged = create();
  const graph = compileStep(
    { images: inputs.images },
    ({ images }) => ({ outputs: { classes: forward(averaged, images).argmax(-1) }, updates: new Map() }),
    { training: false },
  );
  graph.catch(() => {}); // told when it is used
  const accuracy = async (): Promise<number> => {
    averaged.loadStateDict(trainer.weights());
    let correct = 0;
    for (let from = 0; from < validation.length; from += batchSize) {
      const chosen = validation.slice(from, from + batchSize);
      const images = stacked(await Promise.all(chosen.map(load)), inputs.images);
      const { classes } = await (await graph).run({ images });
      const labels = labelsOf(chosen);
      classes.data.forEach((label, i) => {
        if (Number(label) === labels[i]) correct++;
      });
    }
    return correct / validation.length;
  };
  return {
    trainer,
    labels: listed.labels,
    counts: { train: train.length, validation: validation.length },
    newHead,
    options: {
      batches,
      batchCount: () => perEpoch,
      epochs,
      evaluate: async () => ({ validationAccuracy: await accuracy() }),
    },
    accuracy,
    save: (directory) => saveModelFolder(directory, { config, weights: trainer.weights() }),
  };
}

/** The frozen part of a model: its output for an image, computed once. */
async function featuresOf(
  model: Backbone,
  shape: readonly number[],
  load: Load,
): Promise<{ shape: number[]; load: Load }> {
  const [, ...sizes] = model.forwardFeatures(input('images', [1, ...shape])).shape as readonly number[];
  const graph = await compile({ images: { shape: [1, ...shape] } }, ({ images }) => ({
    features: model.forwardFeatures(images),
  }));
  const compute = async (index: number): Promise<Float32Array> => {
    const images: HostTensor = { dtype: 'float32', dims: [1, ...shape], data: await load(index) };
    return (await graph.run({ images })).features.data as Float32Array;
  };
  return { shape: sizes, load: kept(compute) };
}

function stacked(parts: readonly Float32Array[], { shape }: InputSpec): HostTensor {
  const size = parts[0]!.length;
  const data = new Float32Array(parts.length * size);
  parts.forEach((part, i) => {
    data.set(part, i * size);
  });
  return { dtype: 'float32', dims: [parts.length, ...(shape.slice(1) as number[])], data };
}

const int32 = (values: readonly number[]): HostTensor => ({
  dtype: 'int32',
  dims: [values.length],
  data: Int32Array.from(values),
});
