import { loadTokenizer, type Tokenizer } from '@rivulet/tokenizer';
import type { Command } from 'commander';

export interface TokenizerOptions {
  readonly tokenizer: string;
  readonly tiktokenPattern?: string;
}

export const ANY_TOKENIZER = 'a tokenizer file of any format, a folder that holds one, or a URL';

/** Adds the option for what only rank files need. */
export function addPatternOption(command: Command): Command {
  return command.option(
    '--tiktoken-pattern <pattern>',
    'how text is split for a rank file: cl100k, o200k, p50k, r50k, or an expression; by default as its name says',
  );
}

/** Adds the options that say which tokenizer is meant. */
export function addTokenizerOption(command: Command): Command {
  return addPatternOption(command.requiredOption('--tokenizer <file>', ANY_TOKENIZER));
}

/** @throws TokenizerFileError naming the file and the field that is wrong. */
export function tokenizerOf({ tokenizer, tiktokenPattern: pattern }: TokenizerOptions): Promise<Tokenizer> {
  return loadTokenizer(tokenizer, pattern === undefined ? {} : { tiktoken: { pattern } });
}
