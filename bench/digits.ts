import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  type CompileOptions,
  compile,
  parseImageConfig,
  parseViTConfig,
  readIdxImages,
  readIdxLabels,
  readSafetensors,
  symbol,
  ViT,
} from 'rivulet';
import type { Figure } from './main.ts';

const root = new URL('../', import.meta.url).pathname;

export async function digits(): Promise<Figure[]> {
  const { accuracy, count, speed } = await readDigits();
  return [
    { what: `vit-mnist, ${count} test images: accuracy`, value: accuracy, unit: '%' },
    { what: 'batches of 250', value: speed, unit: 'images/s' },
  ];
}

/** The shipped ViT on MNIST's 10,000 test images: per cent right, images a second. */
export async function readDigits(
  options: CompileOptions = {},
): Promise<{ accuracy: number; count: number; speed: number }> {
  const folder = join(root, 'models/vit-mnist');
  const json = JSON.parse(await readFile(join(folder, 'config.json'), 'utf8'));
  const { mean, std } = parseImageConfig(json.image);
  const model = new ViT(parseViTConfig(json));
  model.loadStateDict(await readSafetensors(join(folder, 'model.safetensors')));
  const mnist = join(root, '../shared/data/images/mnist');
  const { count, height, width, pixels } = await readIdxImages(join(mnist, 't10k-images-idx3-ubyte.gz'));
  const labels = await readIdxLabels(join(mnist, 't10k-labels-idx1-ubyte.gz'));
  const graph = await compile(
    { images: { shape: [symbol('N'), 1, height, width] } },
    ({ images }) => ({ classes: model.forward(images).argmax(-1) }),
    options,
  );
  let correct = 0;
  const begin = performance.now();
  for (let from = 0; from < count; from += 250) {
    const part = pixels.subarray(from * height * width, (from + 250) * height * width);
    const data = Float32Array.from(part, (pixel) => (pixel / 255 - mean[0]!) / std[0]!);
    const { classes } = await graph.run({
      images: { dtype: 'float32', dims: [data.length / height / width, 1, height, width], data },
    });
    classes.data.forEach((digit, i) => {
      if (Number(digit) === labels[from + i]) correct++;
    });
  }
  const seconds = (performance.now() - begin) / 1000;
  await graph.dispose();
  return { accuracy: (100 * correct) / count, count, speed: count / seconds };
}
