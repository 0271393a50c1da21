import { mkdtemp, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { decodeImage, type ImageConfig, preprocess } from 'rivulet';
import type { Figure } from './main.ts';
import { median } from './median.ts';
import { findPython, Side } from './side.ts';

const sharp = createRequire(new URL('../packages/vision/package.json', import.meta.url))('sharp') as typeof import('sharp')['default']; // biome-ignore format: one import
const [COUNT, TURNS] = [8, 5];
const config: ImageConfig = {
  ...{ size: [224, 224], channels: 3, mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] },
  ...{ layout: 'shorter-side', resize: 256 },
};

/**
 * 12-megapixel JPEGs to a model's input: decoded, resized to 256, cropped to 224, normalized; two at once. Beside it Pillow and torchvision
 * in one process, and in two that share the images.
 */
export async function images(): Promise<Figure[]> {
  const folder = await mkdtemp(join(tmpdir(), 'rivulet-bench-'));
  try {
    const photo = new URL('../../shared/data/images/photos/parrot.jpg', import.meta.url).pathname;
    const files = Array.from({ length: COUNT }, (_, i) => join(folder, `${i}.jpg`));
    for (const [i, file] of files.entries())
      await sharp(photo)
        .rotate(90 * (i % 2))
        .resize(4000, 3000, { fit: 'cover' })
        .jpeg({ quality: 90 })
        .toFile(file);
    const python = findPython('PIL', 'torchvision');
    const theirs = python ? new Side(python, [new URL('./peers/images.py', import.meta.url).pathname, ...files]) : null;
    const [mine, one, two]: [number[], number[], number[]] = [[], [], []];
    await ours(files);
    await theirs?.ask('1');
    for (let turn = 0; turn < TURNS; turn++) {
      mine.push(await ours(files));
      if (!theirs) continue;
      one.push(await theirs.ask<number>('1'));
      two.push(await theirs.ask<number>('2'));
    }
    theirs?.end();
    const ratio = (peer: number[]): number => median(mine.map((speed, i) => speed / peer[i]!));
    return [
      { what: 'decode, resize, normalize 12-megapixel JPEGs', value: median(mine), unit: 'images/s' },
      ...(theirs
        ? [
            { what: 'Pillow and torchvision, one process', value: median(one), unit: 'images/s' },
            { what: 'ratio to it', value: ratio(one), unit: '×' },
            { what: 'Pillow and torchvision, two processes', value: median(two), unit: 'images/s' },
            { what: 'ratio to them', value: ratio(two), unit: '×' },
          ]
        : []),
    ];
  } finally {
    await rm(folder, { recursive: true });
  }
}

async function ours(files: readonly string[]): Promise<number> {
  const begin = performance.now();
  const queue = [...files];
  const work = async (): Promise<void> => {
    for (let file = queue.pop(); file !== undefined; file = queue.pop())
      await preprocess(await decodeImage(file, { channels: 3 }), config);
  };
  await Promise.all([work(), work(), work()]); // two decode while one is resized
  return (1000 * files.length) / (performance.now() - begin);
}
