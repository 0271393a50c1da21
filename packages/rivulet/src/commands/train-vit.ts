import type { Command } from 'commander';
import { keepSettings, runTraining } from '../training/run.ts';
import { type ViTSettings, vitTask } from '../training/vit-task.ts';
import { natural, positive, share } from './arguments.ts';

type Options = ViTSettings & { readonly output: string; readonly resume: boolean };

export function addTrainViT(train: Command): void {
  train
    .command('vit')
    .description("train a Vision Transformer on images in MNIST's format")
    .requiredOption('--data <dir>', 'a folder with train-images-idx3-ubyte.gz and its three companions')
    .requiredOption('--output <dir>', 'where the model, its checkpoints and its settings go')
    .option('--patch-size <n>', 'height and width of a patch, in pixels', natural, 7)
    .option('--embed-dim <n>', 'width of the tokens', natural, 64)
    .option('--depth <n>', 'number of blocks', natural, 6)
    .option('--num-heads <n>', 'heads of the attention', natural, 4)
    .option('--dropout <p>', 'probability of dropout', share, 0.05)
    .option('--label-smoothing <p>', 'share of probability spread over all classes', share, 0.05)
    .option('--learning-rate <x>', 'the highest learning rate', positive, 2e-3)
    .option('--weight-decay <x>', 'decoupled weight decay', positive, 0.05)
    .option('--warmup <n>', 'steps until the highest learning rate', natural, 400)
    .option('--ema <x>', 'decay of the average of the weights that is saved', share, 0.998)
    .option('--shift <n>', 'pixels by which images are moved at random', natural, 2)
    .option('--epochs <n>', 'passes over the data', natural, 15)
    .option('--batch-size <n>', 'images in a batch', natural, 128)
    .option('--seed <n>', 'of the first weights, the order of the data, shifts and dropout', natural, 1)
    .option('--resume', 'go on with the run in --output, with its settings', false)
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
