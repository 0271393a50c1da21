import { tokenizerFromCompiled } from '../compiled/index.ts';
import { TokenizerFormatError } from '../format.ts';
import { SentencePieceFormatError } from '../sentencepiece/protobuf.ts';
import { type SentencePieceOptions, tokenizerFromSentencePiece } from '../sentencepiece/tokenizer.ts';
import { type TiktokenOptions, tokenizerFromTiktoken } from '../tiktoken.ts';
import type { Tokenizer } from '../tokenizer.ts';
import { tokenizerFromJSON } from '../tokenizer-json.ts';
import { readTokenizerConfig, type TokenizerConfig } from './config.ts';
import { type Detected, detect, type TokenizerFormat } from './detect.ts';
import { tokenizerFromLlama2c } from './llama2c.ts';
import { type Fetch, type Folder, type Located, locate, TokenizerFileError } from './source.ts';
import { utf8 } from './text.ts';
import { tiktokenEncoding } from './tiktoken-encodings.ts';
import { tokenizerFromVocabMerges, type VocabMergesOptions } from './vocab-merges.ts';
import { tokenizerFromWordPieceVocab, type WordPieceVocabOptions } from './word-piece-vocab.ts';

export interface LoadTokenizerOptions {
  /** Default: found out from the content, and from the name where the content leaves it open. */
  readonly format?: TokenizerFormat;
  /** For bytes: the name of their file, which messages use. Default 'tokenizer'. */
  readonly name?: string;
  /** What a tokenizer_config.json says. Default: that of the file beside; null: none, and none is looked for. */
  readonly config?: string | Uint8Array | object | null;
  /** For a vocab.json: its merges.txt. Default: the file beside. */
  readonly merges?: string | Uint8Array;
  /** For a vocab.json or merges.txt. What is not given is as the configuration says. */
  readonly vocabMerges?: VocabMergesOptions;
  /** For a vocab.txt. What is not given is as the configuration says. */
  readonly wordPiece?: WordPieceVocabOptions;
  /** For a SentencePiece model. What is not given is as the configuration says. */
  readonly sentencePiece?: SentencePieceOptions;
  /** For tiktoken's ranks. Default: as the file's name says: cl100k_base, o200k_base, p50k_base, r50k_base. */
  readonly tiktoken?: Partial<TiktokenOptions>;
  /** Gets files from the web. Default: the global one. */
  readonly fetch?: Fetch;
}

/** In this order in a folder. */
const KNOWN = [
  'tokenizer.json',
  'tokenizer.model',
  'spiece.model',
  'sentencepiece.bpe.model',
  'vocab.json',
  'vocab.txt',
  'tokenizer.bin',
  'tokenizer.rvtk',
] as const;
const KNOWN_ENDINGS = /\.(tiktoken|rvtk)$|^tok\w*\.bin$/;

/**
 * Loads a tokenizer of any known format: tokenizer.json, tiktoken's ranks, BERT's vocab.txt, vocab.json with merges.txt,
 * SentencePiece's .model, llama2.c's tokenizer.bin, and what `compileTokenizer` wrote. A tokenizer_config.json and a chat_template.jinja beside the file
 * are read too.
 * @param source the file's bytes, its path, a folder that holds one, or an http(s) or file URL (a folder's ends in a slash).
 * @throws TokenizerFileError naming the file and the field that is wrong.
 */
export async function loadTokenizer(
  source: Uint8Array | ArrayBuffer | string | URL,
  options: LoadTokenizerOptions = {},
): Promise<Tokenizer> {
  if (typeof source !== 'string' && 'byteLength' in source) {
    const name = options.name ?? 'tokenizer';
    const bytes = bytesOf(source);
    return named(name, () => build(name, bytes, options, configOf(options.config, null), options.merges));
  }
  const place = await locate(source, options.fetch ?? ((url) => fetch(url)));
  const { name, bytes } = await mainFile(place);
  const { folder } = place;
  const detected = named(folder.pathOf(name), () => detectOr(options.format, bytes, name));
  const files = detected.format === 'vocab-merges' ? await vocabAndMerges(folder, name, bytes, options) : null;
  const config = await configBeside(folder, options);
  return named(folder.pathOf(files?.name ?? name), () =>
    build(name, files?.vocab ?? bytes, options, config, files?.merges, files ? { format: 'vocab-merges' } : detected),
  );
}

/** Also of another realm, whose arrays are no instances of ours. */
function bytesOf(source: Uint8Array | ArrayBuffer): Uint8Array {
  if (source instanceof Uint8Array) return source;
  return ArrayBuffer.isView(source)
    ? new Uint8Array(source.buffer, source.byteOffset, source.byteLength)
    : new Uint8Array(source);
}

const detectOr = (format: TokenizerFormat | undefined, bytes: Uint8Array, name: string): Detected =>
  format ? { format } : detect(bytes, name);

async function mainFile({ folder, file, path }: Located): Promise<{ name: string; bytes: Uint8Array }> {
  for (const name of file === null ? await candidates(folder) : [file]) {
    const bytes = await folder.read(name);
    if (bytes) return { name, bytes };
  }
  throw new TokenizerFileError(
    path,
    file === null ? `holds no tokenizer; looked for ${KNOWN.join(', ')} and *.tiktoken` : 'there is no such file',
  );
}

/** What may be the tokenizer of a folder, the likeliest first. */
async function candidates(folder: Folder): Promise<string[]> {
  const names = await folder.list();
  if (!names) return [...KNOWN];
  return [...KNOWN.filter((name) => names.includes(name)), ...names.filter((name) => KNOWN_ENDINGS.test(name)).sort()];
}

/** The two files of GPT-2's format, given one of them. */
async function vocabAndMerges(
  folder: Folder,
  name: string,
  bytes: Uint8Array,
  { merges }: LoadTokenizerOptions,
): Promise<{ name: string; vocab: Uint8Array; merges: string | Uint8Array }> {
  const beside = async (ending: RegExp, otherEnding: string): Promise<{ other: string; found: Uint8Array }> => {
    const other = ending.test(name) ? name.replace(ending, otherEnding) : otherEnding;
    const found = await folder.read(other);
    if (!found) throw new TokenizerFileError(folder.pathOf(name), `needs ${other} beside it, which is absent`);
    return { other, found };
  };
  if (bytes[0] !== 0x7b && !/\.json$/.test(name)) {
    const { other, found } = await beside(/merges\.txt$/, 'vocab.json');
    return { name: other, vocab: found, merges: bytes };
  }
  return { name, vocab: bytes, merges: merges ?? (await beside(/vocab\.json$/, 'merges.txt')).found };
}

async function configBeside(folder: Folder, { config }: LoadTokenizerOptions): Promise<TokenizerConfig | null> {
  if (config === null) return null;
  const template = await folder.read('chat_template.jinja');
  const source = config ?? (await folder.read('tokenizer_config.json'));
  return named(folder.pathOf('tokenizer_config.json'), () => configOf(source ?? undefined, template));
}

function configOf(
  source: string | Uint8Array | object | null | undefined,
  template: Uint8Array | null,
): TokenizerConfig | null {
  return source || template ? readTokenizerConfig(source ?? {}, template) : null;
}

function build(
  name: string,
  bytes: Uint8Array,
  options: LoadTokenizerOptions,
  config: TokenizerConfig | null,
  merges: string | Uint8Array | undefined,
  detected: Detected = detectOr(options.format, bytes, name),
): Tokenizer {
  const tokenizer = read(name, bytes, detected, options, config, merges);
  if (config?.chat) tokenizer.chat = config.chat;
  return tokenizer;
}

function read(
  name: string,
  bytes: Uint8Array,
  { format, json }: Detected,
  options: LoadTokenizerOptions,
  config: TokenizerConfig | null,
  merges: string | Uint8Array | undefined,
): Tokenizer {
  switch (format) {
    case 'tokenizer.json':
      return tokenizerFromJSON(json ?? utf8('content', bytes));
    case 'sentencepiece':
      return tokenizerFromSentencePiece(bytes, { ...config?.sentencePiece, ...options.sentencePiece });
    case 'tiktoken':
      return tokenizerFromTiktoken(bytes, tiktokenEncoding(name, options.tiktoken));
    case 'wordpiece':
      return tokenizerFromWordPieceVocab(bytes, { ...config?.wordPiece, ...options.wordPiece });
    case 'vocab-merges':
      if (!merges) throw new TokenizerFormatError('merges', 'a vocab.json needs its merges.txt');
      return tokenizerFromVocabMerges(json ?? bytes, merges, { ...config?.vocabMerges, ...options.vocabMerges });
    case 'llama2c':
      return tokenizerFromLlama2c(bytes);
    case 'compiled':
      return tokenizerFromCompiled(bytes);
  }
}

/** Runs work on a file; its errors then name the file. */
function named<T>(file: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (error instanceof TokenizerFormatError || error instanceof SentencePieceFormatError)
      throw new TokenizerFileError(file, error.message, { cause: error });
    if (error instanceof RangeError && /call stack/.test(error.message))
      throw new TokenizerFileError(file, 'its parts are nested too deeply', { cause: error });
    throw error;
  }
}
