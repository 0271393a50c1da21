import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  Accuracy,
  type Backbone,
  compile,
  hostTensor,
  ImageClassifier,
  type ImageConfig,
  loadBackboneWeights,
  parseBackboneConfig,
  readSafetensors,
  symbol,
} from 'rivulet';
import type { Figure } from '../main.ts';

const shared = new URL('../../../shared/data/', import.meta.url).pathname;
const folder = (name: string): string => join(shared, 'checkpoints', name);
const json = async (path: string) => JSON.parse(await readFile(path, 'utf8'));

/** Checkpoints of others, each with the number of images that its expected.json has logits for. */
const CHECKPOINTS = { 'cifar10-resnet20': 2, 'mobilenet_v2-imagenet': 1, 'mobilenet_v1_025-imagenet': 1 };
const PHOTOS = { 'cat_720p.jpg': 'Egyptian cat', 'parrot.jpg': 'macaw', 'sunflower.bmp': 'daisy' };
const [SIDE, BATCH] = [32, 200];

/** What real checkpoints say of real images: their stored logits, photographs, and CIFAR-10's training images. */
export async function pretrained(): Promise<Figure[]> {
  if (!existsSync(folder('cifar10-resnet20'))) throw new RangeError(`the checkpoints are not there: ${shared}`);
  const figures: Figure[] = [];
  for (const [name, count] of Object.entries(CHECKPOINTS)) {
    const { model, image } = await loaded(name);
    const value = await logitError(
      model,
      [count, 3, ...image.size],
      (await json(join(folder(name), 'expected.json'))).logits.flat(),
    );
    figures.push({
      what: `${name}: largest difference from the stored logits`,
      value: 1e6 * value,
      unit: 'millionths',
    });
  }
  return [...figures, ...(await photographs()), await cifar()];
}

/** A checkpoint's network and how its images are prepared. */
export async function loaded(name: string): Promise<{ readonly model: Backbone; readonly image: ImageConfig }> {
  const config = await json(join(folder(name), 'config.json'));
  const { create, image } = parseBackboneConfig(config, config.architecture);
  const model = create();
  loadBackboneWeights(model, await readSafetensors(join(folder(name), 'model.safetensors')));
  return { model, image };
}

/** The inputs are a formula that the checkpoints' READMEs give. */
async function logitError(model: Backbone, shape: readonly number[], expected: readonly number[]): Promise<number> {
  const length = shape.reduce((a, b) => a * b, 1);
  const data = Float32Array.from({ length }, (_, i) => ((i * 7919) % 1009) / 504 - 1);
  const graph = await compile({ x: { shape } }, ({ x }) => ({ y: model.forward(x) }));
  const { y } = await graph.run({ x: hostTensor(data, 'float32', shape) });
  await graph.dispose();
  return expected.reduce((most, value, i) => Math.max(most, Math.abs(value - Number(y.data[i]))), 0);
}

async function photographs(): Promise<Figure[]> {
  const { model, image } = await loaded('mobilenet_v2-imagenet');
  const labels = (await readFile(join(folder('mobilenet_v2-imagenet'), 'imagenet_labels.txt'), 'utf8')).trimEnd();
  const classifier = await ImageClassifier.compile(model, labels.split('\n'), image);
  const figures: Figure[] = [];
  for (const [photo, expected] of Object.entries(PHOTOS)) {
    const [best] = await classifier.classify(join(shared, 'images/photos', photo));
    const label = best!.label.replace(/^\s*\d+\s+/, ''); // its number stands before it
    const what = `mobilenet_v2-imagenet, ${photo}: ${label}${label.includes(expected) ? '' : `, not ${expected}`}`;
    figures.push({ what, value: best!.score, unit: '' });
  }
  await classifier.dispose();
  return figures;
}

async function cifar(): Promise<Figure> {
  const { model, image } = await loaded('cifar10-resnet20');
  const file = await readFile(join(shared, 'images/cifar10-4k/data.bin'));
  const count = file.length / (3 * SIDE * SIDE + 1);
  const graph = await compile({ x: { shape: [symbol('N'), 3, SIDE, SIDE] } }, ({ x }) => ({
    classes: model.forward(x).argmax(-1),
  }));
  const accuracy = new Accuracy();
  for (let from = 0; from < count; from += BATCH) {
    const { images, labels } = cifarBatch(file, from, image);
    const { classes } = await graph.run({ x: hostTensor(images, 'float32', [BATCH, 3, SIDE, SIDE]) });
    accuracy.update(Array.from(classes.data, Number), labels);
  }
  await graph.dispose();
  return { what: `cifar10-resnet20: accuracy on ${count} images`, value: 100 * accuracy.compute(), unit: '%' };
}

/** Records of a label and 3 · 32 · 32 pixels. */
function cifarBatch(file: Uint8Array, from: number, { mean, std }: ImageConfig) {
  const area = SIDE * SIDE;
  const images = new Float32Array(BATCH * 3 * area);
  const labels = Array.from({ length: BATCH }, (_, i) => file[(from + i) * (3 * area + 1)]!);
  for (let i = 0; i < images.length; i++) {
    const [image, at] = [Math.floor(i / (3 * area)), i % (3 * area)];
    const channel = Math.floor(at / area);
    images[i] = (file[(from + image) * (3 * area + 1) + 1 + at]! / 255 - mean[channel]!) / std[channel]!;
  }
  return { images, labels };
}
