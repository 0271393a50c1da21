import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { replaceFile } from '@rivulet/tensor';
import { type TrainableModel, trainTokenizerJSON } from '@rivulet/tokenizer';
import { Presets, SingleBar } from 'cli-progress';
import { type Command, Option } from 'commander';
import { natural } from './arguments.ts';

interface Options {
  readonly model: keyof typeof models;
  readonly vocabSize: number;
  readonly minFrequency: number;
  readonly specialToken: readonly string[];
  readonly limitAlphabet?: number;
  readonly output: string;
}

const models = {
  bpe: 'BPE',
  wordpiece: 'WordPiece',
  unigram: 'Unigram',
  wordlevel: 'WordLevel',
} as const satisfies Record<string, TrainableModel>;

export function addTrainTokenizer(train: Command): void {
  train
    .command('tokenizer')
    .description('learn a tokenizer from text files, line by line')
    .argument('[file...]', 'text files; standard input by default')
    .addOption(new Option('--model <kind>', 'what to learn').choices(Object.keys(models)).makeOptionMandatory())
    .requiredOption('--vocab-size <n>', 'tokens in all', natural)
    .option('--min-frequency <n>', 'rarer pairs or words are left out', natural, 0)
    .option(
      '--special-token <token>',
      'a token that is never split; may be given several times',
      (token: string, all: readonly string[]) => [...all, token],
      [],
    )
    .option('--limit-alphabet <n>', 'characters kept, the most frequent ones', natural)
    .option('--output <file>', 'where it goes', 'tokenizer.json')
    .action(run);
}

async function run(files: readonly string[], options: Options): Promise<void> {
  const { model, vocabSize, minFrequency, specialToken, limitAlphabet, output } = options;
  const sizes = await Promise.all(files.map(async (file) => (await stat(file)).size));
  const bytes = sizes.reduce((sum, size) => sum + size, 0);
  const bar = new ProgressBar();
  let read = 0;
  let json: { readonly model: { readonly vocab: object } };
  try {
    json = (await trainTokenizerJSON(
      textLines(files, (count) => {
        read += count;
      }),
      {
        model: models[model],
        vocabSize,
        minFrequency,
        ...(specialToken.length > 0 ? { specialTokens: specialToken } : {}),
        ...(limitAlphabet === undefined ? {} : { limitAlphabet }),
        onProgress: ({ phase, done, total }) =>
          phase === 'read' ? bar.show('reading', read, bytes) : bar.show(phases[phase], done, total ?? 0),
      },
    )) as typeof json;
  } finally {
    bar.stop();
  }
  await replaceFile(output, [`${JSON.stringify(json)}\n`]);
  process.stderr.write(`saved ${output}: ${Object.keys(json.model.vocab).length.toLocaleString('en')} tokens\n`);
}

const phases = { words: 'preparing words', learn: 'learning' } as const;

/** The lines of files with their ends, in parts that come as the files are read. */
async function* textLines(files: readonly string[], onBytes: (count: number) => void): AsyncGenerator<string> {
  const sources = files.length > 0 ? files.map((file) => createReadStream(file)) : [process.stdin];
  for (const source of sources) {
    const decoder = new TextDecoder();
    let rest = '';
    for await (const chunk of source as AsyncIterable<Uint8Array>) {
      onBytes(chunk.length);
      const lines = (rest + decoder.decode(chunk, { stream: true })).split(/(?<=\n)/);
      rest = lines.pop() ?? '';
      yield* lines;
    }
    rest += decoder.decode();
    if (rest !== '') yield rest;
  }
}

/** On a terminal one bar for a phase; elsewhere nothing. */
class ProgressBar {
  readonly #bar = process.stderr.isTTY
    ? new SingleBar({ format: '{phase} {bar} {percentage} %', stream: process.stderr }, Presets.shades_classic)
    : null;
  #phase = '';

  show(phase: string, done: number, total: number): void {
    if (phase !== this.#phase) {
      this.#bar?.stop();
      this.#bar?.start(total, 0, { phase });
      this.#phase = phase;
    }
    this.#bar?.setTotal(Math.max(1, total));
    this.#bar?.update(done);
  }

  stop(): void {
    this.#bar?.stop();
  }
}
