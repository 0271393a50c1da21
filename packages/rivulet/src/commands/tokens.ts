import { mapAsync } from '@rivulet/stream';
import { loadTokenizer, type Tokenizer } from '@rivulet/tokenizer';
import type { Command } from 'commander';
import { lastValueFrom } from 'rxjs';
import { complain, sources, write } from './input.ts';

interface Options {
  readonly tokenizer: string;
}

export function addTokens(rivulet: Command): void {
  rivulet
    .command('encode')
    .description('text to ids: for each line a JSON array')
    .argument('[file...]', 'text files; standard input by default')
    .requiredOption('--tokenizer <file>', 'a tokenizer.json')
    .action((files: string[], options: Options) => eachLine(files, options, encodeLine));
  rivulet
    .command('decode')
    .description('ids to text: the reverse of encode')
    .argument('[file...]', 'files with a JSON array per line; standard input by default')
    .requiredOption('--tokenizer <file>', 'a tokenizer.json')
    .action((files: string[], options: Options) => eachLine(files, options, decodeLine));
}

/** Prints what `convert` makes of every line; a line it refuses is named on standard error and leaves an empty one. */
async function eachLine(
  files: readonly string[],
  { tokenizer: file }: Options,
  convert: (line: string, tokenizer: Tokenizer) => string,
): Promise<void> {
  const tokenizer = await loadTokenizer(file);
  for (const { name, lines } of sources(files)) {
    let number = 0;
    const output = lines.pipe(
      mapAsync((line) => {
        number++;
        let text = '';
        try {
          text = convert(line, tokenizer);
        } catch (error) {
          complain(`${name}:${number}: ${(error as Error).message}`);
        }
        return write(`${text}\n`);
      }),
    );
    await lastValueFrom(output, { defaultValue: undefined }).catch((error: Error) =>
      complain(`${name}: ${error.message}`),
    );
  }
}

function encodeLine(line: string, tokenizer: Tokenizer): string {
  return JSON.stringify([...tokenizer.encode(line)]);
}

function decodeLine(line: string, tokenizer: Tokenizer): string {
  let ids: unknown;
  try {
    ids = JSON.parse(line);
  } catch {
    ids = null;
  }
  if (!Array.isArray(ids) || !ids.every((id) => Number.isSafeInteger(id) && id >= 0))
    throw new TypeError('expected a JSON array of ids, such as [348, 305, 2]');
  return tokenizer.decode(ids);
}
