// ResNet: what a shortcut around every two layers does for a deep network. The same layers, with it and without it.
import {
  adaptiveAvgPool,
  BatchNorm2d,
  Conv2d,
  type Layer,
  Linear,
  Module,
  manualSeed,
  sequential,
  type Tensor,
} from 'rivulet';
import { photos } from './support/data.ts';
import { type Lesson, start } from './support/lesson.ts';
import { curves } from './support/picture.ts';
import { percent, trainClassifier } from './support/train.ts';

const conv = (inputs: number, outputs: number, kernel: number, stride = 1): Layer[] => [
  new Conv2d(inputs, outputs, kernel, { stride, padding: (kernel - 1) / 2, bias: false }),
  new BatchNorm2d(outputs),
];

class Block extends Module {
  readonly body: Layer[];
  readonly shortcut: Layer[] | null;

  constructor(inputs: number, outputs: number, stride: number, residual: boolean) {
    super();
    this.body = [...conv(inputs, outputs, 3, stride), (x) => x.relu(), ...conv(outputs, outputs, 3)];
    const fits = stride === 1 && inputs === outputs;
    this.shortcut = residual ? (fits ? [] : conv(inputs, outputs, 1, stride)) : null;
  }

  /** The body learns what to add to its input; gradients reach early layers through the sums. */
  forward(x: Tensor): Tensor {
    const y = sequential(x, this.body);
    return (this.shortcut ? y.add(sequential(x, this.shortcut)) : y).relu();
  }
}

class Net extends Module {
  readonly layers: Layer[];
  readonly classifier: Linear;

  constructor(blocks: number, residual: boolean, numClasses: number) {
    super();
    const stage = (inputs: number, outputs: number): Block[] =>
      Array.from({ length: blocks }, (_, i) => new Block(i ? outputs : inputs, outputs, i ? 1 : 2, residual));
    this.layers = [...conv(3, 16, 3), (x) => x.relu(), ...stage(16, 16), ...stage(16, 32), ...stage(32, 64)];
    this.classifier = new Linear(64, numClasses);
  }

  /** [N, 3, 32, 32] → [N, classes] */
  forward(x: Tensor): Tensor {
    return this.classifier.forward(adaptiveAvgPool(sequential(x, this.layers), 1).flatten(1));
  }
}

export async function resnet({ short, say, picture }: Lesson): Promise<void> {
  const data = await photos(short);
  const lines: Record<string, number[]> = {};
  for (const residual of [false, true]) {
    const name = residual ? 'with shortcuts' : 'plain';
    manualSeed(1);
    const model = new Net(short ? 1 : 6, residual, data.names.length);
    const { accuracy, losses } = await trainClassifier(model, data, { epochs: short ? 1 : 3 });
    say(`${name}: loss ${losses.at(-1)!.toFixed(2)}, ${percent(accuracy)} right`);
    lines[name] = losses;
  }
  say(`${data.source}, 38 layers; the loss: ${await curves(picture, lines)}`);
}

await start(import.meta.url, resnet);
