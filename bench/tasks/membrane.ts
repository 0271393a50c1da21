import { existsSync } from 'node:fs';
import { join } from 'node:path';
import {
  adamW,
  avgPool,
  binaryCrossEntropyWithLogits,
  compileStep,
  cosine,
  createSegmenter,
  decodeImage,
  fit,
  type HostTensor,
  type InputSpec,
  interpolate,
  MeanIoU,
  manualSeed,
  progress,
  type Random,
  seeded,
  type Tensor,
  Trainer,
} from 'rivulet';
import { lastValueFrom, tap } from 'rxjs';
import type { Figure } from '../main.ts';

const DATA = new URL('../../../shared/data/images/isbi-membrane/train', import.meta.url).pathname;
const SIDE = 512;
/** The slices of one volume in their order: the last six are held out, the four before them serve to choose settings. */
const [SLICES, HELD_OUT, VALIDATION] = [30, 6, 4];
const SEED = 1;
const [CROP, BATCH, EPOCH, EPOCHS] = [256, 2, 40, 14];
const LEARNING_RATE = 2e-3;
/** Images at half their size go through a U-Net of these widths; its scores are enlarged to every pixel. */
const WIDTHS = [24, 48, 96, 192];

interface Slice {
  /** [512, 512], mean 0 and deviation 1. */
  readonly image: Float32Array;
  /** 1 within cells, 0 on membranes. */
  readonly cell: Uint8Array;
}

type Inputs = Readonly<Record<'images' | 'cells', InputSpec>>;
type Scores = { run(feeds: Record<'images', HostTensor>): Promise<{ scores: HostTensor }>; dispose(): Promise<void> };

/**
 * U-Net on electron microscopy (the ISBI 2012 challenge's membranes): trained on 24 slices and measured on 6. The part 'validate'
 * trains on 20 of the 24 and measures on the other 4: settings are chosen so.
 */
export async function membrane(parts: readonly string[]): Promise<Figure[]> {
  if (!existsSync(DATA)) throw new RangeError(`the images are not there: ${DATA}`);
  if (parts.some((part) => part !== 'validate')) throw new RangeError("membrane has one part, 'validate'");
  const slices = await Promise.all(Array.from({ length: SLICES }, (_, i) => readSlice(i)));
  const count = SLICES - HELD_OUT;
  const [training, test] =
    parts.length > 0
      ? [slices.slice(0, count - VALIDATION), slices.slice(count - VALIDATION, count)]
      : [slices.slice(0, count), slices.slice(count)];
  manualSeed(SEED);
  const model = createSegmenter('unet', { numClasses: 1, channels: 1, widths: WIDTHS });
  const scores = (images: Tensor): Tensor =>
    interpolate(model.forward(avgPool(images, 2)), {
      size: [images.size(2), images.size(3)],
      mode: 'bilinear',
    });
  const shape = [BATCH, 1, CROP, CROP];
  const trainer = new Trainer<Inputs>({
    model,
    inputs: { images: { shape }, cells: { shape } },
    optimizer: adamW({ lr: cosine({ lr: LEARNING_RATE, steps: EPOCH * EPOCHS, warmup: EPOCH }), weightDecay: 0.01 }),
    loss: ({ images, cells }) => binaryCrossEntropyWithLogits(scores(images), cells),
  });
  const whole = await compileStep(
    { images: { shape: [1, 1, SIDE, SIDE] } },
    ({ images }) => ({ outputs: { scores: scores(images) }, updates: new Map() }),
    { training: false },
  );
  const begin = performance.now();
  await lastValueFrom(
    fit(trainer, {
      batches: (epoch) =>
        Array.from({ length: EPOCH }, (_, i) => ({
          feeds: crops(training, seeded(SEED, epoch * EPOCH + i)),
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
  const seconds = (performance.now() - begin) / 1000;
  const what = `U-Net, ${training.length} slices, ${test.length} held out`;
  const once = await measure(whole, test, [0]);
  const often = await measure(whole, test, [0, 1, 2, 3, 4, 5, 6, 7]);
  await Promise.all([trainer.dispose(), whole.dispose()]);
  const names = ['membranes', 'cells'];
  return [
    { what: `${what}: mean IoU`, value: 100 * often.mean, unit: '%' },
    ...often.perClass.map((value, i) => ({ what: `${what}: IoU of ${names[i]}`, value: 100 * value, unit: '%' })),
    { what: `${what}: mean IoU, every slice read one way`, value: 100 * once.mean, unit: '%' },
    { what: `${what}: training`, value: seconds, unit: 's' },
  ];
}

async function readSlice(i: number): Promise<Slice> {
  const read = async (folder: string): Promise<Uint8Array> => {
    const { data, width, height } = await decodeImage(join(DATA, folder, `${i}.png`), { channels: 1 });
    if (width !== SIDE || height !== SIDE) throw new RangeError(`${folder}/${i}.png is ${width}x${height}`);
    return data;
  };
  const [pixels, mask] = [await read('image'), await read('label')];
  const mean = pixels.reduce((sum, v) => sum + v, 0) / pixels.length;
  const deviation = Math.sqrt(pixels.reduce((sum, v) => sum + (v - mean) ** 2, 0) / pixels.length);
  return { image: Float32Array.from(pixels, (v) => (v - mean) / deviation), cell: mask.map((v) => (v > 127 ? 1 : 0)) };
}

/** Where the pixel [y, x] of a turned square comes from: 8 symmetries, of which 0 changes nothing. */
function place(symmetry: number, y: number, x: number, side: number): number {
  const [row, column] = symmetry & 4 ? [x, y] : [y, x];
  return (symmetry & 2 ? side - 1 - row : row) * side + (symmetry & 1 ? side - 1 - column : column);
}

/** Squares from anywhere, turned and mirrored, with contrast and brightness changed a little. */
function crops(slices: readonly Slice[], random: Random): Record<'images' | 'cells', HostTensor> {
  const dims = [BATCH, 1, CROP, CROP];
  const [images, cells] = [new Float32Array(BATCH * CROP * CROP), new Float32Array(BATCH * CROP * CROP)];
  const between = (low: number, high: number): number => low + (high - low) * random.nextFloat();
  for (let at = 0; at < images.length; at += CROP * CROP) {
    const { image, cell } = slices[random.nextUint32() % slices.length]!;
    const [top, left] = [random.nextUint32() % (SIDE - CROP + 1), random.nextUint32() % (SIDE - CROP + 1)];
    const symmetry = random.nextUint32() % 8;
    const [contrast, brightness] = [between(0.8, 1.25), between(-0.2, 0.2)];
    for (let i = 0; i < CROP * CROP; i++) {
      const from = place(symmetry, Math.floor(i / CROP), i % CROP, CROP);
      const source = (top + Math.floor(from / CROP)) * SIDE + left + (from % CROP);
      images[at + i] = image[source]! * contrast + brightness;
      cells[at + i] = cell[source]!;
    }
  }
  return { images: { dtype: 'float32', dims, data: images }, cells: { dtype: 'float32', dims, data: cells } };
}

/** The scores of every slice, averaged over the symmetries that it is shown in. */
async function measure(graph: Scores, slices: readonly Slice[], symmetries: readonly number[]) {
  const iou = new MeanIoU({ classes: 2 });
  for (const { image, cell } of slices) {
    const sums = new Float32Array(SIDE * SIDE);
    for (const symmetry of symmetries) {
      const from = Int32Array.from({ length: SIDE * SIDE }, (_, i) =>
        place(symmetry, Math.floor(i / SIDE), i % SIDE, SIDE),
      );
      const data = Float32Array.from(from, (source) => image[source]!);
      const { scores } = await graph.run({ images: { dtype: 'float32', dims: [1, 1, SIDE, SIDE], data } });
      from.forEach((source, i) => {
        sums[source]! += Number(scores.data[i]);
      });
    }
    iou.update(
      Uint8Array.from(sums, (score) => (score > 0 ? 1 : 0)),
      cell,
    );
  }
  return iou.compute();
}
