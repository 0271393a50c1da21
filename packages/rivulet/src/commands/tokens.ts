import { createReadStream } from 'node:fs';
import { mapAsync } from '@rivulet/stream';
import type { Tokenizer } from '@rivulet/tokenizer';
import type { Command } from 'commander';
import { complain, finish, sources, write } from './input.ts';
import { addTokenizerOption, type TokenizerOptions, tokenizerOf } from './tokenizer-option.ts';

interface Options extends TokenizerOptions {
  readonly specialTokens: boolean;
  readonly json: boolean;
}

export function addTokens(rivulet: Command): void {
  addTokenizerOption(rivulet.command('encode'))
    .description('text to ids: for each line a JSON array')
    .argument('[file...]', 'text files; standard input by default')
    .option('--no-special-tokens', 'add none, such as an end token')
    .option('--json', 'one JSON object per line: text, ids, tokens', false)
    .action((files: string[], options: Options) => eachLine(files, options, encodeLine));
  addTokenizerOption(rivulet.command('decode'))
    .description('ids to text: the reverse of encode')
    .argument('[file...]', 'files with a JSON array per line; standard input by default')
    .option('--special-tokens', 'keep them in the text', false)
    .option('--json', 'one JSON object per line: ids, text', false)
    .action((files: string[], options: Options) => eachLine(files, options, decodeLine));
  addTokenizerOption(rivulet.command('count'))
    .description('how many tokens files have, each as one text without added special tokens')
    .argument('[file...]', 'text files; standard input by default')
    .option('--json', 'one JSON object per file: file, tokens, bytes', false)
    .action(count);
}

/** Prints what `convert` makes of every line; a line it refuses is named on standard error and leaves an empty one. */
async function eachLine(
  files: readonly string[],
  options: Options,
  convert: (line: string, tokenizer: Tokenizer, options: Options) => string,
): Promise<void> {
  const tokenizer = await tokenizerOf(options);
  for (const { name, lines } of sources(files)) {
    let number = 0;
    const output = lines.pipe(
      mapAsync((line) => {
        number++;
        let text = '';
        try {
          text = convert(line, tokenizer, options);
        } catch (error) {
          complain(`${name}:${number}: ${(error as Error).message}`);
        }
        return write(`${text}\n`);
      }),
    );
    await finish(output, name);
  }
}

function encodeLine(line: string, tokenizer: Tokenizer, { json, specialTokens: addSpecialTokens }: Options): string {
  const ids = [...tokenizer.encode(line, { addSpecialTokens })];
  return JSON.stringify(json ? { text: line, ids, tokens: ids.map((id) => tokenizer.idToToken(id)) } : ids);
}

function decodeLine(line: string, tokenizer: Tokenizer, { json, specialTokens }: Options): string {
  let ids: unknown;
  try {
    ids = JSON.parse(line);
  } catch {
    ids = null;
  }
  if (!Array.isArray(ids) || !ids.every((id) => Number.isSafeInteger(id) && id >= 0))
    throw new TypeError('expected a JSON array of ids, such as [348, 305, 2]');
  const text = tokenizer.decode(ids, { skipSpecialTokens: !specialTokens });
  return json ? JSON.stringify({ ids, text }) : text;
}

interface Count {
  readonly tokens: number;
  readonly bytes: number;
}

async function count(files: readonly string[], options: Options): Promise<void> {
  const { json } = options;
  const tokenizer = await tokenizerOf(options);
  const total = { tokens: 0, bytes: 0 };
  for (const file of files.length > 0 ? files : [null]) {
    const name = file ?? 'standard input';
    try {
      const { tokens, bytes } = await countText(tokenizer, file === null ? process.stdin : createReadStream(file));
      total.tokens += tokens;
      total.bytes += bytes;
      await write(
        json ? `${JSON.stringify({ file, tokens, bytes })}\n` : file === null ? `${tokens}\n` : `${tokens} ${file}\n`,
      );
    } catch (error) {
      complain(`${name}: ${(error as Error).message}`);
    }
  }
  if (files.length > 1 && !json) await write(`${total.tokens} total\n`);
}

/** Reads in parts; a tokenizer that needs the whole text gets it. */
async function countText(tokenizer: Tokenizer, input: AsyncIterable<Uint8Array | string>): Promise<Count> {
  const stream = encodeStreamOf(tokenizer);
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  let [tokens, bytes] = [0, 0];
  for await (const part of input) {
    const chunk = typeof part === 'string' ? new TextEncoder().encode(part) : part;
    bytes += chunk.length;
    tokens += stream.push(decoder.decode(chunk, { stream: true })).length;
  }
  return { tokens: tokens + stream.push(decoder.decode()).length + stream.end().length, bytes };
}

function encodeStreamOf(tokenizer: Tokenizer): ReturnType<Tokenizer['encodeStream']> {
  const options = { addSpecialTokens: false };
  try {
    return tokenizer.encodeStream(options);
  } catch {
    let text = '';
    return {
      push(part) {
        text += part;
        return new Int32Array(0);
      },
      end: () => Int32Array.from(tokenizer.encoding(text, { ...options, truncation: null, padding: null }).ids),
    };
  }
}
