import { classify, fromIterable } from '@rivulet/stream';
import { ConfusionMatrix, type FScores, PrecisionRecall } from '@rivulet/training';
import {
  type Canvas,
  confusionPicture,
  decodeImage,
  type ImageClassifier,
  ImageError,
  readImageFolder,
  sheet,
} from '@rivulet/vision';
import { lastValueFrom, toArray } from 'rxjs';

/** Images that wait for the model at once. */
const AT_ONCE = 16;
/** Images of the misclassified sheet, at most. */
const SHOWN = 49;

export interface Evaluation {
  /** The share of the images that are right. */
  readonly accuracy: number;
  readonly count: number;
  /** Of every class that the folder or the predictions have. */
  readonly classes: readonly (FScores & { readonly label: string; readonly support: number })[];
  /** A row per true class, a column per prediction, in the order of `classes`. */
  readonly confusion: readonly (readonly number[])[];
  confusionPicture(): Canvas;
  /** The wrong images, those first of which the model was surest. */
  misclassifiedPicture(): Promise<Canvas>;
}

/**
 * Classifies all images of a folder per class.
 * @param complain is told of every image that cannot be read; it does not count.
 * @throws ImageError where the folder has a class that the model has not, or none of its images can be read.
 */
export async function evaluateClassifier(
  model: ImageClassifier,
  directory: string,
  complain: (message: string) => void,
): Promise<Evaluation> {
  const folder = await readImageFolder(directory);
  const known = new Map(model.labels.map((label, i) => [label, i]));
  const strange = folder.labels.filter((label) => !known.has(label));
  if (strange.length > 0)
    throw new ImageError(
      directory,
      `has folders that are no classes of the model: ${listed(strange, 10)}; it has: ${listed(model.labels, 10)}`,
    );
  const onItemError = ({ cause }: Error): void => complain((cause as Error).message);
  const results = await lastValueFrom(
    fromIterable(folder.items.map(({ file }) => file)).pipe(
      classify(model, { concurrency: AT_ONCE, onItemError }),
      toArray(),
    ),
  );
  if (results.length === 0) throw new ImageError(directory, 'none of the images can be read');
  const seen = results.map(({ index, input, labels: [best] }) => {
    const truth = folder.labels[folder.items[index]!.label]!;
    return { file: input, truth, found: best!.label, score: best!.score };
  });
  // A model of a thousand classes is asked about a few: the others have no row.
  const used = new Set([...folder.labels, ...seen.map(({ found }) => found)]);
  const labels = model.labels.filter((label) => used.has(label));
  const number = new Map(labels.map((label, i) => [label, i]));
  const [predictions, targets] = [
    seen.map(({ found }) => number.get(found)!),
    seen.map(({ truth }) => number.get(truth)!),
  ];
  const [matrix, scores] = [
    new ConfusionMatrix({ classes: labels.length }),
    new PrecisionRecall({ classes: labels.length }),
  ];
  matrix.update(predictions, targets);
  scores.update(predictions, targets);
  const confusion = matrix.compute();
  const wrong = seen.filter(({ truth, found }) => truth !== found).sort((a, b) => b.score - a.score);
  return {
    accuracy: 1 - wrong.length / seen.length,
    count: seen.length,
    classes: scores.compute().perClass.map((each, i) => ({ label: labels[i]!, ...each })),
    confusion,
    confusionPicture: () => confusionPicture(confusion, labels),
    misclassifiedPicture: async () => {
      const items = wrong.slice(0, SHOWN).map(async ({ file, truth, found, score }) => ({
        image: await decodeImage(file, { channels: 3 }),
        lines: [
          { text: `is ${truth}`, colour: [20, 110, 40] as const },
          { text: `${(100 * score).toFixed(0)}% ${found}`, colour: [180, 30, 20] as const },
        ],
      }));
      const more = wrong.length > SHOWN ? `, the surest ${SHOWN}` : '';
      return sheet(await Promise.all(items), { title: `${wrong.length} of ${seen.length} wrong${more}` });
    },
  };
}

/** The first names, and how many there are beyond. */
const listed = (names: readonly string[], most: number): string =>
  names.slice(0, most).join(', ') + (names.length > most ? ` and ${names.length - most} more` : '');
