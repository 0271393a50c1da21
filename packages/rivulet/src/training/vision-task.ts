import { crossEntropy, manualSeed } from '@rivulet/nn';
import {
  compile,
  compileStep,
  type HostTensor,
  type InputSpec,
  input,
  seeded,
  symbol,
  type Tensor,
} from '@rivulet/tensor';
import { adamW, type Batch, cosine, type FitOptions, Trainer } from '@rivulet/training';
import { type Backbone, freezeFor, type TransferMode } from '@rivulet/vision';
import { saveModelFolder } from '../model-folder.ts';
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
  /** The share of every class that is held out. */
  readonly validation: number;
}

type Inputs = Readonly<Record<'images' | 'labels', InputSpec>>;
type Load = (index: number) => Promise<Float32Array>;

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
  const shape = [image.channels, ...image.size];
  freezeFor(model, mode, shape);
  const pictures = await openPictures(listed, image, complain);
  const { train, validation } = split(pictures, listed, settings.validation, seed);
  if (validation.length === 0)
    throw new Error(`${settings.data}: every class has one image only; none can be held out`);
  const headOnly = mode === 'head';
  const features = headOnly ? await featuresOf(model, shape, pictures.load) : null;
  const load = features?.load ?? pictures.load;
  const forward = (m: Backbone, x: Tensor): Tensor => (headOnly ? m.forwardHead(x) : m.forward(x));
  const inputs: Inputs = {
    images: { shape: [symbol('N'), ...(features?.shape ?? shape)] },
    labels: { shape: [symbol('N')], dtype: 'int32' },
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
    ...(settings.ema > 0 && { ema: settings.ema }), // batch norm's running statistics are of the weights, not of their average
    seed,
  });
  const gather = async (
    chosen: readonly number[],
    change = (x: Float32Array): Float32Array => x,
  ): Promise<Batch<Inputs>> => {
    const parts = (await Promise.all(chosen.map(load))).map(change);
    const labels = chosen.map((i) => pictures.items[i]!.label);
    return { feeds: { images: stacked(parts, inputs.images), labels: int32(labels) }, items: chosen.length };
  };
  async function* batches(epoch: number): AsyncGenerator<Batch<Inputs>> {
    const random = seeded(seed, epoch + 1);
    const order = random.shuffle([...train]);
    const flip = settings.flip && !headOnly;
    for (let from = 0; from < order.length; from += batchSize)
      yield gather(order.slice(from, from + batchSize), flip ? (x) => flipped(x, image.size[1], random) : undefined);
  }
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
      const { feeds } = await gather(validation.slice(from, from + batchSize));
      const { classes } = await (await graph).run({ images: feeds.images });
      classes.data.forEach((label, i) => {
        if (Number(label) === feeds.labels.data[i]) correct++;
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
