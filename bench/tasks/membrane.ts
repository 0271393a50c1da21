import { existsSync } from 'node:fs';
import { join } from 'node:path';
import {
  adamW,
  type Batch,
  binaryCrossEntropyWithLogits,
  checkpoint,
  compileStep,
  createSegmenter,
  dataset,
  fit,
  type InputSpec,
  inTurn,
  linearRate,
  MeanIoU,
  manualSeed,
  polynomialDecay,
  progress,
  restoreCheckpoint,
  seeded,
  type Tensor,
  Trainer,
} from 'rivulet';
import { lastValueFrom } from 'rxjs';
import type { Figure } from '../main.ts';
import { crops } from './membrane-crops.ts';
import { CHANNELS, readSlice, type Scores, SIDE, type Slice, scoresOf } from './membrane-slices.ts';

const DATA = new URL('../../../shared/data/images/isbi-membrane/train', import.meta.url).pathname;
/** The slices of one volume in their order: the last six are held out, the four before them serve to choose settings. */
const [SLICES, HELD_OUT, VALIDATION] = [30, 6, 4];
const [CROP, BATCH, EPOCH] = [256, 2, 50];
/** Steps: the rate rises, stays, and falls to nothing in the last part. */
const [WARMUP, STEPS, FALL] = [60, 1800, 450];
const [LEARNING_RATE, AVERAGE] = [2e-3, 0.99];
/** One network is trained for each; their scores are averaged. */
const SEEDS = [1, 2];
const WIDTHS = [24, 48, 96, 192];
/** A pixel is a cell where its score is above: what `validate` found best. */
const THRESHOLD = 0.7;
/** Where runs are kept: one that was interrupted goes on, one that is done is only measured. */
const RUNS = new URL('../../runs/membrane/', import.meta.url).pathname;

type Inputs = Readonly<Record<'images' | 'cells', InputSpec>>;

/**
 * U-Net on electron microscopy (the ISBI 2012 challenge's membranes): trained on 24 slices and measured on 6. The part 'validate'
 * trains on 20 of the 24 and measures on the other 4: settings are chosen so. The part 'train' measures nothing.
 */
export async function membrane(parts: readonly string[]): Promise<Figure[]> {
  if (!existsSync(DATA)) throw new RangeError(`the images are not there: ${DATA}`);
  const unknown = parts.find((part) => part !== 'validate' && part !== 'train');
  if (unknown !== undefined) throw new RangeError(`membrane has the parts 'validate' and 'train', got '${unknown}'`);
  const validates = parts.includes('validate');
  const end = validates ? SLICES - HELD_OUT : SLICES;
  const first = end - (validates ? VALIDATION : HELD_OUT); // of those that are measured
  const volume = await Promise.all(Array.from({ length: end }, (_, i) => readSlice(DATA, i)));
  const models: Segmenter[] = [];
  let seconds = 0;
  for (const seed of SEEDS) {
    const begin = performance.now();
    models.push(await train(join(RUNS, `${first}-slices-seed-${seed}`), volume.slice(0, first), seed));
    seconds += (performance.now() - begin) / 1000;
  }
  const what = `U-Net, ${first} slices, ${end - first} held out`;
  const training = { what: `${what}: training in this run`, value: seconds, unit: 's' };
  if (parts.includes('train')) return [training];
  const often = await measure(models, volume, first, [0, 1, 2, 3, 4, 5, 6, 7]);
  const once = await measure(models, volume, first, [0]);
  const best = validates ? often.best() : THRESHOLD;
  const names = ['membranes', 'cells'];
  const { mean, perClass } = often.at(THRESHOLD);
  return [
    { what: `${what}: mean IoU`, value: 100 * mean, unit: '%' },
    ...perClass.map((value, i) => ({ what: `${what}: IoU of ${names[i]}`, value: 100 * value, unit: '%' })),
    { what: `${what}: mean IoU, every slice read one way`, value: 100 * once.at(THRESHOLD).mean, unit: '%' },
    { what: `${what}: mean IoU where both are as likely`, value: 100 * often.at(0).mean, unit: '%' },
    ...(validates
      ? [
          { what: 'the best threshold', value: best, unit: '' },
          { what: 'mean IoU with it', value: 100 * often.at(best).mean, unit: '%' },
        ]
      : []),
    training,
  ];
}

type Segmenter = ReturnType<typeof createSegmenter>;

const create = (): Segmenter => createSegmenter('unet', { numClasses: 4, channels: 4 * CHANNELS, widths: WIDTHS });
const scoresOfImages = (model: Segmenter, images: Tensor): Tensor => spread(model.forward(packed(images)));

/** [N, C, H, W] → [N, 4·C, H/2, W/2]: four pixels become channels of one, so that nothing is lost at a quarter of the work. */
function packed(x: Tensor): Tensor {
  const [n, channels, rows, columns] = [x.size(0), x.size(1), x.size(2) / 2, x.size(3) / 2];
  const parts = x.reshape([n, channels, rows, 2, columns, 2]).permute([0, 1, 3, 5, 2, 4]);
  return parts.reshape([n, 4 * channels, rows, columns]);
}

/** The way back: [N, 4, H/2, W/2] → [N, 1, H, W] */
function spread(y: Tensor): Tensor {
  const [n, rows, columns] = [y.size(0), y.size(2), y.size(3)];
  const parts = y.reshape([n, 2, 2, rows, columns]).permute([0, 3, 1, 4, 2]);
  return parts.reshape([n, 1, 2 * rows, 2 * columns]);
}

/** A trained network, its weights averaged over the last steps. Every epoch leaves a checkpoint in `folder`. */
async function train(folder: string, volume: readonly Slice[], seed: number): Promise<Segmenter> {
  manualSeed(seed);
  const model = create();
  const rate = linearRate({ lr: LEARNING_RATE, start: 1 / WARMUP, steps: WARMUP });
  const fall = polynomialDecay({ lr: LEARNING_RATE, steps: FALL });
  const trainer = new Trainer<Inputs>({
    model,
    inputs: { images: { shape: [BATCH, CHANNELS, CROP, CROP] }, cells: { shape: [BATCH, 1, CROP, CROP] } },
    optimizer: adamW({ lr: inTurn([rate, fall], [STEPS - FALL]), weightDecay: 0.01 }),
    loss: ({ images, cells }) => lossOf(scoresOfImages(model, images), cells),
    winograd: 4,
    ema: AVERAGE,
  });
  const settings = { CROP, BATCH, EPOCH, WARMUP, STEPS, FALL, LEARNING_RATE, AVERAGE, WIDTHS };
  const saved = await restoreCheckpoint(folder, trainer);
  if (saved && JSON.stringify(saved.extra) !== JSON.stringify(settings))
    throw new RangeError(`${folder}: was trained with other settings; remove it to start again`);
  const epochs = STEPS / EPOCH;
  await lastValueFrom(
    fit(trainer, {
      batches: (epoch) => batches(volume, seed, epoch),
      batchCount: () => EPOCH,
      epochs,
      ...(saved && { from: saved.position }),
    }).pipe(checkpoint(folder, trainer, { extra: () => settings }), progress({ unit: 'crops' })),
  );
  const averaged = create();
  averaged.loadStateDict(trainer.weights());
  await trainer.dispose();
  return averaged;
}

/** The crops of an epoch; the next are made while a step is computed. */
const batches = (volume: readonly Slice[], seed: number, epoch: number): AsyncIterable<Batch<Inputs>> =>
  dataset(Array.from({ length: EPOCH }, (_, i) => epoch * EPOCH + i))
    .map((step) => ({ feeds: crops(volume, seeded(seed, step), { count: BATCH, side: CROP }), items: BATCH }))
    .prefetch(1);

/** Cross entropy, and what is asked for: one minus the intersection over the union of probabilities, the mean of both classes. */
function lossOf(logits: Tensor, cells: Tensor): Tensor {
  const opposite = (t: Tensor): Tensor => t.mul(-1).add(1);
  const missed = (p: Tensor, t: Tensor): Tensor => {
    const both = p.mul(t).sum();
    return opposite(both.add(1).div(p.sum().add(t.sum()).sub(both).add(1)));
  };
  const p = logits.sigmoid();
  const overlap = missed(p, cells)
    .add(missed(opposite(p), opposite(cells)))
    .div(2);
  return binaryCrossEntropyWithLogits(logits, cells).add(overlap);
}

/** The overlap of the slices from `first` on, by threshold. */
async function measure(
  models: readonly Segmenter[],
  volume: readonly Slice[],
  first: number,
  symmetries: readonly number[],
) {
  const all: Float32Array[] = [];
  const graph: Scores = await compileStep(
    { images: { shape: [1, CHANNELS, SIDE, SIDE] } },
    ({ images }) => {
      const scores = models.map((model) => scoresOfImages(model, images));
      return { outputs: { scores: scores.reduce((a, b) => a.add(b)).div(models.length) }, updates: new Map() };
    },
    { training: false },
  );
  for (let i = first; i < volume.length; i++) all.push(await scoresOf(graph, volume, i, symmetries));
  await graph.dispose();
  const at = (threshold: number) => {
    const iou = new MeanIoU({ classes: 2 });
    for (const [i, scores] of all.entries())
      iou.update(
        Uint8Array.from(scores, (score) => (score > threshold ? 1 : 0)),
        volume[first + i]!.cell,
      );
    return iou.compute();
  };
  const best = (): number => {
    const thresholds = Array.from({ length: 31 }, (_, i) => (i - 10) / 10);
    return thresholds.reduce((a, b) => (at(b).mean > at(a).mean ? b : a));
  };
  return { at, best };
}
