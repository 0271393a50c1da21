import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  type Backbone,
  createModel,
  type HostTensor,
  loadBackboneWeights,
  parseBackboneConfig,
  readSafetensors,
  storageOf,
} from 'rivulet';
import { type ImageData, photos, type Sample } from './data.ts';
import { trainClassifier } from './train.ts';

const folder = fileURLToPath(new URL('../../../../shared/data/checkpoints/mobilenet_v2-imagenet', import.meta.url));

export interface Teacher {
  /** The network with random weights. */
  readonly create: () => Backbone;
  readonly weights: ReadonlyMap<string, HostTensor>;
  /** Height and width of the images that it wants. */
  readonly side: number;
  /** A new task with few examples. */
  readonly data: ImageData;
  readonly source: string;
}

/** MobileNetV2 as ImageNet taught it, for photographs; where it is not there, a small network that tells drawn shapes apart. */
export async function teacher(short: boolean, perClass: number): Promise<Teacher> {
  const all = await photos(short);
  if (short || !existsSync(folder)) {
    const create = (): Backbone => createModel('cifar_resnet20', { numClasses: all.names.length });
    const model = create();
    await trainClassifier(model, all, { epochs: short ? 1 : 3 });
    const weights = new Map([...model.stateDict()].map(([name, t]) => [name, storageOf(t)]));
    const hollow = ({ image, label }: Sample): Sample => ({ image, label: label % 2 }); // rings and frames
    const named = { ...all, train: all.train.map(hollow), test: all.test.map(hollow), names: ['solid', 'hollow'] };
    return { create, weights, side: 32, data: fewOf(named, perClass), source: 'a network for drawn shapes' };
  }
  const config = JSON.parse(await readFile(join(folder, 'config.json'), 'utf8'));
  const { create } = parseBackboneConfig(config, config.architecture);
  const model = create();
  loadBackboneWeights(model, await readSafetensors(join(folder, 'model.safetensors')));
  const weights = new Map([...model.stateDict()].map(([name, t]) => [name, storageOf(t)]));
  return { create, weights, side: 64, data: fewOf(all, perClass), source: 'MobileNetV2 of ImageNet' };
}

function fewOf(data: ImageData, perClass: number): ImageData {
  const seen = data.names.map(() => 0);
  return { ...data, train: data.train.filter(({ label }) => seen[label]!++ < perClass), test: data.test.slice(0, 200) };
}
