import { adaptiveAvgPool, Conv2d, dropout, interpolate, type Layer, Module, sequential } from '@rivulet/nn';
import { concat, type Tensor } from '@rivulet/tensor';
import { convNorm, relu } from '../layers/conv-norm.ts';

/** torchvision's `FCNHead`: a quarter of the channels, then the classes. [N, C, H, W] → [N, classes, H, W] */
export function fcnHead(inputs: number, numClasses: number, p: number): Layer[] {
  const hidden = Math.floor(inputs / 4);
  return [...unit(inputs, hidden, 3), (x) => dropout(x, p), new Conv2d(hidden, numClasses, 1)];
}

/** DeepLabV3's head (https://arxiv.org/abs/1706.05587, fig. 5). [N, C, H, W] → [N, classes, H, W] */
export function deepLabHead(inputs: number, numClasses: number, p: number): Layer[] {
  return [new AtrousPyramid(inputs, [12, 24, 36], p), ...unit(256, 256, 3), new Conv2d(256, numClasses, 1)];
}

/** Looks at the same place from several distances, and at the whole image. */
class AtrousPyramid extends Module {
  readonly convs: Layer[][];
  readonly project: Layer[];

  constructor(inputs: number, rates: readonly number[], p: number) {
    super();
    this.convs = [
      unit(inputs, 256, 1),
      ...rates.map((rate) => unit(inputs, 256, 3, rate)),
      [(x) => adaptiveAvgPool(x, 1), ...unit(inputs, 256, 1)],
    ];
    this.project = [...unit(256 * this.convs.length, 256, 1), (x) => dropout(x, p)];
  }

  forward(x: Tensor): Tensor {
    const size = [x.size(2), x.size(3)];
    const looks = this.convs.map((layers, i) => {
      const y = sequential(x, layers);
      return i === this.convs.length - 1 ? interpolate(y, { size, mode: 'bilinear' }) : y;
    });
    return sequential(concat(looks, 1), this.project);
  }
}

const unit = (inputs: number, outputs: number, kernel: number, dilation = 1): Layer[] =>
  convNorm(inputs, outputs, kernel, { dilation, activation: relu, start: 'own' });
