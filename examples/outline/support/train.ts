import {
  adamW,
  ConfusionMatrix,
  compile,
  cosine,
  crossEntropy,
  dataset,
  fit,
  type HostTensor,
  type Module,
  symbol,
  type Tensor,
  Trainer,
} from 'rivulet';
import { lastValueFrom, tap } from 'rxjs';
import { batchOf, type ImageData, type Sample } from './data.ts';

export type ImageModel = Module & { forward(x: Tensor): Tensor };

export interface Settings {
  readonly epochs: number;
  /** Default 2e-3. */
  readonly learningRate?: number;
  /** Default 64. */
  readonly batch?: number;
}

export interface Trained {
  /** Of every step, averaged over the ten before it. */
  readonly losses: number[];
  /** On the test images, 0 to 1. */
  readonly accuracy: number;
  /** A row per true class, a column per prediction. */
  readonly confusion: number[][];
}

/** The loop that 01-mlp shows step by step, for any network on images. */
export async function trainClassifier(model: ImageModel, data: ImageData, settings: Settings): Promise<Trained> {
  const { epochs, learningRate = 2e-3, batch = 64 } = settings;
  const count = Math.ceil(data.train.length / batch);
  const trainer = new Trainer({
    model,
    inputs: { images: { shape: [symbol('N'), ...data.shape] }, labels: { shape: [symbol('N')], dtype: 'int32' } },
    optimizer: adamW({ lr: cosine({ lr: learningRate, steps: epochs * count, warmup: Math.ceil(count / 2) }) }),
    loss: ({ images, labels }) => crossEntropy(model.forward(images), labels),
  });
  const losses: number[] = [];
  const batches = (epoch: number) =>
    dataset(data.train)
      .shuffle({ seed: 1, epoch })
      .batch(batch)
      .map((samples) => ({ feeds: batchOf(samples, data.shape), items: samples.length }));
  const run = fit(trainer, { epochs, batches, batchCount: () => count });
  await lastValueFrom(run.pipe(tap((event) => event.type === 'step-end' && losses.push(event.loss))));
  await trainer.dispose();
  const confusion = await test(model, data.test, data);
  const right = confusion.reduce((sum, row, i) => sum + row[i]!, 0);
  return { losses: smooth(losses), accuracy: right / data.test.length, confusion };
}

/** The mean of every value and the nine before it. */
export const smooth = (values: readonly number[]): number[] =>
  values.map((_, i) => {
    const last = values.slice(Math.max(0, i - 9), i + 1);
    return last.reduce((a, b) => a + b) / last.length;
  });

/** How often each class is taken for which. */
async function test(model: ImageModel, samples: readonly Sample[], { shape, names }: ImageData): Promise<number[][]> {
  const answers = await outputOf((x) => model.forward(x).argmax(-1), samples, shape);
  const matrix = new ConfusionMatrix({ classes: names.length });
  matrix.update(
    Array.from(answers.data, Number),
    samples.map(({ label }) => label),
  );
  return matrix.compute();
}

/** What a function of images gives, with the weights of now. */
export async function outputOf(
  f: (images: Tensor) => Tensor,
  samples: readonly Sample[],
  shape: readonly number[],
): Promise<HostTensor> {
  const { images } = batchOf(samples, shape);
  const graph = await compile({ images: { shape: images.dims } }, ({ images }) => ({ y: f(images) }));
  const { y } = await graph.run({ images });
  await graph.dispose();
  return y;
}

export const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;
