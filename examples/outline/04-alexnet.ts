// AlexNet at a size for small images: more filters, ReLU, overlapping maxima and dropout. Its first filters are the picture.
import {
  Conv2d,
  dropout,
  type Layer,
  Linear,
  Module,
  manualSeed,
  maxPool,
  sequential,
  storageOf,
  type Tensor,
} from 'rivulet';
import { photos } from './support/data.ts';
import { type Lesson, start } from './support/lesson.ts';
import { mapsOf, tiles } from './support/picture.ts';
import { percent, trainClassifier } from './support/train.ts';

const relu: Layer = (x) => x.relu();
const pool: Layer = (x) => maxPool(x, 3, { stride: 2 }); // windows of 3 overlap
const drop: Layer = (x) => dropout(x, 0.5); // a random half of the features is missing in every training step

class SmallAlexNet extends Module {
  readonly features: Layer[] = [
    new Conv2d(3, 32, 7, { padding: 3 }),
    relu,
    pool,
    new Conv2d(32, 64, 5, { padding: 2 }),
    relu,
    pool,
    new Conv2d(64, 96, 3, { padding: 1 }),
    relu,
    new Conv2d(96, 64, 3, { padding: 1 }),
    relu,
    pool,
  ];
  readonly classifier: Layer[];

  constructor(numClasses: number) {
    super();
    this.classifier = [drop, new Linear(64 * 9, 256), relu, drop, new Linear(256, numClasses)];
  }

  /** [N, 3, 32, 32] → [N, classes] */
  forward(x: Tensor): Tensor {
    return sequential(sequential(x, this.features).flatten(1), this.classifier);
  }
}

export async function alexnet({ short, say, picture }: Lesson): Promise<void> {
  const data = await photos(short);
  manualSeed(1);
  const model = new SmallAlexNet(data.names.length);
  const { accuracy, losses } = await trainClassifier(model, data, { epochs: short ? 1 : 8 });
  say(`${data.source}, ${data.train.length} images to learn from: ${percent(accuracy)} right`);
  say(`the loss with half of the features missing: ${losses[0]!.toFixed(2)} to ${losses.at(-1)!.toFixed(2)}`);
  const { data: weights } = storageOf((model.features[0] as Conv2d).weight); // [32, 3, 7, 7]
  await tiles(picture, mapsOf(weights, 3, 7, 7), { scale: 8 });
  say('picture: the first filters; edges of a direction, blobs of a colour');
}

await start(import.meta.url, alexnet);
