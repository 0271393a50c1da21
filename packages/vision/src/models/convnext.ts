import {
  Conv2d,
  dropPath,
  type Layer,
  LayerNorm,
  type Linear,
  Module,
  sequential,
  storageOf,
  truncatedNormal,
} from '@rivulet/nn';
import { parameter, type Tensor } from '@rivulet/tensor';
import { globalPool, truncatedLinear, withoutBias } from '../layers/head.ts';
import { run } from '../layers/named.ts';
import { Backbone } from './backbone.ts';

export interface ConvNeXtConfig {
  /** Channels of the four stages. */
  readonly dims: readonly number[];
  /** Blocks of the four stages. */
  readonly depths: readonly number[];
  readonly numClasses: number;
  /** Probability that training leaves out a block, growing to this from 0 with the depth. Default 0. */
  readonly dropPath?: number;
}

class Block extends Module {
  readonly layer_scale: Tensor; // [C, 1, 1]
  readonly block: [Conv2d, Layer, LayerNorm, Linear, Layer, Linear, Layer];
  readonly #dropPath: number;

  constructor(dim: number, dropPath: number) {
    super();
    this.layer_scale = parameter(dim, 1, 1);
    storageOf(this.layer_scale).data.fill(1e-6 as never);
    this.block = [
      conv(dim, dim, 7, { padding: 3, groups: dim }),
      channelsLast,
      new LayerNorm(dim, { eps: 1e-6 }),
      truncatedLinear(dim, 4 * dim),
      (x) => x.gelu(),
      truncatedLinear(4 * dim, dim),
      channelsFirst,
    ];
    this.#dropPath = dropPath;
  }

  forward(x: Tensor): Tensor {
    return x.add(dropPath(sequential(x, this.block).mul(this.layer_scale), this.#dropPath));
  }
}

/** Normalizes the channels of every place. */
class LayerNorm2d extends LayerNorm {
  override forward(x: Tensor): Tensor {
    return channelsFirst(super.forward(channelsLast(x)));
  }
}

/** ConvNeXt (https://arxiv.org/abs/2201.03545). Parameters as in torchvision's `ConvNeXt`. */
export class ConvNeXt extends Backbone {
  readonly features: Layer[][];
  readonly classifier: [LayerNorm2d, Layer, Linear];
  readonly #width: number;

  constructor({ dims, depths, numClasses, dropPath = 0 }: ConvNeXtConfig) {
    super();
    const total = depths.reduce((a, b) => a + b, 0);
    let done = 0;
    this.features = dims.flatMap((dim, i) => [
      i === 0
        ? [conv(3, dim, 4, { stride: 4 }), norm(dim)]
        : [norm(dims[i - 1]!), conv(dims[i - 1]!, dim, 2, { stride: 2 })],
      Array.from({ length: depths[i]! }, () => new Block(dim, (dropPath * done++) / (total - 1))),
    ]);
    this.#width = dims.at(-1)!;
    this.classifier = [norm(this.#width), (x) => x.flatten(1), truncatedLinear(this.#width, numClasses)];
  }

  /** Four stages at strides 4, 8, 16 and 32, each with the step that shrinks the image. */
  stages(): readonly Layer[] {
    return [0, 2, 4, 6].map((i) => run(this.features.slice(i, i + 2).flat()));
  }

  forwardHead(features: Tensor): Tensor {
    const pooled = globalPool(features).unsqueeze(2).unsqueeze(3);
    return sequential(pooled, this.classifier);
  }

  resetClassifier(numClasses: number): void {
    this.classifier[2] = truncatedLinear(this.#width, numClasses);
  }
}

const channelsLast = (x: Tensor): Tensor => x.permute([0, 2, 3, 1]);
const channelsFirst = (x: Tensor): Tensor => x.permute([0, 3, 1, 2]);
const norm = (dim: number): LayerNorm2d => new LayerNorm2d(dim, { eps: 1e-6 });

function conv(inputs: number, outputs: number, kernel: number, options = {}): Conv2d {
  const layer = withoutBias(new Conv2d(inputs, outputs, kernel, options));
  truncatedNormal(layer.weight, 0.02);
  return layer;
}
