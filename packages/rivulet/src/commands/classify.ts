import { type Classified, classify, fromIterable } from '@rivulet/stream';
import type { Command } from 'commander';
import { loadImage } from '../load.ts';
import { natural } from './arguments.ts';
import { percent, perImage, showAll } from './images.ts';
import { write } from './input.ts';
import { watched } from './watched.ts';
import { type WeightsOption, weightsOption } from './weights-option.ts';

interface Options extends WeightsOption {
  readonly model: string;
  readonly top: number;
  readonly json: boolean;
}

export function addClassify(rivulet: Command): void {
  rivulet
    .command('classify')
    .description('say what is on images: PNG, JPEG, WebP, BMP, GIF or TIFF of any size')
    .argument('<image...>', 'image files, or addresses that begin with https:')
    .requiredOption('--model <dir>', 'a model folder')
    .option('--top <k>', 'labels per image', natural, 1)
    .addOption(weightsOption())
    .option('--json', 'one JSON object per line: file, labels', false)
    .action(run);
}

async function run(files: readonly string[], { model: directory, top, weights, json }: Options): Promise<void> {
  const { model } = await loadImage(directory, { weights });
  const watch = watched();
  const results = fromIterable(files).pipe(
    watch.stage('classify', classify<string>(model, { topK: top, ...perImage })),
  );
  const show = ({ input: file, labels }: Classified<string>): Promise<void> => {
    const shown = labels.map(({ label, score }) => `${label} ${percent(score)}`).join(', ');
    return write(json ? `${JSON.stringify({ file, labels })}\n` : `${file}: ${shown}\n`);
  };
  try {
    await showAll(results, show, model);
  } finally {
    watch.end();
  }
}
