// Transfer learning, its three ways: what was learned from the digits 0 to 4 helps with 5 to 9, of which there are eight images each.
import { createModel, freezeFor, manualSeed, storageOf, type TransferMode } from 'rivulet';
import { digits, type ImageData, type Sample } from './support/data.ts';
import { type Lesson, start } from './support/lesson.ts';
import { curves } from './support/picture.ts';
import { percent, trainClassifier } from './support/train.ts';

const [FEW, HALF] = [8, 5];

/** The digits from `first` on, as classes 0 to 4; with `few`, so many of each to learn from. */
function half(data: ImageData, first: number, few = Number.POSITIVE_INFINITY): ImageData {
  const belongs = ({ label }: Sample): boolean => label >= first && label < first + HALF;
  const renamed = (samples: readonly Sample[]): Sample[] =>
    samples.filter(belongs).map(({ image, label }) => ({ image, label: label - first }));
  const seen = new Array<number>(HALF).fill(0);
  const train = renamed(data.train).filter(({ label }) => seen[label]!++ < few);
  return { ...data, train, test: renamed(data.test), names: data.names.slice(first, first + HALF) };
}

export async function transfer({ short, say, picture }: Lesson): Promise<void> {
  const all = await digits(short);
  const [known, fresh] = [half(all, 0), half(all, HALF, FEW)];
  manualSeed(1);
  const teacher = createModel('lenet5', { numClasses: HALF });
  const before = await trainClassifier(teacher, known, { epochs: short ? 1 : 5 });
  say(`${all.source}, 0 to 4, ${known.train.length} images: ${percent(before.accuracy)} right`);
  const weights = new Map([...teacher.stateDict()].map(([name, t]) => [name, storageOf(t)]));

  const ways: [string, TransferMode | null][] = [
    ['from the start', null],
    ['all of it', 'all'],
    ['its last stage and the head', 'last:1'],
    ['the head alone', 'head'],
  ];
  const lines: Record<string, number[]> = {};
  for (const [name, mode] of ways) {
    manualSeed(2);
    const model = createModel('lenet5', { numClasses: HALF });
    if (mode !== null) {
      model.loadStateDict(weights);
      model.resetClassifier(HALF);
      freezeFor(model, mode, all.shape); // trainers made from here on leave the rest as it is
    }
    const settings = { epochs: short ? 1 : 40, batch: 20, learningRate: 1e-3 };
    const { accuracy, losses } = await trainClassifier(model, fresh, settings);
    say(`5 to 9, ${fresh.train.length} images, ${name}: ${model.parameterCount()} trained, ${percent(accuracy)} right`);
    lines[name] = losses;
  }
  say(`the loss: ${await curves(picture, lines)}`);
}

await start(import.meta.url, transfer);
