import { BatchNorm2d, type Conv2d, type Layer, Linear, Module, maxPool, sequential } from '@rivulet/nn';
import type { Tensor } from '@rivulet/tensor';
import { convNorm, kaimingConv } from '../layers/conv-norm.ts';
import { globalPool } from '../layers/head.ts';
import { run } from '../layers/named.ts';
import { Backbone } from './backbone.ts';

export interface ResNetConfig {
  readonly block: 'basic' | 'bottleneck';
  /** Blocks of each of the four stages. */
  readonly layers: readonly number[];
  readonly numClasses: number;
  /** ResNeXt's groups. Default 1. */
  readonly groups?: number;
  /** Channels of a group of the first stage. Default 64. */
  readonly widthPerGroup?: number;
  /** Stages (of the last three) that dilate in place of their stride. Default: none. */
  readonly dilate?: readonly boolean[];
}

interface BlockShape {
  readonly inputs: number;
  readonly planes: number;
  readonly stride: number;
  readonly dilation: number;
  readonly groups: number;
  readonly width: number;
}

const shortcut = ({ inputs, stride }: BlockShape, outputs: number): Layer[] | null =>
  stride === 1 && inputs === outputs ? null : convNorm(inputs, outputs, 1, { stride });

class BasicBlock extends Module {
  readonly conv1: Conv2d;
  readonly bn1: BatchNorm2d;
  readonly conv2: Conv2d;
  readonly bn2: BatchNorm2d;
  readonly downsample: Layer[] | null;

  constructor(shape: BlockShape) {
    super();
    const { inputs, planes, stride } = shape;
    this.conv1 = kaimingConv(inputs, planes, 3, { stride, padding: 1, bias: false });
    this.bn1 = new BatchNorm2d(planes);
    this.conv2 = kaimingConv(planes, planes, 3, { padding: 1, bias: false });
    this.bn2 = new BatchNorm2d(planes);
    this.downsample = shortcut(shape, planes);
  }

  forward(x: Tensor): Tensor {
    const y = this.bn1.forward(this.conv1.forward(x)).relu();
    return this.bn2
      .forward(this.conv2.forward(y))
      .add(sequential(x, this.downsample ?? []))
      .relu();
  }
}

class Bottleneck extends Module {
  readonly conv1: Conv2d;
  readonly bn1: BatchNorm2d;
  readonly conv2: Conv2d;
  readonly bn2: BatchNorm2d;
  readonly conv3: Conv2d;
  readonly bn3: BatchNorm2d;
  readonly downsample: Layer[] | null;

  constructor(shape: BlockShape) {
    super();
    const { inputs, planes, stride, dilation, groups } = shape;
    const width = Math.floor(planes * (shape.width / 64)) * groups;
    const outputs = planes * 4;
    this.conv1 = kaimingConv(inputs, width, 1, { bias: false });
    this.bn1 = new BatchNorm2d(width);
    this.conv2 = kaimingConv(width, width, 3, { stride, dilation, groups, padding: dilation, bias: false });
    this.bn2 = new BatchNorm2d(width);
    this.conv3 = kaimingConv(width, outputs, 1, { bias: false });
    this.bn3 = new BatchNorm2d(outputs);
    this.downsample = shortcut(shape, outputs);
  }

  forward(x: Tensor): Tensor {
    const y = this.bn1.forward(this.conv1.forward(x)).relu();
    const z = this.bn2.forward(this.conv2.forward(y)).relu();
    return this.bn3
      .forward(this.conv3.forward(z))
      .add(sequential(x, this.downsample ?? []))
      .relu();
  }
}

type Block = BasicBlock | Bottleneck;

/** Residual networks (https://arxiv.org/abs/1512.03385), also ResNeXt and wide ones. Parameters as in torchvision's `ResNet`. */
export class ResNet extends Backbone {
  readonly conv1: Conv2d;
  readonly bn1: BatchNorm2d;
  readonly layer1: Block[];
  readonly layer2: Block[];
  readonly layer3: Block[];
  readonly layer4: Block[];
  fc: Linear;
  readonly #width: number;

  constructor({ block, layers, numClasses, groups = 1, widthPerGroup = 64, dilate = [] }: ResNetConfig) {
    super();
    const expansion = block === 'basic' ? 1 : 4;
    let [inputs, dilation] = [64, 1];
    this.conv1 = kaimingConv(3, 64, 7, { stride: 2, padding: 3, bias: false });
    this.bn1 = new BatchNorm2d(64);
    const stage = (i: number): Block[] =>
      Array.from({ length: layers[i]! }, (_, j) => {
        const first = j === 0 && i > 0;
        // The first block of a dilated stage still sees its input's dilation, as in torchvision.
        const before = dilation;
        if (first && dilate[i - 1]) dilation *= 2;
        const stride = first && !dilate[i - 1] ? 2 : 1;
        const shape = {
          inputs,
          planes: 64 * 2 ** i,
          stride,
          dilation: first ? before : dilation,
          groups,
          width: widthPerGroup,
        };
        inputs = shape.planes * expansion;
        return block === 'basic' ? new BasicBlock(shape) : new Bottleneck(shape);
      });
    this.layer1 = stage(0);
    this.layer2 = stage(1);
    this.layer3 = stage(2);
    this.layer4 = stage(3);
    this.#width = 512 * expansion;
    this.fc = new Linear(this.#width, numClasses);
  }

  /** The stem at stride 4, then four stages at strides 4, 8, 16, 32. */
  stages(): readonly Layer[] {
    const stem: Layer = (x) => maxPool(this.bn1.forward(this.conv1.forward(x)).relu(), 3, { stride: 2, padding: 1 });
    const layers = [this.layer1, this.layer2, this.layer3, this.layer4];
    return [stem, ...layers.map(run)];
  }

  forwardHead(features: Tensor): Tensor {
    return this.fc.forward(globalPool(features));
  }

  resetClassifier(numClasses: number): void {
    this.fc = new Linear(this.#width, numClasses);
  }
}
