// DenseNet: every layer reads what all layers before it found, and adds a few maps of its own (the growth).
import { DenseNet, manualSeed, storageOf } from 'rivulet';
import { photos } from './support/data.ts';
import { type Lesson, start } from './support/lesson.ts';
import { matrix } from './support/picture.ts';
import { percent, trainClassifier } from './support/train.ts';

const [GROWTH, LAYERS, STEM] = [12, 6, 24];

export async function densenet({ short, say, picture }: Lesson): Promise<void> {
  const data = await photos(short);
  manualSeed(1);
  const layers = short ? 2 : LAYERS;
  const blocks = [layers, layers, layers];
  const model = new DenseNet({ growth: GROWTH, blocks, stem: STEM, cifar: true, numClasses: data.names.length });
  const { accuracy } = await trainClassifier(model, data, { epochs: short ? 1 : 2 });
  say(`${data.source}: ${model.parameterCount()} parameters, ${percent(accuracy)} right`);

  // How much each layer of the last block takes from the block's input and from every layer before it.
  const tensors = model.stateDict();
  const rows = Array.from({ length: layers }, (_, layer) => {
    const weight = storageOf(tensors.get(`features.denseblock3.denselayer${layer + 1}.conv1.weight`)!);
    const [outputs, inputs] = weight.dims as [number, number]; // 1 × 1 windows
    const start = inputs - layer * GROWTH;
    const mean = (from: number, to: number): number => {
      let sum = 0;
      for (let o = 0; o < outputs; o++)
        for (let i = from; i < to; i++) sum += Math.abs(Number(weight.data[o * inputs + i]));
      return sum / outputs / (to - from);
    };
    const source = (j: number): number =>
      j === 0 ? mean(0, start) : j <= layer ? mean(start + (j - 1) * GROWTH, start + j * GROWTH) : 0;
    return Array.from({ length: layers }, (_, j) => source(j));
  });
  for (const [i, row] of rows.entries())
    say(
      `layer ${i + 1} reads: ${row
        .slice(0, i + 1)
        .map((v) => v.toFixed(3))
        .join(' ')}`,
    );
  await matrix(picture, rows.flat(), layers);
  say('picture: the same; a row per layer, the first column is the input of the block');
}

await start(import.meta.url, densenet);
