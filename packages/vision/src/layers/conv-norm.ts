import { BatchNorm2d, type BatchNormConfig, Conv2d, type ConvConfig, type Layer, normal } from '@rivulet/nn';
import type { Tensor } from '@rivulet/tensor';
import { withoutBias } from './head.ts';

export const relu = (x: Tensor): Tensor => x.relu();
export const relu6 = (x: Tensor): Tensor => x.relu6();

/** Where zeros go: on both sides, or, for strides, behind first as TensorFlow's SAME does. */
export type Padding = 'symmetric' | 'tensorflow';

export interface ConvNormOptions {
  readonly stride?: number;
  readonly dilation?: number;
  readonly groups?: number;
  /** None by default. */
  readonly activation?: ((x: Tensor) => Tensor) | undefined;
  /** Default 'symmetric'. */
  readonly padding?: Padding;
  readonly norm?: BatchNormConfig;
  /** How the weights start: He et al.'s way for ReLUs, or as `Conv2d` does by itself. Default 'kaiming'. */
  readonly start?: 'kaiming' | 'own';
}

/** Convolution, batch norm and activation, as torchvision's `Conv2dNormActivation`: the output is the input's size over the stride. */
export function convNorm(inputs: number, outputs: number, kernel: number, options: ConvNormOptions = {}): Layer[] {
  const { stride = 1, dilation = 1, groups = 1, activation, padding = 'symmetric', norm, start = 'kaiming' } = options;
  const pad = padding === 'tensorflow' ? 'sameUpper' : (dilation * (kernel - 1)) / 2;
  const config = { stride, dilation, groups, padding: pad, bias: false } as const;
  const conv =
    start === 'kaiming' ? kaimingConv(inputs, outputs, kernel, config) : new Conv2d(inputs, outputs, kernel, config);
  const layers: Layer[] = [conv, new BatchNorm2d(outputs, norm)];
  return activation ? [...layers, activation] : layers;
}

/** A convolution started as He et al. do for ReLUs, by the outputs of all groups (https://arxiv.org/abs/1502.01852); its bias is 0. */
export function kaimingConv(inputs: number, outputs: number, kernel: number, options: ConvConfig = {}): Conv2d {
  const conv = new Conv2d(inputs, outputs, kernel, options);
  normal(conv.weight, Math.sqrt(2 / (outputs * kernel ** 2)));
  return withoutBias(conv);
}
