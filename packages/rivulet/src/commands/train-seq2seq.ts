import { type Command, InvalidArgumentError } from 'commander';
import { keepSettings, runTraining } from '../training/run.ts';
import { type Seq2SeqSettings, seq2seqTask } from '../training/seq2seq-task.ts';
import { natural } from './arguments.ts';
import { addTrainingOptions, type RunPlace } from './training-options.ts';

type Options = Seq2SeqSettings & RunPlace;

export function addTrainSeq2Seq(train: Command): void {
  const command = train.command('seq2seq').description('train a GRU encoder-decoder on sentence pairs');
  addTrainingOptions(command, 'sentence pairs, one a line, separated by a tab', {
    epochs: 35,
    learningRate: 2e-3,
    warmup: 300,
    weightDecay: 0.01,
    dropout: 0.3,
    labelSmoothing: 0.1,
    ema: 0.995,
    seed: 1,
  })
    .option('--source-column <n>', 'column of the source, from 0', natural, 0)
    .option('--target-column <n>', 'column of the target, from 0', natural, 1)
    .option('--vocab-size <n>', 'tokens of both languages', natural, 6000)
    .option('--target-vocab-size <n>', 'tokens of the target', natural, 2400)
    .option('--embedding-dim <n>', 'width of the embeddings', natural, 192)
    .option('--hidden-size <n>', 'width of the states', natural, 256)
    .option('--encoder-layers <n>', 'layers of the encoder', natural, 1)
    .option('--attention-heads <n>', 'heads of the attention; 0: none', natural, 4)
    .option('--tokens-per-batch <n>', 'positions in a batch, padding included', natural, 2048)
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
