import type { Activation } from '../layers/activation.ts';
import type { Padding } from '../layers/conv-norm.ts';
import { AlexNet } from './alexnet.ts';
import { AlexNet2012 } from './alexnet-2012.ts';
import type { Backbone } from './backbone.ts';
import { CifarResNet } from './cifar-resnet.ts';
import { ConvNeXt } from './convnext.ts';
import { DenseNet } from './densenet.ts';
import { EfficientNet } from './efficientnet.ts';
import { GoogLeNet } from './googlenet.ts';
import { LeNet5 } from './lenet.ts';
import { MLP } from './mlp.ts';
import { MobileNetV1 } from './mobilenet-v1.ts';
import { MobileNetV2 } from './mobilenet-v2.ts';
import { MobileNetV3 } from './mobilenet-v3.ts';
import { ResNet, type ResNetConfig } from './resnet.ts';
import { ShuffleNetV2 } from './shufflenet-v2.ts';
import { SqueezeNet } from './squeezenet.ts';
import { SwinTransformer } from './swin.ts';
import { VGG } from './vgg.ts';
import { ViT } from './vit.ts';

/** What is common to all models; each ignores what it has not. */
export interface ModelOptions {
  /** Default 1000; 10 of the models for CIFAR and of LeNet and MLP. */
  readonly numClasses?: number;
  /** Probability of dropout; each model's own by default. */
  readonly dropout?: number;
  /** MobileNets: channels as a multiple of the paper's. Default 1. */
  readonly widthMult?: number;
  /** MobileNets: where zeros go; each model's own by default. */
  readonly padding?: Padding;
  /** EfficientNet, ConvNeXt, Swin: the largest probability that training leaves out a block; each model's own by default. */
  readonly dropPath?: number;
  /** ViT, LeNet, MLP: height and width of the images. Default 224, of LeNet and MLP 28. */
  readonly imageSize?: number;
  /** ViT, LeNet, MLP: channels of the images. Default 3, of LeNet and MLP 1. */
  readonly channels?: number;
  /** ViT: what the classifier sees. Default 'token'. */
  readonly pool?: 'token' | 'mean';
  /** LeNet and MLP: each model's own by default. */
  readonly activation?: Activation;
  /** MLP: widths of the hidden layers. Default [256]. */
  readonly hidden?: readonly number[];
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

const DENSENETS = {
  densenet121: { growth: 32, blocks: [6, 12, 24, 16], stem: 64 },
  densenet161: { growth: 48, blocks: [6, 12, 36, 24], stem: 96 },
  densenet169: { growth: 32, blocks: [6, 12, 32, 32], stem: 64 },
  densenet201: { growth: 32, blocks: [6, 12, 48, 32], stem: 64 },
};
const SHUFFLENETS = {
  shufflenet_v2_x0_5: [48, 96, 192, 1024],
  shufflenet_v2_x1_0: [116, 232, 464, 1024],
  shufflenet_v2_x1_5: [176, 352, 704, 1024],
  shufflenet_v2_x2_0: [244, 488, 976, 2048],
} as const;
const CONVNEXTS = {
  convnext_tiny: { dims: [96, 192, 384, 768], depths: [3, 3, 9, 3], dropPath: 0.1 },
  convnext_small: { dims: [96, 192, 384, 768], depths: [3, 3, 27, 3], dropPath: 0.4 },
};
const SWINS = {
  swin_t: { embedDim: 96, depths: [2, 2, 6, 2], numHeads: [3, 6, 12, 24], dropPath: 0.2 },
  swin_s: { embedDim: 96, depths: [2, 2, 18, 2], numHeads: [3, 6, 12, 24], dropPath: 0.3 },
};
const VITS = {
  tiny: { embedDim: 192, depth: 12, numHeads: 3 },
  small: { embedDim: 384, depth: 12, numHeads: 6 },
  base: { embedDim: 768, depth: 12, numHeads: 12 },
  large: { embedDim: 1024, depth: 24, numHeads: 16 },
};
const VIT_VARIANTS = Object.fromEntries(
  Object.entries(VITS).flatMap(([size, shape]) => [
    ...[16, 32].map((patchSize) => [`vit_${size}_patch${patchSize}_224`, { ...shape, patchSize }] as const),
    ...(size === 'large'
      ? []
      : [false, true].map((distilled) => {
          const name = `deit_${size}${distilled ? '_distilled' : ''}_patch16_224`;
          return [name, { ...shape, patchSize: 16, distilled }] as const;
        })),
  ]),
);
const VIT = { imageSize: 224, channels: 3, mlpRatio: 4, numClasses: 1000, dropout: 0 };

const MODELS: Variants = {
  alexnet: (options) => new AlexNet({ numClasses: 1000, ...options }),
  alexnet_2012: (options) => new AlexNet2012({ numClasses: 1000, ...options }),
  ...variants(VGGS, (layers, options) => new VGG({ numClasses: 1000, ...options, layers, batchNorm: false })),
  ...variants(
    Object.fromEntries(Object.entries(VGGS).map(([name, layers]) => [`${name}_bn`, layers])),
    (layers, options) => new VGG({ numClasses: 1000, ...options, layers, batchNorm: true }),
  ),
  ...variants(RESNETS, (shape, options) => new ResNet({ numClasses: 1000, ...options, ...shape })),
  ...variants(CIFAR_RESNETS, (blocks, options) => new CifarResNet({ numClasses: 10, ...options, blocks })),
  mobilenet_v1: (options) => new MobileNetV1({ numClasses: 1000, ...options }),
  mobilenet_v2: (options) => new MobileNetV2({ numClasses: 1000, ...options }),
  mobilenet_v3_small: (options) => new MobileNetV3({ numClasses: 1000, ...options, size: 'small' }),
  mobilenet_v3_large: (options) => new MobileNetV3({ numClasses: 1000, ...options, size: 'large' }),
  mlp: (options) => new MLP({ numClasses: 10, ...options }),
  lenet5: (options) => new LeNet5({ numClasses: 10, ...options }),
  googlenet: (options) => new GoogLeNet({ numClasses: 1000, ...options }),
  squeezenet1_0: (options) => new SqueezeNet({ numClasses: 1000, ...options, version: '1.0' }),
  squeezenet1_1: (options) => new SqueezeNet({ numClasses: 1000, ...options, version: '1.1' }),
  efficientnet_b0: (options) => new EfficientNet({ numClasses: 1000, ...options }),
  ...variants(DENSENETS, (shape, options) => new DenseNet({ numClasses: 1000, ...options, ...shape })),
  // The paper's DenseNet-BC of 100 layers for CIFAR, k = 12.
  cifar_densenet100: (options) =>
    new DenseNet({ numClasses: 10, ...options, growth: 12, blocks: [16, 16, 16], stem: 24, cifar: true }),
  ...variants(SHUFFLENETS, (channels, options) => new ShuffleNetV2({ numClasses: 1000, ...options, channels })),
  ...variants(CONVNEXTS, (shape, options) => new ConvNeXt({ numClasses: 1000, ...shape, ...options })),
  ...variants(SWINS, (shape, options) => new SwinTransformer({ numClasses: 1000, ...shape, ...options })),
  ...variants(VIT_VARIANTS, (shape, options) => new ViT({ ...VIT, ...options, ...shape })),
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
