// LeNet-5: the same small patterns are looked for everywhere in the image, and pooling forgets exactly where they were.
import { createModel, manualSeed } from 'rivulet';
import { digits } from './support/data.ts';
import { type Lesson, start } from './support/lesson.ts';
import { mapsOf, tiles } from './support/picture.ts';
import { outputOf, percent, trainClassifier } from './support/train.ts';

export async function lenet({ short, say, picture }: Lesson): Promise<void> {
  const data = await digits(short);
  manualSeed(1);
  const model = createModel('lenet5');
  const { accuracy, losses } = await trainClassifier(model, data, { epochs: short ? 1 : 8 });
  say(`${data.source}: ${model.parameterCount()} parameters; the MLP of the first lesson has 101770`);
  say(`the loss went from ${losses[0]!.toFixed(2)} to ${losses.at(-1)!.toFixed(2)}; ${percent(accuracy)} right`);

  // What each of the first six filters sees in ten digits: a row per digit.
  const shown = data.names.map((_, digit) => data.test.find(({ label }) => label === digit)!);
  const maps = await outputOf((x) => model.featureMaps(x, [0])[0]!, shown, data.shape);
  const filters = mapsOf(maps.data, 1, maps.dims[2]!, maps.dims[3]!);
  const rows = shown.flatMap(({ image }, i) => [
    ...mapsOf(halved(image), 1, 14, 14),
    ...filters.slice(6 * i, 6 * i + 6),
  ]);
  await tiles(picture, rows, { columns: 7 });
  say('picture: the digit, then what its six first filters see');
}

/** Every second pixel of a 28 × 28 image. */
const halved = (image: Float32Array): Float32Array =>
  Float32Array.from({ length: 196 }, (_, i) => image[2 * (28 * Math.floor(i / 14) + (i % 14))]!);

await start(import.meta.url, lenet);
