import { existsSync } from 'node:fs';
import {
  adamW,
  binaryCrossEntropyWithLogits,
  compileStep,
  cosine,
  createSegmenter,
  fit,
  type InputSpec,
  MeanIoU,
  manualSeed,
  progress,
  seeded,
  type Tensor,
  Trainer,
} from 'rivulet';
import { lastValueFrom, tap } from 'rxjs';
import type { Figure } from '../main.ts';
import { CHANNELS, crops, readSlice, type Scores, SIDE, type Slice, scoresOf } from './membrane-slices.ts';

const DATA = new URL('../../../shared/data/images/isbi-membrane/train', import.meta.url).pathname;
/** The slices of one volume in their order: the last six are held out, the four before them serve to choose settings. */
const [SLICES, HELD_OUT, VALIDATION] = [30, 6, 4];
const SEED = 1;
const [CROP, BATCH, EPOCH, EPOCHS] = [256, 2, 50, 30];
const LEARNING_RATE = 2e-3;
const WIDTHS = [24, 48, 96, 192];
/** A pixel is a cell where its score is above: what `validate` found best. */
const THRESHOLD = 0.5;

type Inputs = Readonly<Record<'images' | 'cells', InputSpec>>;

/**
 * U-Net on electron microscopy (the ISBI 2012 challenge's membranes): trained on 24 slices and measured on 6. The part 'validate'
 * trains on 20 of the 24 and measures on the other 4: settings are chosen so.
 */
export async function membrane(parts: readonly string[]): Promise<Figure[]> {
  if (!existsSync(DATA)) throw new RangeError(`the images are not there: ${DATA}`);
  if (parts.some((part) => part !== 'validate')) throw new RangeError("membrane has one part, 'validate'");
  const validates = parts.length > 0;
  const end = validates ? SLICES - HELD_OUT : SLICES;
  const first = end - (validates ? VALIDATION : HELD_OUT); // of those that are measured
  const volume = await Promise.all(Array.from({ length: end }, (_, i) => readSlice(DATA, i)));
  manualSeed(SEED);
  const model = createSegmenter('unet', { numClasses: 4, channels: 4 * CHANNELS, widths: WIDTHS });
  const scores = (images: Tensor): Tensor => spread(model.forward(packed(images)));
  const begin = performance.now();
  await train(model, scores, volume.slice(0, first));
  const seconds = (performance.now() - begin) / 1000;
  const whole = await compileStep(
    { images: { shape: [1, CHANNELS, SIDE, SIDE] } },
    ({ images }) => ({ outputs: { scores: scores(images) }, updates: new Map() }),
    { training: false },
  );
  const what = `U-Net, ${first} slices, ${end - first} held out`;
  const often = await measure(whole, volume, first, [0, 1, 2, 3, 4, 5, 6, 7]);
  const once = await measure(whole, volume, first, [0]);
  await whole.dispose();
  const names = ['membranes', 'cells'];
  const { mean, perClass } = often.at(THRESHOLD);
  return [
    { what: `${what}: mean IoU`, value: 100 * mean, unit: '%' },
    ...perClass.map((value, i) => ({ what: `${what}: IoU of ${names[i]}`, value: 100 * value, unit: '%' })),
    { what: `${what}: mean IoU, every slice read one way`, value: 100 * once.at(THRESHOLD).mean, unit: '%' },
    { what: `${what}: mean IoU where both are as likely`, value: 100 * often.at(0).mean, unit: '%' },
    ...(validates ? [{ what: 'the best threshold', value: often.best(), unit: '' }] : []),
    { what: `${what}: training`, value: seconds, unit: 's' },
  ];
}

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

async function train(
  model: ReturnType<typeof createSegmenter>,
  scores: (images: Tensor) => Tensor,
  volume: readonly Slice[],
): Promise<void> {
  const trainer = new Trainer<Inputs>({
    model,
    inputs: { images: { shape: [BATCH, CHANNELS, CROP, CROP] }, cells: { shape: [BATCH, 1, CROP, CROP] } },
    optimizer: adamW({ lr: cosine({ lr: LEARNING_RATE, steps: EPOCH * EPOCHS, warmup: 40 }), weightDecay: 0.01 }),
    loss: ({ images, cells }) => lossOf(scores(images), cells),
    winograd: 4,
  });
  await lastValueFrom(
    fit(trainer, {
      batches: (epoch) =>
        Array.from({ length: EPOCH }, (_, i) => ({
          feeds: crops(volume, seeded(SEED, epoch * EPOCH + i), { count: BATCH, side: CROP }),
          items: BATCH,
        })),
      batchCount: () => EPOCH,
      epochs: EPOCHS,
    }).pipe(
      tap((event) => {
        if (event.type === 'epoch-end')
          process.stderr.write(`epoch ${event.epoch + 1}/${EPOCHS}: loss ${event.loss.toFixed(4)}\n`);
      }),
      progress({ unit: 'crops' }),
    ),
  );
  await trainer.dispose();
}

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
async function measure(graph: Scores, volume: readonly Slice[], first: number, symmetries: readonly number[]) {
  const all: Float32Array[] = [];
  for (let i = first; i < volume.length; i++) all.push(await scoresOf(graph, volume, i, symmetries));
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
