// Transfer learning, its three ways: a network that has seen a million photographs needs ten of each thing to learn new ones.
import { freezeFor, interpolate, Module, manualSeed, type Tensor, type TransferMode } from 'rivulet';
import { type Lesson, start } from './support/lesson.ts';
import { curves } from './support/picture.ts';
import { type Teacher, teacher } from './support/teacher.ts';
import { percent, trainClassifier } from './support/train.ts';

const PER_CLASS = 10;
const WAYS: readonly (readonly [string, TransferMode | null])[] = [
  ['from the start', null],
  ['all of it', 'all'],
  ['its last two stages and the head', 'last:2'],
  ['the head alone', 'head'],
];

/** A backbone behind an enlargement to the images that it knows. */
class Student extends Module {
  readonly backbone: ReturnType<Teacher['create']>;
  readonly #side: number;

  constructor({ create, weights, side, data }: Teacher, mode: TransferMode | null) {
    super();
    this.backbone = create();
    this.#side = side;
    if (mode !== null) this.backbone.loadStateDict(weights);
    this.backbone.resetClassifier(data.names.length); // what it named is forgotten, what it sees is not
    // Trainers made from here on leave alone what is frozen.
    if (mode !== null) freezeFor(this.backbone, mode, [3, side, side]);
  }

  /** [N, 3, 32, 32] → [N, classes] */
  forward(images: Tensor): Tensor {
    const size = [this.#side, this.#side];
    return this.backbone.forward(interpolate(images, { size, mode: 'bilinear' }));
  }
}

export async function transfer({ short, say, picture }: Lesson): Promise<void> {
  manualSeed(1);
  const known = await teacher(short, PER_CLASS);
  const { data, source } = known;
  say(`${source}; new: ${data.train.length} images of ${data.names.join(', ')}`);
  const lines: Record<string, number[]> = {};
  for (const [name, mode] of WAYS) {
    manualSeed(2);
    const model = new Student(known, mode);
    const { accuracy, losses } = await trainClassifier(model, data, {
      epochs: short ? 1 : 6,
      batch: 20,
      learningRate: mode === 'head' ? 5e-3 : 1e-3,
    });
    say(`${name}: ${model.parameterCount()} parameters trained, ${percent(accuracy)} right`);
    lines[name] = losses;
  }
  say(`the loss: ${await curves(picture, lines)}`);
}

await start(import.meta.url, transfer);
