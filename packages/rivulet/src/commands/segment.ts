import { fromIterable, segment } from '@rivulet/stream';
import { type Segmentation, segmentationOverlay } from '@rivulet/vision';
import type { Command } from 'commander';
import { loadSegmentation } from '../load.ts';
import { percent, perImage, pictureFolder, showAll, writePicture } from './images.ts';
import { write } from './input.ts';
import { type WeightsOption, weightsOption } from './weights-option.ts';

interface Options extends WeightsOption {
  readonly model: string;
  readonly output: string;
  readonly masks: boolean;
  readonly json: boolean;
}

export function addSegment(rivulet: Command): void {
  rivulet
    .command('segment')
    .description('name the pixels of images: a PNG of each, under the colours of its classes, with a legend')
    .argument('<image...>', 'image files, or addresses that begin with https:')
    .requiredOption('--model <dir>', 'a folder of a segmentation model')
    .requiredOption('--output <dir>', 'where the pictures go')
    .option('--masks', 'also a grey NAME-classes.png, whose values are the numbers of the classes', false)
    .addOption(weightsOption())
    .option('--json', 'one JSON object per line: file, picture, shares of the classes', false)
    .action(run);
}

async function run(files: readonly string[], options: Options): Promise<void> {
  const { model: directory, output, masks, weights, json } = options;
  const { model } = await loadSegmentation(directory, { weights });
  const place = await pictureFolder(output);
  await showAll(
    fromIterable(files).pipe(segment<string, Segmentation>(model, { ...perImage, concurrency: 4 })), // decoded images are held
    async ({ input: file, segmentation }) => {
      const { image, width, height, data } = segmentation;
      const picture = place(file);
      await writePicture(picture, segmentationOverlay(image, segmentation, model.labels));
      if (masks) await writePicture(place(file, '-classes'), { width, height, channels: 1, data: data as Uint8Array });
      const counts = new Array<number>(model.labels.length).fill(0);
      for (const label of data) counts[label]!++;
      const shares = model.labels.map((label, i) => ({ label, share: counts[i]! / data.length }));
      const shown = shares.filter(({ share }) => share > 0).map(({ label, share }) => `${label} ${percent(share)}`);
      await write(
        json ? `${JSON.stringify({ file, picture, shares })}\n` : `${file}: ${picture}: ${shown.join(', ')}\n`,
      );
    },
    model,
  );
}
