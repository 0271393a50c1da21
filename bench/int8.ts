import { existsSync } from 'node:fs';
import { join } from 'node:path';
import {
  type Calibration,
  type Compiled,
  calibrate,
  cifarImages,
  compile,
  createModel,
  type Feeds,
  type HostTensor,
  hostTensor,
  ImageClassifier,
  type ImageConfig,
  type InputSpecs,
  type Inputs,
  type Outputs,
  preprocess,
  symbol,
} from 'rivulet';
import { type Inference, ofImages } from './engine/inference.ts';
import type { Figure } from './main.ts';
import { median } from './median.ts';
import { loaded } from './tasks/pretrained.ts';

const shared = new URL('../../shared/data/', import.meta.url).pathname;
const CIFAR = join(shared, 'images/cifar10-4k/data.bin');
const PHOTOS = ['cat_720p.jpg', 'parrot.jpg', 'sunflower.bmp'].map((name) => join(shared, 'images/photos', name));
/** Turns of each side, and how long one is, ms. */
const [TURNS, TURN] = [9, 700];
/** Images to calibrate by; they are not measured with. */
const SEEN = 200;

/** Float32 and whole numbers in turn, of the same images. */
async function speed(name: string, batch: number): Promise<Figure[]> {
  const { inputs, outputs, feeds }: Inference = ofImages(createModel(name), batch, 224);
  const calibration = await calibrate(inputs, outputs, [feeds]);
  const [plain, whole] = [
    await compile(inputs, outputs),
    await compile(inputs, outputs, { weights: 'int8', calibration }),
  ];
  const once = async (graph: Compiled<InputSpecs, Outputs>): Promise<number> => {
    const begin = performance.now();
    await graph.run(feeds);
    return performance.now() - begin;
  };
  await once(whole);
  const count = Math.max(1, Math.floor(TURN / (await once(plain))));
  const [slow, fast, ratios]: number[][] = [[], [], []];
  for (let turn = 0; turn < TURNS; turn++) {
    const [a, b]: [number[], number[]] = [[], []];
    for (let i = 0; i < count; i++) {
      a.push(await once(plain));
      b.push(await once(whole));
    }
    slow!.push(...a);
    fast!.push(...b);
    ratios!.push(median(a) / median(b));
  }
  await Promise.all([plain.dispose(), whole.dispose()]);
  const what = `${name}, batch ${batch}`;
  return [
    { what: `${what}: float32`, value: median(slow!), unit: 'ms' },
    { what: `${what}: int8`, value: median(fast!), unit: 'ms' },
    { what: `${what}: speed, ratio to float32's`, value: median(ratios!), unit: '×' },
    // What a busy machine disturbs least.
    { what: `${what}: the fastest runs, ratio`, value: Math.min(...slow!) / Math.min(...fast!), unit: '×' },
  ];
}

/** ImageNet's classes (from 0) that are one of CIFAR-10's, from the first to the last of each range. */
const GROUPS: readonly (readonly (readonly [number, number])[])[] = [
  [[404, 404], [895, 895]], // aeroplanes
  [[436, 436], [468, 468], [511, 511], [609, 609], [627, 627], [656, 656], [661, 661], [751, 751], [817, 817]], // cars
  [[7, 24], [80, 100], [127, 146]], // birds
  [[281, 287]], // cats
  [[351, 353]], // antelopes, for deer
  [[151, 268]], // dogs
  [[30, 32]], // frogs
  [[339, 339]], // horses
  [[403, 403], [484, 484], [510, 510], [554, 554], [625, 625], [628, 628], [724, 724], [780, 780], [814, 814], [833, 833], [871, 871], [914, 914]], // ships
  [[555, 555], [569, 569], [675, 675], [717, 717], [864, 864], [867, 867]], // lorries
]; // biome-ignore format: a line a class

interface Checkpoint {
  readonly name: string;
  readonly batch: number;
  /** Of CIFAR's images. */
  readonly count: number;
  /** Whether the class that the network names is that of the label. */
  readonly isRight: (found: number, label: number) => boolean;
}

const CIFAR_NET: Checkpoint = {
  name: 'cifar10-resnet20',
  batch: 100,
  count: 4000,
  isRight: (found, label) => found === label,
};
/** Its class 0 is the background. */
const IMAGENET: Checkpoint = {
  ...{ name: 'mobilenet_v2-imagenet', batch: 8, count: 2200 },
  isRight: (found, label) => GROUPS[label]!.some(([first, last]) => found - 1 >= first && found - 1 <= last),
};

/** What a trained network says of CIFAR-10's images, enlarged to its size, in float32 and in whole numbers. */
async function accuracy({ name, batch, count, isRight }: Checkpoint): Promise<Figure[]> {
  const { model, image } = await loaded(name);
  const specs = { x: { shape: [symbol('N'), image.channels, ...image.size] } };
  const build = ({ x }: Inputs<typeof specs>) => ({ classes: model.forward(x).argmax(-1) });
  const calibration = await calibrate(specs, build, feedsOf(image, 8, 0, SEEN));
  const [plain, whole] = [await compile(specs, build), await compile(specs, build, { weights: 'int8', calibration })];
  const right = [0, 0];
  let [same, all] = [0, 0];
  for await (const { x, labels } of feedsOf(image, batch, SEEN, count)) {
    const [a, b] = [(await plain.run({ x })).classes.data, (await whole.run({ x })).classes.data];
    for (const [i, label] of labels.entries()) {
      const found = [Number(a[i]), Number(b[i])];
      found.forEach((each, j) => {
        if (isRight(each, label)) right[j]!++;
      });
      if (found[0] === found[1]) same++;
      all++;
    }
  }
  await Promise.all([plain.dispose(), whole.dispose()]);
  const [before, after] = right.map((n) => (100 * n) / all) as [number, number];
  const what = `${name}, ${all} of CIFAR-10's images`;
  return [
    { what: `${what}: float32, top 1`, value: before, unit: '%' },
    { what: `${what}: int8, top 1`, value: after, unit: '%' },
    { what: `${what}: lost`, value: before - after, unit: 'points' },
    { what: `${what}: the same class`, value: (100 * same) / all, unit: '%' },
    ...(name === IMAGENET.name ? await photographs(model, image, calibration) : []),
  ];
}

async function photographs(
  model: Awaited<ReturnType<typeof loaded>>['model'],
  image: ImageConfig,
  calibration: Calibration,
): Promise<Figure[]> {
  const labels = Array.from({ length: 1001 }, (_, i) => String(i));
  const figures: Figure[] = [];
  for (const options of [{}, { weights: 'int8', calibration } as const]) {
    const classifier = await ImageClassifier.compile(model, labels, image, options);
    for (const photo of PHOTOS) {
      const [best] = await classifier.classify(photo);
      const format = 'weights' in options ? 'int8' : 'float32';
      figures.push({
        what: `${photo.split('/').at(-1)}: ${format}, class ${best!.label}`,
        value: best!.score,
        unit: '',
      });
    }
    await classifier.dispose();
  }
  return figures;
}

/** Batches of CIFAR's images as a model wants them. */
async function* feedsOf(
  image: ImageConfig,
  batch: number,
  from: number,
  to: number,
): AsyncGenerator<Feeds<{ x: { shape: number[] } }> & { labels: number[] }> {
  const [channels, [height, width]] = [image.channels, image.size];
  const size = channels * height * width;
  let [at, labels, data] = [0, [] as number[], new Float32Array(batch * size)];
  const feed = (): { x: HostTensor; labels: number[] } => ({
    x: hostTensor(data.subarray(0, labels.length * size), 'float32', [labels.length, channels, height, width]),
    labels,
  });
  for await (const each of cifarImages(CIFAR)) {
    if (at++ < from) continue;
    if (at > to) break;
    data.set(preprocess(each.image, image), labels.length * size);
    labels.push(each.label);
    if (labels.length < batch) continue;
    yield feed();
    [labels, data] = [[], new Float32Array(batch * size)];
  }
  if (labels.length > 0) yield feed();
}

const parts: Readonly<Record<string, () => Promise<Figure[]>>> = {
  'mobilenet_v2-batch1': () => speed('mobilenet_v2', 1),
  'mobilenet_v2-batch8': () => speed('mobilenet_v2', 8),
  'resnet50-batch1': () => speed('resnet50', 1),
  'resnet50-batch8': () => speed('resnet50', 8),
  cifar: () => accuracy(CIFAR_NET),
  imagenet: () => accuracy(IMAGENET),
};

/** What convolutions in whole numbers bring and cost. @throws RangeError for a part that there is not. */
export async function int8(names: readonly string[]): Promise<Figure[]> {
  for (const name of names)
    if (!Object.hasOwn(parts, name))
      throw new RangeError(`int8 has no part '${name}'; there are: ${Object.keys(parts).join(', ')}`);
  const wanted = names.length > 0 ? names : Object.keys(parts);
  if (!existsSync(CIFAR) && wanted.some((name) => !name.includes('-')))
    throw new RangeError(`the images are not there: ${CIFAR}`);
  const figures: Figure[] = [];
  for (const name of wanted) figures.push(...(await parts[name]!()));
  return figures;
}
