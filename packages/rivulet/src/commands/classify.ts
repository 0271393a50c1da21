import { classify, fromIterable, mapAsync } from '@rivulet/stream';
import type { Command } from 'commander';
import { lastValueFrom } from 'rxjs';
import { loadImage } from '../load.ts';
import { natural } from './arguments.ts';
import { complain, write } from './input.ts';
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
    .description('say what is on images: PNG, JPEG, BMP or WebP of any size')
    .argument('<image...>', 'image files')
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
    watch.stage(
      'classify',
      classify(model, { topK: top, onItemError: ({ cause }) => complain((cause as Error).message) }),
    ),
    mapAsync(({ input: file, labels }) => {
      const shown = labels.map(({ label, score }) => `${label} ${(score * 100).toFixed(1)} %`).join(', ');
      return write(json ? `${JSON.stringify({ file, labels })}\n` : `${file}: ${shown}\n`);
    }),
  );
  try {
    await lastValueFrom(results, { defaultValue: undefined });
  } finally {
    watch.end();
    await model.dispose();
  }
}
