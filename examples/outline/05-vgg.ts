// VGG: blocks of small convolutions. Two of 3 × 3 see what one of 5 × 5 sees, with fewer parameters and one more ReLU.
import {
  BatchNorm2d,
  Conv2d,
  type Layer,
  Linear,
  Module,
  manualSeed,
  maxPool,
  sequential,
  summary,
  type Tensor,
} from 'rivulet';
import { photos } from './support/data.ts';
import { type Lesson, start } from './support/lesson.ts';
import { curves } from './support/picture.ts';
import { percent, trainClassifier } from './support/train.ts';

const relu: Layer = (x) => x.relu();

/** Convolutions of one width, then half the size. */
function block(inputs: number, outputs: number, kernels: readonly number[]): Layer[] {
  const layers = kernels.flatMap((kernel, i) => [
    new Conv2d(i === 0 ? inputs : outputs, outputs, kernel, { padding: (kernel - 1) / 2 }),
    new BatchNorm2d(outputs),
    relu,
  ]);
  return [...layers, (x) => maxPool(x, 2)];
}

class VGG extends Module {
  readonly features: Layer[];
  readonly classifier: Linear;

  constructor(kernels: readonly number[], numClasses: number) {
    super();
    this.features = [...block(3, 16, kernels), ...block(16, 32, kernels), ...block(32, 64, kernels)];
    this.classifier = new Linear(64 * 16, numClasses);
  }

  /** [N, 3, 32, 32] → [N, classes] */
  forward(x: Tensor): Tensor {
    return this.classifier.forward(sequential(x, this.features).flatten(1));
  }
}

export async function vgg({ short, say, picture }: Lesson): Promise<void> {
  const data = await photos(short);
  const lines: Record<string, number[]> = {};
  for (const [name, kernels] of [
    ['one 5 × 5', [5]],
    ['two 3 × 3', [3, 3]],
  ] as const) {
    manualSeed(1);
    const model = new VGG(kernels, data.names.length);
    const { flops, trainable } = summary(model, [{ shape: [1, ...data.shape] }]);
    const { accuracy, losses } = await trainClassifier(model, data, { epochs: short ? 1 : 5 });
    say(`${name}: ${trainable} parameters, ${(flops / 1e6).toFixed(0)} MFLOP an image, ${percent(accuracy)} right`);
    lines[name] = losses;
  }
  say(`${data.source}; the loss: ${await curves(picture, lines)}`);
}

await start(import.meta.url, vgg);
