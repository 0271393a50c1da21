import type { Command } from 'commander';
import type { TrainingSettings } from '../training/run.ts';
import { natural, positive, share } from './arguments.ts';

/** What every `rivulet train` command is given besides its settings. */
export interface RunPlace {
  readonly output: string;
  readonly resume: boolean;
}

/** Adds the options that all kinds of training share. */
export function addTrainingOptions(command: Command, data: string, defaults: Omit<TrainingSettings, 'data'>): Command {
  return command
    .requiredOption('--data <path>', data)
    .requiredOption('--output <dir>', 'where the model, its checkpoints and its settings go')
    .option('--resume', 'go on with the run in --output, with its settings', false)
    .option('--epochs <n>', 'passes over the data', natural, defaults.epochs)
    .option('--learning-rate <x>', 'the highest learning rate', positive, defaults.learningRate)
    .option('--warmup <n>', 'steps until the highest learning rate', natural, defaults.warmup)
    .option('--weight-decay <x>', 'decoupled weight decay', positive, defaults.weightDecay)
    .option('--dropout <p>', 'probability of dropout', share, defaults.dropout)
    .option('--label-smoothing <p>', 'share of probability spread over all classes', share, defaults.labelSmoothing)
    .option('--ema <x>', 'decay of the average of the weights that is saved; 0: no average', share, defaults.ema)
    .option('--seed <n>', 'of first weights, order of the data, and dropout', natural, defaults.seed);
}
