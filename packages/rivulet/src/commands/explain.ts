import { attentionRollout, type Explainer, explanationPicture, gradCam } from '@rivulet/vision';
import { type Command, Option } from 'commander';
import { type ImageFolder, readImageModel } from '../load.ts';
import { natural } from './arguments.ts';
import { percent, pictureFolder, writePicture } from './images.ts';
import { complain, write } from './input.ts';

interface Options {
  readonly model: string;
  readonly method: keyof typeof METHODS;
  readonly output: string;
  readonly label?: string;
  readonly level?: number;
}

const METHODS = {
  'grad-cam': ({ model, image }: ImageFolder, level?: number): Promise<Explainer> =>
    gradCam(model, image, level === undefined ? {} : { level }),
  'attention-rollout': ({ model, image }: ImageFolder): Promise<Explainer> => attentionRollout(model, image),
};

export function addExplain(rivulet: Command): void {
  rivulet
    .command('explain')
    .description('show where a model looked: a PNG of each image as the model sees it, beside it a heat map')
    .argument('<image...>', 'image files, or addresses that begin with https:')
    .requiredOption('--model <dir>', 'a model folder')
    .requiredOption('--output <dir>', 'where the pictures go')
    .addOption(
      new Option('--method <name>', 'attention-rollout is for Vision Transformers')
        .choices(Object.keys(METHODS))
        .default('grad-cam'),
    )
    .option('--label <name>', 'the class to explain; by default the likeliest')
    .option('--level <n>', 'grad-cam: the stage to look at, from 0; by default the last that has places', natural)
    .action(run);
}

async function run(files: readonly string[], { model, method, output, label, level }: Options): Promise<void> {
  const folder = await readImageModel(model);
  const wanted = label === undefined ? undefined : folder.labels.indexOf(label);
  if (wanted === -1) throw new Error(`the model has no class '${label}'; it has: ${few(folder.labels)}`);
  const explainer = await METHODS[method](folder, level);
  const place = await pictureFolder(output);
  try {
    for (const file of files) {
      try {
        const explanation = await explainer.explain(file, wanted);
        const picture = place(file);
        await writePicture(picture, explanationPicture(explanation, folder.labels));
        const { label: found, scores } = explanation;
        await write(`${file}: ${picture}: ${folder.labels[found]} ${percent(scores[found]!)}\n`);
      } catch (error) {
        complain((error as Error).message);
      }
    }
  } finally {
    await explainer.dispose();
  }
}

const few = (labels: readonly string[]): string =>
  labels.length > 20 ? `${labels.slice(0, 20).join(', ')} and ${labels.length - 20} more` : labels.join(', ');
