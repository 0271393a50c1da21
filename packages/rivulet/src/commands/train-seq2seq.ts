import { type Command, InvalidArgumentError, Option } from 'commander';
import { keepSettings, runTraining } from '../training/run.ts';
import { type Seq2SeqSettings, seq2seqTask } from '../training/seq2seq-task.ts';
import { natural, positive, share } from './arguments.ts';

type Options = Seq2SeqSettings & { readonly output: string; readonly resume: boolean };

export function addTrainSeq2Seq(train: Command): void {
  train
    .command('seq2seq')
    .description('train a GRU encoder-decoder on sentence pairs')
    .requiredOption('--data <file>', 'sentence pairs, one a line, separated by a tab')
    .requiredOption('--output <dir>', 'where the model, its checkpoints and its settings go')
    .option('--source-column <n>', 'column of the source, from 0', natural, 0)
    .option('--target-column <n>', 'column of the target, from 0', natural, 1)
    .option('--vocab-size <n>', 'tokens of both languages', natural, 6000)
    .option('--target-vocab-size <n>', 'tokens of the target', natural, 2400)
    .option('--embedding-dim <n>', 'width of the embeddings', natural, 192)
    .option('--hidden-size <n>', 'width of the states', natural, 256)
    .option('--encoder-layers <n>', 'layers of the encoder', natural, 1)
    .option('--attention-heads <n>', 'heads of the attention; 0: none', natural, 4)
    .option('--dropout <p>', 'probability of dropout', share, 0.3)
    .option('--label-smoothing <p>', 'share of probability spread over all tokens', share, 0.1)
    .option('--learning-rate <x>', 'the highest learning rate', positive, 2e-3)
    .option('--weight-decay <x>', 'decoupled weight decay', positive, 0.01)
    .option('--warmup <n>', 'steps until the highest learning rate', natural, 300)
    .option('--ema <x>', 'decay of the average of the weights that is saved', share, 0.995)
    .option('--epochs <n>', 'passes over the data', natural, 30)
    .option('--tokens-per-batch <n>', 'positions in a batch, padding included', natural, 2048)
    .option('--seed <n>', 'of the first weights, the order of the data and dropout', natural, 1)
    .addOption(new Option('--resume', 'go on with the run in --output, with its settings').default(false))
    .action(run);
}

async function run({ output, resume, ...given }: Options): Promise<void> {
  const settings = await keepSettings(output, given, resume);
  if (settings.targetVocabSize > settings.vocabSize)
    throw new InvalidArgumentError(
      `--target-vocab-size ${settings.targetVocabSize} is larger than --vocab-size ${settings.vocabSize}`,
    );
  const task = await seq2seqTask(settings, output);
  const { train, validation, test } = task.split;
  process.stderr.write(
    `${train.length} pairs to train on (${task.leftOut} left out), ${validation.length} for validation, ${test.length} for the test; ` +
      `${task.trainer.model.parameterCount().toLocaleString('en')} parameters\n`,
  );
  const end = await runTraining({
    trainer: task.trainer,
    options: task.options,
    directory: output,
    resume,
    unit: 'tokens',
  });
  await task.save(output);
  const stopped = end.type === 'run-end' && end.reason === 'stopped';
  process.stderr.write(stopped ? `stopped; go on with --resume\n` : `saved ${output}\n`);
  await task.trainer.dispose();
}
