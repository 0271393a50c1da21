// A multilayer perceptron and, in full, the loop that trains it: sigmoid against ReLU, squared errors against cross entropy.
import { crossEntropy, Linear, Module, manualSeed, mseLoss, sgd, type Tensor, Trainer } from 'rivulet';
import { batchOf, digits } from './support/data.ts';
import { type Lesson, start } from './support/lesson.ts';
import { curves } from './support/picture.ts';
import { outputOf, percent, smooth } from './support/train.ts';

const BATCH = 32;

/** Two layers with something bent between them; without it they would be one. */
class MLP extends Module {
  readonly hidden: Linear = new Linear(784, 128);
  readonly output: Linear = new Linear(128, 10);
  readonly #activation: (x: Tensor) => Tensor;

  constructor(activation: (x: Tensor) => Tensor) {
    super();
    this.#activation = activation;
  }

  /** [N, 1, 28, 28] → [N, 10]: a score per class */
  forward(x: Tensor): Tensor {
    return this.output.forward(this.#activation(this.hidden.forward(x.flatten(1))));
  }
}

const sigmoid = (x: Tensor): Tensor => x.sigmoid();
const relu = (x: Tensor): Tensor => x.relu();
/** How far probabilities are from 1 for the right class and 0 for the others. */
const squaredErrors = (scores: Tensor, labels: Tensor): Tensor =>
  mseLoss(scores.softmax(-1), labels.oneHot(10).cast('float32'), { reduction: 'sum' }).div(BATCH);

const RUNS = {
  'sigmoid, squared errors': { activation: sigmoid, loss: squaredErrors },
  'sigmoid, cross entropy': { activation: sigmoid, loss: crossEntropy },
  'ReLU, cross entropy': { activation: relu, loss: crossEntropy },
};

export async function mlp({ short, say, picture }: Lesson): Promise<void> {
  const { train, test, shape, source } = await digits(short);
  const lines: Record<string, number[]> = {};
  for (const [name, { activation, loss }] of Object.entries(RUNS)) {
    manualSeed(1);
    const model = new MLP(activation);
    const trainer = new Trainer({
      model,
      inputs: { images: { shape: [BATCH, ...shape] }, labels: { shape: [BATCH], dtype: 'int32' } },
      loss: ({ images, labels }) => loss(model.forward(images), labels),
      optimizer: sgd({ lr: 0.1 }),
    });
    const losses: number[] = [];
    for (let epoch = 0; epoch < (short ? 1 : 4); epoch++)
      for (let from = 0; from + BATCH <= train.length; from += BATCH)
        losses.push((await trainer.train(batchOf(train.slice(from, from + BATCH), shape))).loss);
    await trainer.dispose();
    const answers = await outputOf((x) => model.forward(x).argmax(-1), test, shape);
    const right = test.filter(({ label }, i) => Number(answers.data[i]) === label).length;
    say(`${name}: ${percent(right / test.length)} of ${test.length} test images right`);
    lines[name] = smooth(losses).map((value) => value / losses[0]!);
  }
  say(`${source}; losses as shares of the first: ${await curves(picture, lines)}`);
}

await start(import.meta.url, mlp);
