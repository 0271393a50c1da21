import { BPE, type Spec, type Tokenizer, WordLevel, WordPiece } from '@rivulet/tokenizer';
import type { Command } from 'commander';
import { write } from './input.ts';
import { takesColour, viewTokens } from './token-view.ts';
import { ANY_TOKENIZER, addPatternOption, tokenizerOf } from './tokenizer-option.ts';

interface Options {
  readonly tiktokenPattern?: string;
  readonly json: boolean;
}

export function addTokenizer(rivulet: Command): void {
  const tokenizer = rivulet.command('tokenizer').description('look into a tokenizer');
  addPatternOption(tokenizer.command('inspect'))
    .description('what a tokenizer is made of, and how it splits a text')
    .argument('<file>', ANY_TOKENIZER)
    .argument('[text]', 'a text to split')
    .option('--json', 'one JSON object', false)
    .action(inspect);
}

async function inspect(file: string, text: string | undefined, { json, ...options }: Options): Promise<void> {
  const tokenizer = await tokenizerOf({ tokenizer: file, ...options });
  const summary = summaryOf(tokenizer);
  const encoding = text === undefined ? null : tokenizer.encoding(text, { truncation: null, padding: null });
  if (json) {
    const tokens = encoding?.ids.map((id, i) => ({ id, token: encoding.tokens[i], offsets: encoding.offsets[i] }));
    await write(`${JSON.stringify({ file, ...summary, ...(tokens ? { text, tokens } : {}) })}\n`);
    return;
  }
  const width = Math.max(...Object.keys(summary).map((name) => name.length));
  for (const [name, value] of Object.entries(summary)) await write(`${name.padEnd(width)}  ${value}\n`);
  if (!encoding || text === undefined) return;
  await write(`\n${viewTokens(text, encoding, takesColour())}\n`);
  await write(`${JSON.stringify(encoding.ids)}\n${encoding.ids.length} tokens\n`);
}

function summaryOf(tokenizer: Tokenizer): Record<string, string | number> {
  const special = tokenizer.addedTokens.filter((token) => token.special);
  const { chat, truncation, padding } = tokenizer;
  const templates = Object.entries(chat?.templates ?? {});
  return {
    model: modelOf(tokenizer),
    vocabulary: `${number(tokenizer.vocabSize)} ids, ${number(tokenizer.addedTokens.length)} of added tokens`,
    normalizer: specOf(tokenizer.normalizer),
    'pre-tokenizer': splitOf(tokenizer),
    'post-processor': specOf(tokenizer.postProcessor),
    decoder: specOf(tokenizer.decoder),
    'special tokens': listOf(special.map(({ content, id }) => `${content} ${id}`)),
    truncation: truncation ? `${truncation.maxLength} tokens` : 'none',
    padding: padding ? `to ${padding.length ?? 'longest'}` : 'none',
    'chat template': listOf(templates.map(([name, { length }]) => `${name} (${number(length)} characters)`)),
    'in parts': partsOf(tokenizer),
  };
}

const number = (value: number): string => value.toLocaleString('en-US');

const SHOWN = 12;

function listOf(items: readonly string[]): string {
  if (items.length === 0) return 'none';
  const more = items.length > SHOWN ? ` and ${items.length - SHOWN} more` : '';
  return items.slice(0, SHOWN).join(', ') + more;
}

function modelOf({ model }: Tokenizer): string {
  if (model instanceof BPE) return `BPE over bytes, ${number(model.merges.length)} merges`;
  if (model instanceof WordPiece)
    return `WordPiece, continuations begin with ${model.continuingSubwordPrefix}, unknown is ${model.unkToken}`;
  if (model instanceof WordLevel) return `words, unknown is ${model.unkToken}`;
  return model.constructor.name;
}

function splitOf({ splitter, preTokenizer }: Tokenizer): string {
  if (splitter instanceof RegExp) return `pieces that match ${short(splitter.source)}`;
  return splitter ? 'the split of a published vocabulary' : specOf(preTokenizer);
}

function partsOf(tokenizer: Tokenizer): string {
  try {
    tokenizer.encodeStream();
    return 'yes';
  } catch (error) {
    return `no: ${(error as Error).message.replace(/^.*?: its /, 'its ')}`;
  }
}

const LISTS = ['normalizers', 'pretokenizers', 'processors', 'decoders'];

/** A component with its settings, in one line. */
function specOf(spec: Spec | null): string {
  if (!spec) return 'none';
  for (const list of LISTS) if (Array.isArray(spec[list])) return (spec[list] as Spec[]).map(specOf).join(', ');
  if (Array.isArray(spec.single)) return `${spec.type}: ${(spec.single as object[]).map(placeOf).join(' ')}`;
  const settings = Object.entries(spec).filter(([name, value]) => name !== 'type' && value !== null);
  const shown = settings.map(([name, value]) => `${name} ${short(value)}`);
  return shown.length > 0 ? `${spec.type} (${shown.join(', ')})` : spec.type;
}

/** A place of a template: the name of a token or of a text. */
function placeOf(part: object): string {
  const { SpecialToken, Sequence } = part as { SpecialToken?: { id: string }; Sequence?: { id: string } };
  return SpecialToken?.id ?? Sequence?.id ?? '';
}

function short(value: unknown): string {
  const text = JSON.stringify(value);
  return text.length > 40 ? `${text.slice(0, 37)}…` : text;
}
