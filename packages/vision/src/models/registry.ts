import type { Padding } from '../layers/conv-norm.ts';
import { AlexNet } from './alexnet.ts';
import type { Backbone } from './backbone.ts';
import { CifarResNet } from './cifar-resnet.ts';
import { MobileNetV1 } from './mobilenet-v1.ts';
import { MobileNetV2 } from './mobilenet-v2.ts';
import { ResNet, type ResNetConfig } from './resnet.ts';
import { VGG } from './vgg.ts';

/** What is common to all models; each ignores what it has not. */
export interface ModelOptions {
  /** Default 1000, of the models for CIFAR 10. */
  readonly numClasses?: number;
  /** Probability of dropout; each model's own by default. */
  readonly dropout?: number;
  /** MobileNets: channels as a multiple of the paper's. Default 1. */
  readonly widthMult?: number;
  /** MobileNets: where zeros go; each model's own by default. */
  readonly padding?: Padding;
}

type Factory = (options: ModelOptions) => Backbone;
type Variants = Readonly<Record<string, Factory>>;

const variants = <T>(table: Readonly<Record<string, T>>, make: (row: T, options: ModelOptions) => Backbone): Variants =>
  Object.fromEntries(Object.entries(table).map(([name, row]) => [name, (options: ModelOptions) => make(row, options)]));

const RESNETS: Readonly<Record<string, Omit<ResNetConfig, 'numClasses'>>> = {
  resnet18: { block: 'basic', layers: [2, 2, 2, 2] },
  resnet34: { block: 'basic', layers: [3, 4, 6, 3] },
  resnet50: { block: 'bottleneck', layers: [3, 4, 6, 3] },
  resnet101: { block: 'bottleneck', layers: [3, 4, 23, 3] },
  resnet152: { block: 'bottleneck', layers: [3, 8, 36, 3] },
  resnext50_32x4d: { block: 'bottleneck', layers: [3, 4, 6, 3], groups: 32, widthPerGroup: 4 },
  wide_resnet50_2: { block: 'bottleneck', layers: [3, 4, 6, 3], widthPerGroup: 128 },
};
const CIFAR_RESNETS = {
  cifar_resnet20: 3,
  cifar_resnet32: 5,
  cifar_resnet44: 7,
  cifar_resnet56: 9,
  cifar_resnet110: 18,
};
const VGGS = { vgg11: [1, 1, 2, 2, 2], vgg13: [2, 2, 2, 2, 2], vgg16: [2, 2, 3, 3, 3], vgg19: [2, 2, 4, 4, 4] };

const MODELS: Variants = {
  alexnet: (options) => new AlexNet({ numClasses: 1000, ...options }),
  ...variants(VGGS, (layers, options) => new VGG({ numClasses: 1000, ...options, layers, batchNorm: false })),
  ...variants(
    Object.fromEntries(Object.entries(VGGS).map(([name, layers]) => [`${name}_bn`, layers])),
    (layers, options) => new VGG({ numClasses: 1000, ...options, layers, batchNorm: true }),
  ),
  ...variants(RESNETS, (shape, options) => new ResNet({ numClasses: 1000, ...options, ...shape })),
  ...variants(CIFAR_RESNETS, (blocks, options) => new CifarResNet({ numClasses: 10, ...options, blocks })),
  mobilenet_v1: (options) => new MobileNetV1({ numClasses: 1000, ...options }),
  mobilenet_v2: (options) => new MobileNetV2({ numClasses: 1000, ...options }),
};

/** The names that `createModel` knows, in alphabetical order; with a filter, those that contain it or match it. */
export function listModels(filter: string | RegExp = ''): string[] {
  const matches = (name: string): boolean => (typeof filter === 'string' ? name.includes(filter) : filter.test(name));
  return Object.keys(MODELS).filter(matches).sort();
}

/** A model by its name, with untrained weights. @throws RangeError naming the models that there are. */
export function createModel(name: string, options: ModelOptions = {}): Backbone {
  const make = Object.hasOwn(MODELS, name) ? MODELS[name] : undefined;
  if (!make) throw new RangeError(`there is no model '${name}'; there are: ${listModels().join(', ')}`);
  const { numClasses } = options;
  if (numClasses !== undefined && !(Number.isSafeInteger(numClasses) && numClasses > 0))
    throw new RangeError(`numClasses must be a whole number from 1, got ${numClasses}`);
  return make(options);
}
