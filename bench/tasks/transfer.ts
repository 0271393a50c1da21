import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fit } from 'rivulet';
import { lastValueFrom, tap } from 'rxjs';
import sharp from 'sharp';
import { type VisionSettings, visionTask } from '../../packages/rivulet/src/training/vision-task.ts';
import type { Figure } from '../main.ts';

const shared = new URL('../../../shared/data/', import.meta.url).pathname;
const [SIDE, PER_CLASS, IMAGE_SIZE] = [32, 200, 96];

/** CIFAR's binary file as folders of PNG files: the first 200 images of each class to train on, the others held out. */
async function unpack(to: string): Promise<void> {
  const bytes = await readFile(join(shared, 'images/cifar10-4k/data.bin'));
  const area = SIDE * SIDE;
  const seen = new Map<number, number>();
  for (let at = 0; at < bytes.length; at += 1 + 3 * area) {
    const label = bytes[at]!;
    const number = seen.get(label) ?? 0;
    seen.set(label, number + 1);
    const data = new Uint8Array(3 * area);
    for (let i = 0; i < 3 * area; i++) data[i] = bytes[at + 1 + (i % 3) * area + Math.floor(i / 3)]!;
    const folder = join(to, number < PER_CLASS ? 'train' : 'val', String(label));
    await mkdir(folder, { recursive: true });
    const raw = { width: SIDE, height: SIDE, channels: 3 } as const;
    await sharp(data, { raw }).toFile(join(folder, `${String(number).padStart(4, '0')}.png`));
  }
}

/**
 * MobileNetV2 on 200 images per class of CIFAR-10: a new head on ImageNet's features (the part 'head'), against all of it from the
 * start (the part 'start', which takes most of the time). Without parts: both.
 */
export async function transfer(parts: readonly string[]): Promise<Figure[]> {
  if (parts.some((part) => part !== 'head' && part !== 'start'))
    throw new RangeError("transfer has the parts 'head' and 'start'");
  const weights = join(shared, 'checkpoints/mobilenet_v2-imagenet');
  if (!existsSync(weights)) throw new RangeError(`the checkpoint is not there: ${weights}`);
  const data = await mkdtemp(join(tmpdir(), 'rivulet-transfer-'));
  const figures: Figure[] = [];
  try {
    await unpack(data);
    const common = { data, imageSize: IMAGE_SIZE, batchSize: 32, epochs: 10, seed: 1, validation: 0 };
    const regular = { dropout: 0.1, labelSmoothing: 0.05, weightDecay: 0.05, warmup: 20, ema: 0, backboneRate: 0.1 };
    const runs: Record<string, [name: string, settings: VisionSettings]> = {
      head: [
        'a new head on frozen features',
        { ...common, ...regular, mode: 'head', weights, learningRate: 1e-3, flip: false },
      ],
      start: [
        'from the start',
        { ...common, ...regular, mode: 'all', backbone: 'mobilenet_v2', learningRate: 2e-3, flip: true },
      ],
    };
    for (const [part, [name, settings]] of Object.entries(runs)) {
      if (parts.length > 0 && !parts.includes(part)) continue;
      const begin = performance.now();
      const task = await visionTask(settings, (error) => {
        throw error;
      });
      const seconds: number[] = [];
      let last = performance.now();
      await lastValueFrom(
        fit(task.trainer, task.options).pipe(
          tap((event) => {
            if (event.type !== 'epoch-end') return;
            seconds.push((performance.now() - last) / 1000);
            last = performance.now();
            process.stderr.write(`${name}: epoch ${event.epoch + 1} ${JSON.stringify(event.metrics)}\n`);
          }),
        ),
      );
      const { train, validation } = task.counts;
      const what = `${name}: ${train} images, ${validation} held out`;
      figures.push(
        { what: `${what}, accuracy`, value: 100 * (await task.accuracy()), unit: '%' },
        { what: `${name}: first epoch`, value: seconds[0]!, unit: 's' },
        { what: `${name}: a later epoch`, value: seconds.at(-1)!, unit: 's' },
        { what: `${name}: everything`, value: (performance.now() - begin) / 1000, unit: 's' },
      );
      await task.trainer.dispose();
    }
  } finally {
    await rm(data, { recursive: true, force: true });
  }
  return figures;
}
