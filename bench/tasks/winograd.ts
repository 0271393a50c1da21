import { existsSync } from 'node:fs';
import { join } from 'node:path';
import {
  cifarImages,
  compileStep,
  cosine,
  createModel,
  crossEntropy,
  dataset,
  fit,
  type HostTensor,
  type ImageConfig,
  manualSeed,
  normalizeImage,
  seeded,
  sgd,
  Trainer,
} from 'rivulet';
import { lastValueFrom } from 'rxjs';
import type { Figure } from '../main.ts';

const FILE = join(new URL('../../../shared/data/', import.meta.url).pathname, 'images/cifar10-4k/data.bin');
const [SIDE, TRAINED, BATCH, EPOCHS, RATE] = [32, 3000, 50, 5, 0.1];
const TILES = [0, 2, 4] as const;
const SEEDS = [1, 2, 3];
/** The statistics of CIFAR-10's training images, as everyone takes them. */
const IMAGE: ImageConfig = {
  ...{ size: [SIDE, SIDE], channels: 3, layout: 'center' },
  ...{ mean: [0.4914, 0.4822, 0.4465], std: [0.247, 0.2435, 0.2616] },
};

interface Example {
  /** 3 · 32 · 32 values, normalized. */
  readonly image: Float32Array;
  readonly label: number;
}

interface Outcome {
  readonly accuracy: number;
  readonly loss: number;
}

interface Run {
  readonly tile: (typeof TILES)[number];
  readonly seed: number;
}

/**
 * Whether training with Winograd's convolutions ends where training without ends: ResNet-20 on 3,000 images of CIFAR-10, each tile with
 * several seeds, which decide the weights and the order; 1,000 other images are held out. Parts are tiles, 0, 2 and 4, or one seed of a
 * tile, as 4@2: a run takes 2.5 minutes, and each is told when it ends.
 * @throws RangeError for another part, or where the images are not there.
 */
export async function winograd(parts: readonly string[]): Promise<Figure[]> {
  const all = SEEDS.flatMap((seed) => TILES.map((tile): Run => ({ tile, seed })));
  const covers = (part: string, { tile, seed }: Run): boolean => part === `${tile}` || part === `${tile}@${seed}`;
  const unknown = parts.find((part) => !all.some((run) => covers(part, run)));
  if (unknown !== undefined)
    throw new RangeError(
      `winograd has no part '${unknown}'; there are: ${TILES.join(', ')}, and TILE@SEED with the seeds ${SEEDS.join(', ')}`,
    );
  if (!existsSync(FILE)) throw new RangeError(`the images are not there: ${FILE}`);
  const wanted = all.filter((run) => parts.length === 0 || parts.some((part) => covers(part, run)));
  const examples = await readExamples();
  const outcomes: (Run & Outcome)[] = [];
  for (const { tile, seed } of wanted) {
    const outcome = await train(examples, tile, seed);
    outcomes.push({ tile, seed, ...outcome });
    process.stderr.write(`tile ${tile}, seed ${seed}: ${JSON.stringify(outcome)}\n`);
  }
  return TILES.flatMap((tile) => {
    const own = outcomes.filter((outcome) => outcome.tile === tile);
    if (own.length === 0) return [];
    const accuracies = own.map(({ accuracy }) => 100 * accuracy);
    const what = tile === 0 ? 'the plain sums' : `Winograd, tile ${tile}`;
    return [
      ...own.map(({ seed }, i) => ({
        what: `${what}, seed ${seed}: held-out accuracy`,
        value: accuracies[i]!,
        unit: '%',
      })),
      { what: `${what}: mean of the held-out accuracies`, value: mean(accuracies), unit: '%' },
      { what: `${what}: mean of the last training losses`, value: mean(own.map(({ loss }) => loss)), unit: 'nat' },
    ];
  });
}

const mean = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) / values.length;

async function readExamples(): Promise<Example[]> {
  const examples: Example[] = [];
  for await (const { image, label } of cifarImages(FILE))
    examples.push({ image: normalizeImage(image.data, IMAGE), label });
  return examples;
}

async function train(examples: readonly Example[], tile: 0 | 2 | 4, seed: number): Promise<Outcome> {
  const [training, heldOut] = [examples.slice(0, TRAINED), examples.slice(TRAINED)];
  manualSeed(seed);
  const model = createModel('cifar_resnet20');
  const inputs = {
    images: { shape: [BATCH, 3, SIDE, SIDE] },
    labels: { shape: [BATCH], dtype: 'int32' },
  } as const;
  const perEpoch = TRAINED / BATCH;
  const rate = cosine({ lr: RATE, steps: EPOCHS * perEpoch, warmup: perEpoch });
  const trainer = new Trainer({
    model,
    inputs,
    optimizer: sgd({ lr: rate, momentum: 0.9, weightDecay: 5e-4 }),
    loss: ({ images, labels }) => crossEntropy(model.forward(images), labels),
    winograd: tile,
    seed,
  });
  const batches = (epoch: number) =>
    dataset(training)
      .shuffle({ seed, epoch })
      .batch(BATCH)
      .map((batch, i) => ({ feeds: feeds(batch, seed, epoch * perEpoch + i), items: batch.length }));
  await lastValueFrom(fit(trainer, { batches, batchCount: () => perEpoch, epochs: EPOCHS }));
  const compiled = await compileStep(
    inputs,
    ({ images, labels }) => {
      const logits = model.forward(images);
      return {
        outputs: { classes: logits.argmax(-1), loss: crossEntropy(logits, labels) },
        updates: new Map(),
      };
    },
    { training: false },
  );
  const look = async (part: readonly Example[]): Promise<Outcome> => {
    let [right, total] = [0, 0];
    for (let from = 0; from < part.length; from += BATCH) {
      const batch = part.slice(from, from + BATCH);
      const { classes, loss: value } = await compiled.run(feeds(batch, null, 0));
      right += batch.filter(({ label }, i) => Number(classes.data[i]) === label).length;
      total += Number(value.data[0]) * batch.length;
    }
    return { accuracy: right / part.length, loss: total / part.length };
  };
  const { loss } = await look(training);
  const { accuracy } = await look(heldOut);
  await compiled.dispose();
  await trainer.dispose();
  return { accuracy, loss };
}

/** Every other image mirrored, by chance, where there is a seed. */
function feeds(
  batch: readonly Example[],
  seed: number | null,
  number: number,
): Record<'images' | 'labels', HostTensor> {
  const random = seed === null ? null : seeded(seed, number);
  const size = 3 * SIDE * SIDE;
  const data = new Float32Array(batch.length * size);
  batch.forEach(({ image }, i) => {
    data.set(image, i * size);
    if (!random || random.nextUint32() % 2 === 0) return;
    for (let row = 0; row < 3 * SIDE; row++)
      data.subarray(i * size + row * SIDE, i * size + (row + 1) * SIDE).reverse();
  });
  return {
    images: { dtype: 'float32', dims: [batch.length, 3, SIDE, SIDE], data },
    labels: { dtype: 'int32', dims: [batch.length], data: Int32Array.from(batch, ({ label }) => label) },
  };
}
