import { type GenerateOptions, withOptions } from '@rivulet/generation';
import { collect, detokenize, fromIterable, generate, mapAsync, type TextTokenizer, tokenize } from '@rivulet/stream';
import type { Command } from 'commander';
import type { Observable } from 'rxjs';
import { loadText } from '../load.ts';
import { natural, number, positive } from './arguments.ts';
import { complain, finish, sources, write } from './input.ts';
import { watched } from './watched.ts';
import { type WeightsOption, weightsOption } from './weights-option.ts';

interface Options extends WeightsOption {
  readonly model: string;
  readonly prompt?: string;
  readonly echo: boolean;
  readonly concurrency: number;
  readonly json: boolean;
  readonly sample?: boolean;
  readonly stop?: readonly string[];
  readonly maxNewTokens?: number;
  readonly maxTime?: number;
  readonly numBeams?: number;
  readonly temperature?: number;
  readonly topK?: number;
  readonly topP?: number;
  readonly minP?: number;
  readonly repetitionPenalty?: number;
  readonly seed?: number;
}

export function addGenerate(rivulet: Command): void {
  rivulet
    .command('generate')
    .description(
      "continue a prompt, or every line of a file; greedy unless the options or the model's folder say otherwise",
    )
    .argument('[file...]', 'text files, one prompt per line; standard input by default')
    .requiredOption('--model <dir>', 'a model folder, such as one of Hugging Face with a Llama or GPT-2')
    .option('--prompt <text>', 'a prompt, in place of files')
    .option('--max-new-tokens <n>', 'the most tokens to make', natural)
    .option('--max-time <seconds>', 'the most time for a text; what there is by then comes out', positive)
    .option('--sample', 'draw tokens instead of taking the likeliest')
    .option('--temperature <t>', 'divides the logits; implies --sample', number)
    .option('--top-k <n>', 'draw among this many of the likeliest tokens; implies --sample', natural)
    .option('--top-p <p>', 'draw among the fewest tokens with this probability; implies --sample', number)
    .option('--min-p <p>', "draw among tokens with this share of the likeliest's probability; implies --sample", number)
    .option('--seed <n>', 'of the drawing', natural)
    .option('--num-beams <n>', 'hypotheses that are followed at once', natural)
    .option('--repetition-penalty <x>', 'above 1: tokens that occurred become less likely', positive)
    .option('--stop <text...>', 'texts that end the generation and do not come out')
    .option('--concurrency <n>', 'lines that are in work at once', natural, 1)
    .addOption(weightsOption())
    .option('--echo', 'write the prompt before its continuation', false)
    .option('--json', 'one JSON object per prompt: prompt, text, tokens, reason', false)
    .action(run);
}

async function run(files: readonly string[], options: Options): Promise<void> {
  const { prompt } = options;
  if (prompt !== undefined && files.length > 0) throw new Error('--prompt and files exclude each other');
  const { tokenizer, model, options: own } = await loadText(options.model, { weights: options.weights });
  const watch = watched();
  try {
    const chosen = withOptions(own, generateOptions(options, tokenizer));
    const inputs = prompt === undefined ? sources(files) : [{ name: '--prompt', lines: fromIterable([prompt]) }];
    // One prompt's text comes out as it is, so that it can be piped and compared; on a terminal a line ends.
    const separator = prompt !== undefined && !process.stdout.isTTY ? '' : '\n';
    for (const { name, lines } of inputs) {
      const events = lines.pipe(
        tokenize(tokenizer),
        watch.stage(
          'generate',
          generate(model, {
            ...chosen,
            concurrency: options.concurrency,
            onItemError: ({ index, cause }) =>
              complain(`${name}${prompt === undefined ? `:${index + 1}` : ''}: ${(cause as Error).message}`),
          }),
        ),
      );
      const output: Observable<void> = options.json
        ? events.pipe(
            collect(tokenizer),
            mapAsync(({ source, text, tokens, reason }) =>
              write(`${JSON.stringify({ prompt: source, text, tokens, reason })}\n`),
            ),
          )
        : events.pipe(detokenize(tokenizer, { separator, echo: options.echo }), mapAsync(write));
      await finish(output, name);
    }
  } finally {
    watch.end();
    await model.dispose();
  }
}

function generateOptions(options: Options, decoder: TextTokenizer): GenerateOptions {
  const { sample, stop, maxNewTokens, maxTime, numBeams, temperature, topK, topP, minP, repetitionPenalty, seed } =
    options;
  const given = { maxNewTokens, maxTime, numBeams, temperature, topK, topP, minP, repetitionPenalty, seed };
  const implied = [temperature, topK, topP, minP].some((value) => value !== undefined);
  return {
    ...Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)),
    ...((sample || implied) && { doSample: true }),
    ...(stop && { stopStrings: stop, decoder }),
  };
}
