import { isCompiled } from '../compiled/index.ts';
import { object, parse, TokenizerFormatError } from '../format.ts';
import { utf8 } from './text.ts';

/** The formats that `loadTokenizer` reads. */
export type TokenizerFormat =
  | 'tokenizer.json'
  | 'sentencepiece'
  | 'tiktoken'
  | 'wordpiece'
  | 'vocab-merges'
  | 'llama2c'
  | 'compiled';

export interface Detected {
  readonly format: TokenizerFormat;
  /** What a JSON file parses to. */
  readonly json?: object;
}

const LINE_FEED = 0x0a;

/**
 * Finds out a file's format from its content, and from its name where the content leaves it open.
 * @throws TokenizerFormatError where it is none that is known.
 */
export function detect(bytes: Uint8Array, name: string): Detected {
  if (isCompiled(bytes)) return { format: 'compiled' };
  if (bytes.length === 0) throw new TokenizerFormatError('content', 'the file is empty');
  if (firstCharacter(bytes) === '{') return detectJSON(bytes);
  if (/(^|\/)tok\w*\.bin$/i.test(name) || looksLikeLlama2c(bytes)) return { format: 'llama2c' };
  if (/^merges\.txt$/i.test(name) || startsWith(bytes, '#version')) return { format: 'vocab-merges' };
  const line = firstLine(bytes);
  if (/^[A-Za-z0-9+/]+={0,2} \d+\r?$/.test(line)) return { format: 'tiktoken' };
  if (looksLikeSentencePiece(bytes) || /\.model$/i.test(name)) return { format: 'sentencepiece' };
  if (/\.tiktoken$/i.test(name)) return { format: 'tiktoken' };
  if (/\.txt$/i.test(name) || /(^|\n)\[UNK\]\r?(\n|$)/.test(asText(bytes))) return { format: 'wordpiece' };
  throw new TokenizerFormatError(
    'content',
    'is no tokenizer of a known kind; expected tokenizer.json, a SentencePiece .model, tiktoken ranks, vocab.txt, vocab.json with merges.txt, llama2.c .bin or a compiled tokenizer',
  );
}

function detectJSON(bytes: Uint8Array): Detected {
  const json = object('content', parse(utf8('content', bytes), 'content'));
  if (typeof json.model === 'object') return { format: 'tokenizer.json', json };
  const values = Object.values(json);
  if (values.length > 0 && values.slice(0, 100).every((value) => typeof value === 'number'))
    return { format: 'vocab-merges', json };
  if (json.added_tokens !== undefined || json.pre_tokenizer !== undefined) return { format: 'tokenizer.json', json };
  throw new TokenizerFormatError('content', 'is JSON, but neither a tokenizer.json (no "model") nor a vocab.json');
}

function firstCharacter(bytes: Uint8Array): string {
  let at = 0;
  if (bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf) at = 3;
  while (at < bytes.length && (bytes[at] === 0x20 || (bytes[at]! >= 9 && bytes[at]! <= 13))) at++;
  return String.fromCharCode(bytes[at] ?? 0);
}

function startsWith(bytes: Uint8Array, text: string): boolean {
  return [...text].every((character, i) => bytes[i] === character.charCodeAt(0));
}

function firstLine(bytes: Uint8Array): string {
  const end = bytes.subarray(0, 4096).indexOf(LINE_FEED);
  return asText(bytes.subarray(0, end < 0 ? 4096 : end));
}

const asText = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

/** A length, and tokens of at most that length up to the end of the first few. */
function looksLikeLlama2c(bytes: Uint8Array): boolean {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < 64) return false;
  const longest = view.getInt32(0, true);
  let at = 4;
  for (let token = 0; token < 4; token++) {
    if (at + 8 > bytes.length) return false;
    const length = view.getInt32(at + 4, true);
    if (length < 1 || length > longest) return false;
    at += 8 + length;
  }
  return longest < 2 ** 16;
}

/** A protobuf message whose first field, number 1, is a message that begins with its field 1, a text that fits into it. */
function looksLikeSentencePiece(bytes: Uint8Array): boolean {
  const [outer, size, inner, length] = bytes;
  return outer === 0x0a && inner === 0x0a && size! < 0x80 && length! > 0 && length! + 2 <= size! && bytes[4]! > 0x20;
}
