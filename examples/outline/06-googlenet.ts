// GoogLeNet: an Inception block looks at the same place with several windows at once; 1 × 1 convolutions keep that cheap.
import { writeFile } from 'node:fs/promises';
import { adaptiveAvgPool, type Layer, Linear, Module, manualSeed, maxPool, sequential } from '@rivulet/nn';
import { concat, type Tensor } from '@rivulet/tensor';
import { confusionPicture, encodePNG } from '@rivulet/vision';
import { photos } from './support/data.ts';
import { unit } from './support/layers.ts';
import { type Lesson, start } from './support/lesson.ts';
import { percent, trainClassifier } from './support/train.ts';

class Inception extends Module {
  readonly branches: Layer[][];

  /** A quarter of the outputs comes from each branch. */
  constructor(inputs: number, outputs: number) {
    super();
    const [part, narrow] = [outputs / 4, outputs / 8];
    this.branches = [
      unit(inputs, part, 1),
      [...unit(inputs, narrow, 1), ...unit(narrow, part, 3)],
      [...unit(inputs, narrow, 1), ...unit(narrow, part, 5)],
      [(x) => maxPool(x, 3, { stride: 1, padding: 1 }), ...unit(inputs, part, 1)],
    ];
  }

  /** [N, inputs, H, W] → [N, outputs, H, W] */
  forward(x: Tensor): Tensor {
    return concat(
      this.branches.map((layers) => sequential(x, layers)),
      1,
    );
  }
}

const half: Layer = (x) => maxPool(x, 2);
const two = (a: number, b: number, c: number): Layer[] => [new Inception(a, b), new Inception(b, c)];

class SmallGoogLeNet extends Module {
  readonly features: Layer[] = [...unit(3, 32, 3), half, ...two(32, 64, 96), half, ...two(96, 128, 128)];
  readonly classifier: Linear;

  constructor(numClasses: number) {
    super();
    this.classifier = new Linear(128, numClasses);
  }

  /** [N, 3, 32, 32] → [N, classes]; the mean of every map takes the place of large linear layers. */
  forward(x: Tensor): Tensor {
    return this.classifier.forward(adaptiveAvgPool(sequential(x, this.features), 1).flatten(1));
  }
}

export async function googlenet({ short, say, picture }: Lesson): Promise<void> {
  const data = await photos(short);
  manualSeed(1);
  const model = new SmallGoogLeNet(data.names.length);
  const { accuracy, confusion } = await trainClassifier(model, data, { epochs: short ? 1 : 7 });
  say(`${data.source}: ${model.parameterCount()} parameters, ${percent(accuracy)} right`);
  const mistakes = confusion.flatMap((row, i) => row.map((count, j) => ({ count: i === j ? 0 : count, i, j })));
  for (const { count, i, j } of mistakes.sort((a, b) => b.count - a.count).slice(0, 3))
    say(`${count} times, a ${data.names[i]} was taken for a ${data.names[j]}`);
  await writeFile(picture, await encodePNG(confusionPicture(confusion, data.names)));
  say('picture: the confusion matrix');
}

await start(import.meta.url, googlenet);
