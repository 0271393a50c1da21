import { Conv2d, ConvTranspose2d, dropout, type Layer, sequential, storageOf } from '@rivulet/nn';
import type { Tensor } from '@rivulet/tensor';
import { relu } from '../layers/conv-norm.ts';
import { withoutBias } from '../layers/head.ts';
import type { Backbone } from '../models/backbone.ts';
import { levelsOf, Segmenter } from './segmenter.ts';

export interface FCNConfig {
  readonly backbone: Backbone;
  readonly numClasses: number;
  /** Stages to name pixels on, the coarsest first: one for FCN-32s, two for 16s, three for 8s. Each doubles the one before. */
  readonly levels: readonly number[];
  /** Width of the paper's fc6 and fc7 as convolutions, before the coarsest scores. Default: none. */
  readonly hidden?: number;
  /** Probability of dropout behind them. Default 0.5. */
  readonly dropout?: number;
}

/**
 * Fully convolutional network (https://arxiv.org/abs/1411.4038): scores of a coarse stage, enlarged by a transposed convolution
 * that starts as bilinear interpolation and joined with those of finer stages. Scores start at zero, as in the paper; maps are
 * padded and cut at their edges, where the paper pads the image by 100.
 */
export class FCN extends Segmenter {
  readonly hidden: Layer[];
  readonly score: Conv2d[];
  readonly up: ConvTranspose2d[];
  readonly #levels: readonly number[];
  readonly #stride: number;

  /** @throws RangeError where a level is not twice as fine as the one before. */
  constructor({ backbone, numClasses, levels, hidden, dropout: p = 0.5 }: FCNConfig) {
    super(backbone, levels);
    this.#levels = levels;
    const found = levelsOf(backbone, levels);
    this.#stride = found[0]!.stride;
    found.forEach(({ stride }, i) => {
      if (i > 0 && 2 * stride !== found[i - 1]!.stride)
        throw new RangeError(
          `levels have strides ${found.map((l) => l.stride).join(', ')}; each must be half of the last`,
        );
    });
    const drop: Layer = (x) => dropout(x, p);
    this.hidden =
      hidden === undefined
        ? []
        : [
            new Conv2d(found[0]!.channels, hidden, 7, { padding: 3 }),
            relu,
            drop,
            new Conv2d(hidden, hidden, 1),
            relu,
            drop,
          ];
    this.score = found.map(({ channels }, i) => zeroConv(i === 0 ? (hidden ?? channels) : channels, numClasses));
    this.up = found.map(({ stride }, i) => bilinear(numClasses, i === found.length - 1 ? stride : 2));
  }

  forward(x: Tensor): Tensor {
    const [coarsest, ...finer] = this.backbone.featureMaps(grown(x, this.#stride), this.#levels);
    let y = this.score[0]!.forward(sequential(coarsest!, this.hidden));
    finer.forEach((map, i) => {
      y = cut(this.up[i]!.forward(y), map).add(this.score[i + 1]!.forward(map));
    });
    return cut(this.up.at(-1)!.forward(y), x);
  }
}

/** Zeros at the right and the bottom, up to a multiple of the stride: pools that round down would lose the edge. */
function grown(x: Tensor, stride: number): Tensor {
  const missing = (axis: number): number => (stride - (x.size(axis) % stride)) % stride;
  const [down, right] = [missing(2), missing(3)];
  return down + right === 0
    ? x
    : x.pad([
        [0, down],
        [0, right],
      ]);
}

/** Takes off what a rounded-up map has more than `like`. */
const cut = (y: Tensor, like: Tensor): Tensor => y.slice(2, 0, like.size(2)).slice(3, 0, like.size(3));

function zeroConv(inputs: number, outputs: number): Conv2d {
  const conv = withoutBias(new Conv2d(inputs, outputs, 1));
  storageOf(conv.weight).data.fill(0 as never);
  return conv;
}

/** Enlarges by `factor`, every class by itself at first. */
function bilinear(channels: number, factor: number): ConvTranspose2d {
  const kernel = 2 * factor - (factor % 2);
  const padding = Math.floor(factor / 2);
  const layer = new ConvTranspose2d(channels, channels, kernel, { stride: factor, padding, bias: false });
  const { data } = storageOf(layer.weight);
  const share = (i: number): number => 1 - Math.abs(i - (kernel - 1) / 2) / factor;
  for (let i = 0; i < data.length; i++) {
    const [row, column] = [Math.floor(i / kernel) % kernel, i % kernel];
    const pair = Math.floor(i / kernel ** 2);
    data[i] = Math.floor(pair / channels) === pair % channels ? share(row) * share(column) : 0;
  }
  return layer;
}
