import type { Command } from 'commander';
import { keepSettings, runTraining } from '../training/run.ts';
import { type ViTSettings, vitTask } from '../training/vit-task.ts';
import { natural } from './arguments.ts';
import { addTrainingOptions, type RunPlace } from './training-options.ts';

type Options = ViTSettings & RunPlace;

export function addTrainViT(train: Command): void {
  const command = train.command('vit').description("train a Vision Transformer on images in MNIST's format");
  addTrainingOptions(command, 'a folder with train-images-idx3-ubyte.gz and its three companions', {
    epochs: 15,
    learningRate: 2e-3,
    warmup: 400,
    weightDecay: 0.05,
    dropout: 0.05,
    labelSmoothing: 0.05,
    ema: 0.998,
    seed: 1,
  })
    .option('--patch-size <n>', 'height and width of a patch, in pixels', natural, 7)
    .option('--embed-dim <n>', 'width of the tokens', natural, 64)
    .option('--depth <n>', 'number of blocks', natural, 6)
    .option('--num-heads <n>', 'heads of the attention', natural, 4)
    .option('--shift <n>', 'pixels by which images are moved at random', natural, 2)
    .option('--batch-size <n>', 'images in a batch', natural, 128)
    .action(run);
}

async function run({ output, resume, ...given }: Options): Promise<void> {
  const settings = await keepSettings(output, given, resume);
  const task = await vitTask(settings);
  const { train, validation } = task.counts;
  const parameters = task.trainer.model.parameterCount().toLocaleString('en');
  process.stderr.write(`${train} images to train on, ${validation} for validation; ${parameters} parameters\n`);
  const end = await runTraining({
    trainer: task.trainer,
    options: task.options,
    directory: output,
    resume,
    unit: 'images',
  });
  await task.save(output);
  if (end.type === 'run-end' && end.reason === 'stopped') process.stderr.write('stopped; go on with --resume\n');
  else process.stderr.write(`saved ${output}; test accuracy ${((await task.testAccuracy()) * 100).toFixed(2)} %\n`);
  await task.trainer.dispose();
}
