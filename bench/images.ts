import { createRequire } from 'node:module';
import { join } from 'node:path';
import { classify, decodeImage, fromIterable, type ImageConfig, loadImage, preprocess } from 'rivulet';
import { lastValueFrom } from 'rxjs';
import { inFolder, transformersJs } from './exported.ts';
import type { Figure } from './main.ts';
import { median } from './median.ts';
import { findPython, Side } from './side.ts';

const sharp = createRequire(new URL('../packages/vision/package.json', import.meta.url))('sharp') as typeof import('sharp')['default']; // biome-ignore format: one import
const shared = new URL('../../shared/data', import.meta.url).pathname;
const [COUNT, TURNS] = [8, 5];
const config: ImageConfig = {
  ...{ size: [224, 224], channels: 3, mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] },
  ...{ layout: 'shorter-side', resize: 256 },
};

/**
 * 12-megapixel JPEGs to a model's input: decoded, resized to 256, cropped to 224, normalized; two at once. Beside it Pillow and torchvision
 * in one process, and in two that share the images.
 */
async function decoding(): Promise<Figure[]> {
  return inFolder(async (folder) => {
    const photo = join(shared, 'images/photos/parrot.jpg');
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
  });
}

async function ours(files: readonly string[]): Promise<number> {
  const begin = performance.now();
  const queue = [...files];
  const work = async (): Promise<void> => {
    for (let file = queue.pop(); file !== undefined; file = queue.pop())
      preprocess(await decodeImage(file, { channels: 3 }), config);
  };
  await Promise.all([work(), work(), work()]); // two decode while one is resized
  return (1000 * files.length) / (performance.now() - begin);
}

/** 200 photographs of 1024 × 768 named by MobileNetV2's ImageNet weights: ours, and transformers.js' pipeline on what we export. */
async function classification(): Promise<Figure[]> {
  return inFolder(async (folder) => {
    const files = Array.from({ length: 200 }, (_, i) => join(folder, `${i}.jpg`));
    const photos = ['parrot.jpg', 'cat_720p.jpg'].map((name) => join(shared, 'images/photos', name));
    for (const [i, file] of files.entries())
      await sharp(photos[i % 2])
        .rotate(3 * (i % 20))
        .resize(1024, 768, { fit: 'cover' })
        .jpeg({ quality: 90 })
        .toFile(file);
    const source = join(shared, 'checkpoints/mobilenet_v2-imagenet');
    const theirs = await transformersJs('classify', { source, output: join(folder, 'exported'), files });
    const { model } = await loadImage(source);
    const mine = async (): Promise<number> => {
      const begin = performance.now();
      await lastValueFrom(fromIterable(files).pipe(classify<string>(model, { concurrency: 16 })));
      return (performance.now() - begin) / 1000;
    };
    await mine();
    await theirs.ask('8');
    const [own, one, eight]: [number[], number[], number[]] = [[], [], []];
    for (let turn = 0; turn < TURNS; turn++) {
      own.push(await mine());
      one.push(await theirs.ask('1'));
      eight.push(await theirs.ask('8'));
    }
    theirs.end();
    await model.dispose();
    const ratio = (peer: readonly number[]): number => median(own.map((seconds, i) => peer[i]! / seconds));
    return [
      { what: 'classify 200 photographs, MobileNetV2', value: 200 / median(own), unit: 'images/s' },
      { what: 'transformers.js, one at a time', value: 200 / median(one), unit: 'images/s' },
      { what: 'ratio to it', value: ratio(one), unit: '×' },
      { what: 'transformers.js, eight at a time', value: 200 / median(eight), unit: 'images/s' },
      { what: 'ratio to it', value: ratio(eight), unit: '×' },
    ];
  });
}

const parts: Readonly<Record<string, () => Promise<Figure[]>>> = { decoding, classification };

/** Photographs, from the file to a model's input and to its labels. @throws RangeError for a part that there is not. */
export async function images(names: readonly string[]): Promise<Figure[]> {
  for (const name of names)
    if (!parts[name]) throw new RangeError(`images has no part '${name}'; there are: ${Object.keys(parts).join(', ')}`);
  const figures: Figure[] = [];
  for (const name of names.length > 0 ? names : Object.keys(parts)) figures.push(...(await parts[name]!()));
  return figures;
}
