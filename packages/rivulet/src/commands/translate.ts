import { collect, detokenize, generate, mapAsync, tokenize } from '@rivulet/stream';
import type { Command } from 'commander';
import { loadText } from '../load.ts';
import { natural } from './arguments.ts';
import { complain, finish, sources, write } from './input.ts';
import { watched } from './watched.ts';
import { type WeightsOption, weightsOption } from './weights-option.ts';

interface Options extends WeightsOption {
  readonly model: string;
  readonly numBeams: number;
  readonly maxNewTokens: number;
  readonly json: boolean;
}

export function addTranslate(rivulet: Command): void {
  rivulet
    .command('translate')
    .description('translate text, one sentence per line, token by token')
    .argument('[file...]', 'text files; standard input by default')
    .requiredOption('--model <dir>', 'a model folder')
    .option('--num-beams <n>', 'hypotheses that are followed at once', natural, 1)
    .option('--max-new-tokens <n>', 'the most tokens of a translation', natural, 128)
    .addOption(weightsOption())
    .option('--json', 'one JSON object per line: source, translation, tokens', false)
    .action(translate);
}

async function translate(
  files: readonly string[],
  { model: directory, numBeams, maxNewTokens, weights, json }: Options,
): Promise<void> {
  const { tokenizer, model } = await loadText(directory, { weights });
  const watch = watched();
  try {
    if ('continuesPrompt' in model)
      throw new Error(`${directory}: holds a model that continues texts; use 'rivulet generate'`);
    for (const { name, lines } of sources(files)) {
      const events = lines.pipe(
        tokenize(tokenizer),
        watch.stage(
          'translate',
          generate(model, {
            numBeams,
            maxNewTokens,
            concurrency: 8, // lines that lie ready go through the model together
            onItemError: ({ index, cause }) => complain(`${name}:${index + 1}: ${(cause as Error).message}`),
          }),
        ),
      );
      const output = json
        ? events.pipe(
            collect(tokenizer),
            mapAsync(({ source, text, tokens }) => write(`${JSON.stringify({ source, translation: text, tokens })}\n`)),
          )
        : events.pipe(detokenize(tokenizer), mapAsync(write));
      await finish(output, name);
    }
  } finally {
    watch.end();
    await model.dispose();
  }
}
