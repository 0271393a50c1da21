import { type CalibrationMethod, calibrationMethods } from '@rivulet/tensor';
import { type Command, Option } from 'commander';
import { calibrateModel } from '../calibrate-model.ts';
import { number } from './arguments.ts';
import { complain, write } from './input.ts';

interface Options {
  readonly model: string;
  readonly method: CalibrationMethod;
  readonly percentile: number;
}

export function addCalibrate(rivulet: Command): void {
  rivulet
    .command('calibrate')
    .description(
      "look at a convolutional network's activations over images like those that it will see, about a hundred, so that --weights int8 can " +
        'compute its convolutions in whole numbers; writes calibration.json into the model folder',
    )
    .argument('<image...>', 'image files, or addresses that begin with https:')
    .requiredOption('--model <dir>', 'a model folder')
    .addOption(
      new Option('--method <name>', 'the values that 256 steps are to cover: those with the least error, most, or all')
        .choices(calibrationMethods)
        .default('mse'),
    )
    .option('--percentile <x>', 'of --method percentile: how many of the values, in percent', number, 99.99)
    .action(run);
}

async function run(images: readonly string[], { model, method, percentile }: Options): Promise<void> {
  const onImageError = ({ message }: Error): void => complain(message);
  await write(`${await calibrateModel(model, images, { method, percentile, onImageError })}\n`);
}
