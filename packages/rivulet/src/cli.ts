import { Command } from 'commander';
import { addTrainSeq2Seq } from './commands/train-seq2seq.ts';
import { addTrainViT } from './commands/train-vit.ts';

export function program(): Command {
  const rivulet = new Command('rivulet').description('Language-model pipelines as reactive streams, with the models inside');
  const train = rivulet.command('train').description('train a model');
  addTrainSeq2Seq(train);
  addTrainViT(train);
  return rivulet;
}

/** Runs the command line; errors become one line on standard error and the exit status 1. */
export async function main(argv: readonly string[]): Promise<void> {
  try {
    await program().parseAsync(argv);
  } catch (error) {
    process.stderr.write(`rivulet: ${(error as Error).message}\n`);
    process.exitCode = 1;
  }
}
