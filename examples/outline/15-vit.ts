// Vision Transformer: an image as a sentence of patches. It is not told where a patch lies; what it learns of that is the picture.
import { manualSeed, storageOf, ViT } from 'rivulet';
import { digits } from './support/data.ts';
import { type Lesson, start } from './support/lesson.ts';
import { mapsOf, tiles } from './support/picture.ts';
import { percent, trainClassifier } from './support/train.ts';

const [SIDE, PATCH, WIDTH] = [28, 4, 64];

export async function vit({ short, say, picture }: Lesson): Promise<void> {
  const data = await digits(short);
  manualSeed(1);
  const model = new ViT({
    imageSize: SIDE,
    patchSize: PATCH,
    channels: 1,
    embedDim: WIDTH,
    depth: short ? 1 : 4,
    numHeads: 4,
    mlpRatio: 2,
    numClasses: 10,
    dropout: 0,
  });
  const settings = { epochs: short ? 1 : 8, learningRate: 2e-3 };
  const { accuracy, losses } = await trainClassifier(model, data, settings);
  say(`${data.source}: ${model.parameterCount()} parameters, ${percent(accuracy)} right`);
  say(`the loss went from ${losses[0]!.toFixed(2)} to ${losses.at(-1)!.toFixed(2)}`);

  // The cosine of each position's vector with all others: a map of the image for every patch.
  const grid = SIDE / PATCH;
  const all = Array.from(storageOf(model.pos_embed).data, Number); // the class token's comes first
  const vectors = Array.from({ length: grid ** 2 }, (_, i) => all.slice((i + 1) * WIDTH, (i + 2) * WIDTH));
  const dot = (a: readonly number[], b: readonly number[]): number => a.reduce((sum, v, i) => sum + v * b[i]!, 0);
  const cosine = (a: readonly number[], b: readonly number[]): number => dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b));
  // 1 with itself would hide the rest.
  const alike = vectors.flatMap((vector, i) => vectors.map((other, j) => (i === j ? 0 : cosine(vector, other))));
  await tiles(picture, mapsOf(alike, 1, grid, grid), { columns: grid, scale: 8 });
  const near = vectors.flatMap((v, i) => (i % grid < grid - 1 ? [cosine(v, vectors[i + 1]!)] : []));
  const far = vectors.map((v, i) => cosine(v, vectors[vectors.length - 1 - i]!));
  const mean = (values: readonly number[]): string => (values.reduce((a, b) => a + b) / values.length).toFixed(2);
  say(`positions side by side are alike by ${mean(near)}, those on opposite sides by ${mean(far)}`);
  say('picture: for every patch, how alike its position is to each of the others');
}

await start(import.meta.url, vit);
