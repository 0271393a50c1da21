import { Command } from 'commander';
import { addClassify } from './commands/classify.ts';
import { addGenerate } from './commands/generate.ts';
import { addTokenizer } from './commands/inspect.ts';
import { addServe } from './commands/serve.ts';
import { addTokens } from './commands/tokens.ts';
import { addTrainSeq2Seq } from './commands/train-seq2seq.ts';
import { addTrainTokenizer } from './commands/train-tokenizer.ts';
import { addTrainViT } from './commands/train-vit.ts';
import { addTranslate } from './commands/translate.ts';

function program(): Command {
  const rivulet = new Command('rivulet')
    .description('Language-model pipelines as reactive streams, with the models inside')
    .showHelpAfterError('(rivulet --help shows the options)');
  addTranslate(rivulet);
  addGenerate(rivulet);
  addServe(rivulet);
  addClassify(rivulet);
  addTokens(rivulet);
  addTokenizer(rivulet);
  const train = rivulet.command('train').description('train a model, or a tokenizer');
  addTrainSeq2Seq(train);
  addTrainViT(train);
  addTrainTokenizer(train);
  return rivulet;
}

/** Runs the command line. Errors become one line on standard error and the exit status 1; a wrong call exits with 1 too. */
export async function main(argv: readonly string[]): Promise<void> {
  try {
    await program().parseAsync(argv);
  } catch (error) {
    process.stderr.write(`rivulet: ${(error as Error).message}\n`);
    process.exitCode = 1;
  }
}
