import { embedInputs, fromIterable } from '@rivulet/stream';
import { ImageEmbedder } from '@rivulet/vision';
import type { Command } from 'commander';
import { readImageModel } from '../load.ts';
import { calibrated } from '../loading/calibration-file.ts';
import { perImage, showAll } from './images.ts';
import { write } from './input.ts';
import { type WeightsOption, weightsOption } from './weights-option.ts';

interface Options extends WeightsOption {
  readonly model: string;
  readonly normalize: boolean;
}

export function addEmbed(rivulet: Command): void {
  rivulet
    .command('embed')
    .description(
      'a vector for each image, of which similar images have similar ones; one JSON object per line: file, embedding',
    )
    .argument('<image...>', 'image files, or addresses that begin with https:')
    .requiredOption('--model <dir>', 'a model folder')
    .option('--normalize', 'vectors of length 1, whose products are cosines', false)
    .addOption(weightsOption())
    .action(run);
}

async function run(files: readonly string[], { model: directory, normalize, weights }: Options): Promise<void> {
  const { model, image } = await readImageModel(directory);
  const embedder = await calibrated(directory, { weights }, (all) => ImageEmbedder.compile(model, image, all));
  await showAll(
    fromIterable(files).pipe(embedInputs<string>(embedder, perImage)),
    ({ input: file, vector }) => {
      const length = normalize ? Math.hypot(...vector) || 1 : 1;
      return write(`${JSON.stringify({ file, embedding: Array.from(vector, (value) => value / length) })}\n`);
    },
    embedder,
  );
}
