// MobileNet: a convolution taken apart. First every channel by itself over space, then all channels together at each place.
import { adaptiveAvgPool, type Layer, Linear, Module, manualSeed, sequential, summary, type Tensor } from 'rivulet';
import { photos } from './support/data.ts';
import { unit } from './support/layers.ts';
import { type Lesson, start } from './support/lesson.ts';
import { curves } from './support/picture.ts';
import { percent, trainClassifier } from './support/train.ts';

/** 9·I·O multiplications at each place … */
const whole = (inputs: number, outputs: number, stride: number): Layer[] => unit(inputs, outputs, 3, { stride });
/** … against 9·I and then I·O. */
const separable = (inputs: number, outputs: number, stride: number): Layer[] => [
  ...unit(inputs, inputs, 3, { stride, groups: inputs }),
  ...unit(inputs, outputs, 1),
];

/** Channels and strides behind the first layer's 32. */
const STAGES = [
  [64, 1],
  [96, 2],
  [96, 1],
  [128, 2],
  [128, 1],
] as const;

class Net extends Module {
  readonly features: Layer[];
  readonly classifier: Linear;

  constructor(make: typeof whole, numClasses: number) {
    super();
    let width = 32;
    this.features = unit(3, width, 3, { stride: 2 });
    for (const [outputs, stride] of STAGES) {
      this.features.push(...make(width, outputs, stride));
      width = outputs;
    }
    this.classifier = new Linear(width, numClasses);
  }

  /** [N, 3, 32, 32] → [N, classes] */
  forward(x: Tensor): Tensor {
    return this.classifier.forward(adaptiveAvgPool(sequential(x, this.features), 1).flatten(1));
  }
}

export async function mobilenet({ short, say, picture }: Lesson): Promise<void> {
  const data = await photos(short);
  const lines: Record<string, number[]> = {};
  for (const [name, make] of Object.entries({ whole, separable })) {
    manualSeed(1);
    const model = new Net(make, data.names.length);
    const { flops, trainable } = summary(model, [{ shape: [1, ...data.shape] }]);
    const { accuracy, losses } = await trainClassifier(model, data, { epochs: short ? 1 : 8 });
    say(`${name}: ${trainable} parameters, ${(flops / 1e6).toFixed(1)} MFLOP an image, ${percent(accuracy)} right`);
    lines[name] = losses;
  }
  say(`${data.source}; the loss: ${await curves(picture, lines)}`);
}

await start(import.meta.url, mobilenet);
