import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Command } from 'commander';
import { loadImage } from '../load.ts';
import { type Evaluation, evaluateClassifier } from '../training/evaluate-classifier.ts';
import { percent, writePicture } from './images.ts';
import { complain, write } from './input.ts';
import { type WeightsOption, weightsOption } from './weights-option.ts';

interface Options extends WeightsOption {
  readonly model: string;
  readonly data: string;
  readonly pictures?: string;
  readonly json: boolean;
}

export function addEvaluate(rivulet: Command): void {
  rivulet
    .command('evaluate')
    .description('how often an image model is right on a folder of images per class')
    .requiredOption('--model <dir>', 'a model folder')
    .requiredOption('--data <dir>', 'a folder that has a folder of images for each class, named as the model names it')
    .option('--pictures <dir>', 'writes confusion.png and misclassified.png there')
    .addOption(weightsOption())
    .option('--json', 'one JSON object: accuracy, scores of the classes, confusion matrix', false)
    .action(run);
}

async function run({ model: directory, data, pictures, weights, json }: Options): Promise<void> {
  const { model } = await loadImage(directory, { weights });
  let result: Evaluation;
  try {
    result = await evaluateClassifier(model, data, complain);
  } finally {
    await model.dispose();
  }
  if (pictures !== undefined) {
    await mkdir(pictures, { recursive: true });
    await writePicture(join(pictures, 'confusion.png'), result.confusionPicture());
    await writePicture(join(pictures, 'misclassified.png'), await result.misclassifiedPicture());
  }
  const { accuracy, count, classes, confusion } = result;
  if (json) return write(`${JSON.stringify({ accuracy, count, classes, confusion })}\n`);
  const width = Math.max(...classes.map(({ label }) => label.length));
  const lines = classes.map(
    ({ label, precision, recall, f1, support }) =>
      `${label.padEnd(width)}  precision ${percent(precision)}, recall ${percent(recall)}, F1 ${percent(f1)}, ${support} images\n`,
  );
  await write(`accuracy ${percent(accuracy)} of ${count} images\n${lines.join('')}`);
}
