// A fully convolutional network: a class for every pixel. Coarse scores know what is there, finer ones where it ends.
import { crossEntropy, manualSeed } from '@rivulet/nn';
import { compile, hostTensor, type Random, seeded } from '@rivulet/tensor';
import { adamW, cosine, MeanIoU, Trainer } from '@rivulet/training';
import { CifarResNet, FCN } from '@rivulet/vision';
import { drawnShape } from './support/data.ts';
import { type Lesson, start } from './support/lesson.ts';
import { classMaps, type Map2d, mapsOf, tiles } from './support/picture.ts';
import { percent } from './support/train.ts';

const [SIDE, BATCH] = [32, 16];
const NAMES = ['background', 'disk', 'ring', 'square', 'frame', 'cross'];
const AREA = SIDE * SIDE;

/** Drawn images [BATCH, 3, 32, 32] and the class of every pixel. */
function scenes(random: Random) {
  const images = new Float32Array(BATCH * 3 * AREA);
  const labels = new Int32Array(BATCH * AREA);
  for (let i = 0; i < BATCH; i++) {
    const [kind, mask] = [random.nextUint32() % (NAMES.length - 1), new Uint8Array(AREA)];
    images.set(drawnShape(random, kind, mask), i * 3 * AREA);
    labels.set(
      mask.map((inside) => inside * (kind + 1)),
      i * AREA,
    );
  }
  return {
    images: hostTensor(images, 'float32', [BATCH, 3, SIDE, SIDE]),
    labels: hostTensor(labels, 'int32', [BATCH, SIDE, SIDE]),
  };
}

/** The classes of the first eight images. */
const row = (classes: ArrayLike<number | bigint>): Map2d[] => classMaps(classes, SIDE, SIDE).slice(0, 8);

export async function fcn({ short, say, picture }: Lesson): Promise<void> {
  const inputs = {
    images: { shape: [BATCH, 3, SIDE, SIDE] },
    labels: { shape: [BATCH, SIDE, SIDE], dtype: 'int32' as const },
  };
  const steps = short ? 2 : 250;
  const held = seeded(2);
  const test = Array.from({ length: short ? 1 : 10 }, () => scenes(held));
  const shown: Map2d[] = [];
  for (const levels of [[3], [3, 2, 1]]) {
    const name = levels.length === 1 ? 'coarse scores alone' : 'with finer ones';
    manualSeed(1);
    const random = seeded(1);
    const backbone = new CifarResNet({ blocks: short ? 1 : 2, numClasses: 1 });
    const model = new FCN({ backbone, numClasses: NAMES.length, levels });
    const trainer = new Trainer({
      model,
      inputs,
      // The classes are the last axis of the loss, and the second of the scores.
      loss: ({ images, labels }) => crossEntropy(model.forward(images).permute([0, 2, 3, 1]), labels),
      optimizer: adamW({ lr: cosine({ lr: 4e-3, steps, warmup: 10 }) }),
    });
    for (let step = 0; step < steps; step++) await trainer.train(scenes(random));
    await trainer.dispose();
    const graph = await compile({ images: inputs.images }, ({ images }) => ({ y: model.forward(images).argmax(1) }));
    const iou = new MeanIoU({ classes: NAMES.length });
    const answers = [];
    for (const { images, labels } of test) {
      answers.push(Array.from((await graph.run({ images })).y.data, Number));
      iou.update(answers.at(-1)!, labels.data);
    }
    await graph.dispose();
    const { perClass, mean } = iou.compute();
    say(`${name}: mean IoU ${percent(mean)}; ${NAMES.map((n, i) => `${n} ${percent(perClass[i]!)}`).join(', ')}`);
    const { images, labels } = test[0]!;
    if (shown.length === 0) shown.push(...mapsOf(images.data, 3, SIDE, SIDE).slice(0, 8), ...row(labels.data));
    shown.push(...row(answers[0]!));
  }
  await tiles(picture, shown, { columns: 8, scale: 2 });
  say('picture: images, the truth, coarse scores alone, with finer ones');
}

await start(import.meta.url, fcn);
