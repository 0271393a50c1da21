import {
  type Backbone,
  ConvNeXt,
  createModel,
  DenseNet,
  MobileNetV3,
  ResNet,
  SwinTransformer,
  ViT,
} from '@rivulet/vision';

const numClasses = 5;
const vit = {
  imageSize: 64,
  patchSize: 16,
  channels: 3,
  embedDim: 24,
  depth: 2,
  numHeads: 3,
  mlpRatio: 4,
  numClasses,
  dropout: 0,
};

/** Small shapes of the large families, as tools/reference/torchvision_parity.py builds them of other classes. */
export const SMALL: Readonly<Record<string, () => Backbone>> = {
  lenet5: () => createModel('lenet5', { numClasses }),
  mlp: () => createModel('mlp', { numClasses }),
  'small resnet': () => new ResNet({ block: 'basic', layers: [2, 1, 1, 1], numClasses }),
  'small dilated resnext': () =>
    new ResNet({
      block: 'bottleneck',
      layers: [1, 1, 2, 1],
      groups: 32,
      widthPerGroup: 4,
      dilate: [false, true, true],
      numClasses,
    }),
  'small densenet': () => new DenseNet({ growth: 8, blocks: [2, 3, 2, 2], stem: 16, numClasses }),
  'small mobilenet_v3': () => new MobileNetV3({ size: 'large', widthMult: 0.5, dropout: 0, numClasses }),
  ...Object.fromEntries(
    [0.25, 0.5, 0.75].map((widthMult) => [
      `mobilenet_v1 of width ${widthMult}`,
      () => createModel('mobilenet_v1', { numClasses, widthMult }),
    ]),
  ),
  'small cifar densenet': () => new DenseNet({ growth: 8, blocks: [2, 2, 2], stem: 16, cifar: true, numClasses }),
  'small convnext': () => new ConvNeXt({ dims: [16, 24, 32, 40], depths: [1, 2, 1, 1], numClasses }),
  'small swin': () =>
    new SwinTransformer({
      embedDim: 12,
      depths: [2, 2, 2],
      numHeads: [1, 2, 3],
      windowSize: 4,
      dropPath: 0,
      numClasses,
    }),
  'small vit': () => new ViT(vit),
  'small vit, mean': () => new ViT({ ...vit, pool: 'mean' }),
  'small deit, distilled': () => new ViT({ ...vit, distilled: true }),
};
