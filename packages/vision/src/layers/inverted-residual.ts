import { type BatchNormConfig, dropPath, type Layer, Module, sequential } from '@rivulet/nn';
import type { Tensor } from '@rivulet/tensor';
import { convNorm } from './conv-norm.ts';
import type { SqueezeExcitation } from './squeeze-excitation.ts';

export interface InvertedResidualConfig {
  readonly inputs: number;
  readonly hidden: number;
  readonly outputs: number;
  readonly kernel: number;
  readonly stride: number;
  readonly activation: (x: Tensor) => Tensor;
  readonly norm?: BatchNormConfig;
  readonly squeeze?: SqueezeExcitation | undefined;
  /** Probability that training leaves the block out. Default 0. */
  readonly dropPath?: number;
}

/**
 * Expands by 1x1, filters every channel by itself, weighs the channels and projects back, around a shortcut: the block of
 * MobileNet v3 and EfficientNet. Names as in torchvision.
 */
export class InvertedResidual extends Module {
  readonly block: (Layer | Layer[])[];
  readonly #shortcut: boolean;
  readonly #dropPath: number;

  constructor(config: InvertedResidualConfig) {
    super();
    const { inputs, hidden, outputs, kernel, stride, activation, norm = {}, squeeze, dropPath = 0 } = config;
    this.block = [
      ...(hidden === inputs ? [] : [convNorm(inputs, hidden, 1, { activation, norm })]),
      convNorm(hidden, hidden, kernel, { stride, groups: hidden, activation, norm }),
      ...(squeeze ? [squeeze] : []),
      convNorm(hidden, outputs, 1, { norm }),
    ];
    this.#shortcut = stride === 1 && inputs === outputs;
    this.#dropPath = dropPath;
  }

  forward(x: Tensor): Tensor {
    const y = sequential(x, this.block.flat());
    return this.#shortcut ? x.add(dropPath(y, this.#dropPath)) : y;
  }
}
