import { AUGMENTATION_POLICIES, type TransferMode } from '@rivulet/vision';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { keepSettings, runTraining } from '../training/run.ts';
import { type VisionSettings, visionTask } from '../training/vision-task.ts';
import { natural, positive, share } from './arguments.ts';
import { complain } from './input.ts';
import { addTrainingOptions, type RunPlace } from './training-options.ts';

type Options = VisionSettings & RunPlace;

export function addTrainVision(train: Command): void {
  const command = train
    .command('vision')
    .description('train an image model, or a part of a trained one, on a folder of images per class');
  addTrainingOptions(command, 'a folder that has a folder of images for each class, or two of them: train and val', {
    epochs: 10,
    learningRate: 1e-3,
    warmup: 20,
    weightDecay: 0.05,
    dropout: 0.1,
    labelSmoothing: 0.05,
    ema: 0,
    seed: 1,
  })
    .option('--backbone <name>', 'an architecture, such as resnet18 or mobilenet_v2; by default that of --weights')
    .option('--weights <dir>', 'a model folder to start from; its head is replaced where the classes are others')
    .option('--mode <mode>', 'what is trained: all, head, or last:N for the head and the last N stages', mode, 'all')
    .option('--backbone-rate <x>', 'learning rate of trained layers, as a share of that of a new head', positive, 0.1)
    .option('--image-size <n>', 'height and width of the images; by default those of --weights, or 224', natural)
    .option('--batch-size <n>', 'images in a batch', natural, 32)
    .option('--validation <p>', 'share of every class that is held out', share, 0.1)
    .option('--no-flip', 'do not mirror images at random')
    .addOption(
      new Option(
        '--augment <name>',
        'changes of the images: crop cuts random parts, rand adds RandAugment, strong erasing',
      )
        .choices(AUGMENTATION_POLICIES)
        .default('flip'),
    )
    .option('--workers <n>', 'threads that change images; 0: the main one', natural, 1)
    .option('--mixup <alpha>', 'lays images of a batch over each other (0.2 is usual)', positive, 0)
    .option('--cutmix <alpha>', 'puts parts of images into others of the batch (1 is usual)', positive, 0)
    .action(run);
}

function mode(text: string): TransferMode {
  if (!/^(all|head|last:\d+)$/.test(text)) throw new InvalidArgumentError("expected 'all', 'head' or 'last:N'.");
  return text as TransferMode;
}

async function run({ output, resume, ...given }: Options): Promise<void> {
  const settings = await keepSettings(output, given, resume);
  const task = await visionTask(settings, ({ message }) => complain(message));
  const { counts, labels, newHead, trainer } = task;
  const parameters = trainer.model.parameterCount().toLocaleString('en');
  process.stderr.write(
    `${labels.length} classes, ${counts.train} images to train on, ${counts.validation} held out; ${parameters} parameters\n`,
  );
  if (newHead.length > 0)
    process.stderr.write(`a new head takes the place of the checkpoint's: ${newHead.join(', ')}\n`);
  const { options } = task;
  const end = await runTraining({ trainer, options, directory: output, resume, unit: 'images' });
  await task.save(output);
  if (end.type === 'run-end' && end.reason === 'stopped') process.stderr.write('stopped; go on with --resume\n');
  else
    process.stderr.write(
      `saved ${output}; accuracy on the held-out images ${(100 * (await task.accuracy())).toFixed(2)} %\n`,
    );
  await trainer.dispose();
}
