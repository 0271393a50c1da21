import { array, describe, type Json, object, parse, string, TokenizerFormatError } from '../format.ts';
import type { SentencePieceOptions } from '../sentencepiece/tokenizer.ts';
import type { ChatFormat } from '../tokenizer-options.ts';
import { utf8 } from './text.ts';
import type { VocabMergesOptions } from './vocab-merges.ts';
import type { WordPieceVocabOptions } from './word-piece-vocab.ts';

const FILE = 'tokenizer_config.json';

/** What a tokenizer_config.json says, as far as it is used here. */
export interface TokenizerConfig {
  readonly chat: ChatFormat | null;
  readonly wordPiece: WordPieceVocabOptions;
  readonly vocabMerges: VocabMergesOptions;
  readonly sentencePiece: SentencePieceOptions;
}

const NAMES = ['bos', 'eos', 'unk', 'sep', 'pad', 'cls', 'mask'] as const;

/**
 * @param template the text of a chat_template.jinja beside it, which counts more than the one inside.
 * @throws TokenizerFormatError naming the field.
 */
export function readTokenizerConfig(
  source: string | Uint8Array | object,
  template: string | Uint8Array | null = null,
): TokenizerConfig {
  const text = typeof source === 'string' || source instanceof Uint8Array ? parse(utf8(FILE, source), FILE) : source;
  const json = object(FILE, text);
  const tokens: Record<string, string> = {};
  for (const name of NAMES) {
    const content = contentOf(`${name}_token`, json[`${name}_token`]);
    if (content !== null) tokens[`${name}_token`] = content;
  }
  const templates = readTemplates(json.chat_template);
  if (template !== null) templates.default = utf8('chat_template.jinja', template);
  const empty = Object.keys(templates).length === 0 && Object.keys(tokens).length === 0;
  return {
    chat: empty ? null : { templates, specialTokens: tokens },
    wordPiece: wordPieceOptions(json, tokens),
    vocabMerges: vocabMergesOptions(json),
    sentencePiece: sentencePieceOptions(json, tokens),
  };
}

/** A token is written as its text, or as an object with settings. */
function contentOf(field: string, value: unknown): string | null {
  if (value === null || value === undefined || typeof value === 'string') return value ?? null;
  return string(`${field}.content`, object(field, value).content);
}

function readTemplates(value: unknown): Record<string, string> {
  if (value === null || value === undefined) return {};
  if (typeof value === 'string') return { default: value };
  if (!Array.isArray(value))
    throw new TokenizerFormatError(
      'chat_template',
      `expected a string or a list of named ones, got ${describe(value)}`,
    );
  const named = array('chat_template', value).map((entry, i): [string, string] => {
    const field = `chat_template[${i}]`;
    const json = object(field, entry);
    return [string(`${field}.name`, json.name), string(`${field}.template`, json.template)];
  });
  return Object.fromEntries(named);
}

/** The setting of that name, where it is a boolean. */
function flag(json: Json, name: string): boolean | undefined {
  const value = json[name];
  if (value === null || value === undefined) return undefined;
  if (typeof value !== 'boolean')
    throw new TokenizerFormatError(name, `expected true or false, got ${describe(value)}`);
  return value;
}

function wordPieceOptions(json: Json, tokens: Readonly<Record<string, string>>): WordPieceVocabOptions {
  return defined({
    lowerCase: flag(json, 'do_lower_case'),
    stripAccents: flag(json, 'strip_accents'),
    tokenizeChineseChars: flag(json, 'tokenize_chinese_chars'),
    cleanText: flag(json, 'clean_text'),
    unkToken: tokens.unk_token,
    clsToken: tokens.cls_token,
    sepToken: tokens.sep_token,
    padToken: tokens.pad_token,
    maskToken: tokens.mask_token,
  });
}

const CLASSES = { GPT2: 'gpt2', Roberta: 'roberta', Bart: 'roberta', Longformer: 'roberta', CLIP: 'clip' } as const;

function vocabMergesOptions(json: Json): VocabMergesOptions {
  const name = typeof json.tokenizer_class === 'string' ? json.tokenizer_class.replace(/Tokenizer(Fast)?$/, '') : '';
  const kind = Object.hasOwn(CLASSES, name) ? CLASSES[name as keyof typeof CLASSES] : undefined;
  return defined({ kind, addPrefixSpace: flag(json, 'add_prefix_space') });
}

/** What is not said is as the tokenizer's class has it: Llama's begins a text, T5's ends it. */
function sentencePieceOptions(json: Json, tokens: Readonly<Record<string, string>>): SentencePieceOptions {
  const name = typeof json.tokenizer_class === 'string' ? json.tokenizer_class : '';
  return defined({
    addBos: flag(json, 'add_bos_token') ?? /^(Code)?Llama/.test(name),
    addEos: flag(json, 'add_eos_token') ?? /^T5/.test(name),
    bosToken: tokens.bos_token,
    eosToken: tokens.eos_token,
  });
}

type Defined<T> = { [K in keyof T]?: Exclude<T[K], undefined> };

/** Without what is undefined. */
export function defined<T extends object>(options: T): Defined<T> {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as Defined<T>;
}
