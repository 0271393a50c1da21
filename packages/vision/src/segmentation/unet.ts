import { Conv2d, ConvTranspose2d, type Layer, Module, maxPool, sequential } from '@rivulet/nn';
import { concat, type Tensor } from '@rivulet/tensor';
import { convNorm, relu } from '../layers/conv-norm.ts';

export interface UNetConfig {
  readonly numClasses: number;
  /** Channels of the images. Default 3. */
  readonly channels?: number;
  /** Channels of every level, each of half the size of the one before. Default [64, 128, 256, 512, 1024]. */
  readonly widths?: readonly number[];
}

class DoubleConv extends Module {
  readonly double_conv: Layer[];

  constructor(inputs: number, outputs: number) {
    super();
    const unit = (from: number): Layer[] => convNorm(from, outputs, 3, { activation: relu, start: 'own' });
    this.double_conv = [...unit(inputs), ...unit(outputs)];
  }

  forward(x: Tensor): Tensor {
    return sequential(x, this.double_conv);
  }
}

class Up extends Module {
  readonly up: ConvTranspose2d;
  readonly conv: DoubleConv;

  constructor(inputs: number, outputs: number) {
    super();
    this.up = new ConvTranspose2d(inputs, outputs, 2, { stride: 2 });
    this.conv = new DoubleConv(2 * outputs, outputs);
  }

  /** x at half the size of `skip`, rounded down → the size of `skip` */
  forward(x: Tensor, skip: Tensor): Tensor {
    const y = this.up.forward(x);
    const [rows, columns] = [skip.size(2) - y.size(2), skip.size(3) - y.size(3)];
    const around = (n: number): [number, number] => [Math.floor(n / 2), Math.ceil(n / 2)];
    return this.conv.forward(concat([skip, y.pad([around(rows), around(columns)])], 1));
  }
}

/**
 * U-Net (https://arxiv.org/abs/1505.04597) with batch norm and padding, so that every pixel gets a class. Names `down.N.double_conv`,
 * `up.N.{up,conv.double_conv}`, `outc`.
 */
export class UNet extends Module {
  readonly down: DoubleConv[];
  readonly up: Up[];
  readonly outc: Conv2d;

  constructor({ numClasses, channels = 3, widths = [64, 128, 256, 512, 1024] }: UNetConfig) {
    super();
    this.down = widths.map((width, i) => new DoubleConv(widths[i - 1] ?? channels, width));
    this.up = widths.slice(0, -1).map((width, i) => new Up(widths[i + 1]!, width));
    this.outc = new Conv2d(widths[0]!, numClasses, 1);
  }

  /** [N, C, H, W] → logits [N, classes, H, W] */
  forward(x: Tensor): Tensor {
    const maps: Tensor[] = [];
    for (const [i, layer] of this.down.entries()) maps.push(layer.forward(i === 0 ? x : maxPool(maps[i - 1]!, 2)));
    const bottom = maps.pop()!;
    return this.outc.forward(this.up.reduceRight((y, layer, i) => layer.forward(y, maps[i]!), bottom));
  }
}
