import type { AddedToken } from '../added-tokens.ts';
import {
  array,
  boolean,
  id,
  idLimit,
  type Json,
  object,
  parse,
  type Spec,
  string,
  TokenizerFormatError,
} from '../format.ts';
import { readDropout } from '../models/index.ts';
import { namedSplitter, splitterName } from '../named-splitters.ts';
import type { Splitter } from '../splitters.ts';
import { Tokenizer } from '../tokenizer.ts';
import type { ChatFormat } from '../tokenizer-options.ts';
import { paddingToJSON, readPadding, readTruncation, truncationToJSON } from '../truncation.ts';
import { ByteReader, ByteWriter, checksum } from './bytes.ts';
import { readModel, writeModel } from './models.ts';

/** "RVTK", the version and the checksum of what follows, each in 4 bytes, the low ones first. */
const MAGIC = 0x4b545652;
const VERSION = 1;
const HEADER = 12;
/** What `load` calls such a file. */
const FILE = 'compiled tokenizer';

/** Whether bytes begin as `compileTokenizer` begins. */
export function isCompiled(bytes: Uint8Array): boolean {
  return bytes.length >= 4 && viewOf(bytes).getUint32(0, true) === MAGIC;
}

const viewOf = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

/**
 * A tokenizer as bytes that load fast and need no other file: `tokenizerFromCompiled` and `loadTokenizer` read them.
 * @throws TokenizerFormatError for a split pattern or model that has no written form.
 */
export function compileTokenizer(tokenizer: Tokenizer): Uint8Array {
  const tables = new ByteWriter();
  const model = writeModel(tokenizer.model, tables);
  const json = {
    model,
    splitter: splitterToJSON(tokenizer.splitter),
    addedTokens: tokenizer.addedTokens.map(addedTokenToJSON),
    normalizer: tokenizer.normalizer,
    preTokenizer: tokenizer.preTokenizer,
    postProcessor: tokenizer.postProcessor,
    decoder: tokenizer.decoder,
    truncation: truncationToJSON(tokenizer.truncation),
    padding: paddingToJSON(tokenizer.padding),
    dropout: tokenizer.dropout,
    chat: tokenizer.chat,
  };
  const text = new TextEncoder().encode(JSON.stringify(json));
  const out = new ByteWriter();
  out.bytes(new Uint8Array(HEADER));
  out.number(text.length);
  out.bytes(text);
  out.bytes(tables.done());
  const file = out.done();
  const view = viewOf(file);
  view.setUint32(0, MAGIC, true);
  view.setUint32(4, VERSION, true);
  view.setUint32(8, checksum(file.subarray(HEADER)), true);
  return file;
}

/**
 * Reads what `compileTokenizer` wrote.
 * @throws TokenizerFormatError where it is another format or version, or damaged.
 */
export function tokenizerFromCompiled(file: Uint8Array): Tokenizer {
  if (!isCompiled(file)) throw new TokenizerFormatError(FILE, 'expected a file that begins with RVTK');
  if (file.length < HEADER) throw new TokenizerFormatError(FILE, 'the file ends inside its header');
  const view = viewOf(file);
  const version = view.getUint32(4, true);
  if (version !== VERSION)
    throw new TokenizerFormatError(FILE, `version ${version} is not supported; expected ${VERSION}: compile it again`);
  const payload = file.subarray(HEADER);
  if (view.getUint32(8, true) !== checksum(payload))
    throw new TokenizerFormatError(FILE, 'damaged: its checksum is wrong');
  const input = new ByteReader(payload);
  const text = input.bytes('header', input.count('header'));
  const json = object('header', parse(new TextDecoder().decode(text), 'header'));
  const model = readModel(object('model', json.model), input);
  if (input.left > 0) throw new TokenizerFormatError(FILE, `${input.left} bytes too many`);
  const component = (field: string): Spec | null =>
    json[field] === null || json[field] === undefined ? null : (object(field, json[field]) as Spec);
  const splitter = readSplitter(json.splitter);
  const tokenizer = new Tokenizer({
    model,
    addedTokens: array('addedTokens', json.addedTokens).map((token, i) =>
      readAddedToken(token, i, idLimit(model.vocabSize)),
    ),
    normalizer: component('normalizer'),
    preTokenizer: component('preTokenizer'),
    postProcessor: component('postProcessor'),
    decoder: component('decoder'),
    truncation: readTruncation(json.truncation),
    padding: readPadding(json.padding),
    dropout: readDropout(json.dropout),
    ...(splitter ? { splitter } : {}),
  });
  if (json.chat !== null && json.chat !== undefined) tokenizer.chat = readChat(object('chat', json.chat));
  return tokenizer;
}

function splitterToJSON(splitter: Splitter | RegExp | undefined): object | null {
  if (!splitter) return null;
  if (splitter instanceof RegExp) return { regex: splitter.source };
  const name = splitterName(splitter);
  if (!name) throw new TokenizerFormatError('splitter', 'a function of your own cannot be written');
  return { name };
}

function readSplitter(value: unknown): Splitter | RegExp | null {
  if (value === null || value === undefined) return null;
  const json = object('splitter', value);
  if (json.regex !== undefined)
    try {
      return new RegExp(string('splitter.regex', json.regex), 'gu');
    } catch (error) {
      throw new TokenizerFormatError('splitter.regex', (error as Error).message);
    }
  const name = string('splitter.name', json.name);
  const splitter = namedSplitter(name);
  if (!splitter) throw new TokenizerFormatError('splitter.name', `${JSON.stringify(name)} is unknown`);
  return splitter;
}

function addedTokenToJSON({ id, content, singleWord, lstrip, rstrip, normalized, special }: AddedToken): AddedToken {
  return { id, content, singleWord, lstrip, rstrip, normalized, special };
}

function readAddedToken(value: unknown, i: number, limit: number): AddedToken {
  const field = `addedTokens[${i}]`;
  const json = object(field, value);
  const own = id(`${field}.id`, json.id);
  if (own >= limit) throw new TokenizerFormatError(`${field}.id`, `${own} is not below ${limit}`);
  const flag = (name: string): boolean => boolean(`${field}.${name}`, json[name], false);
  return {
    id: own,
    content: string(`${field}.content`, json.content),
    singleWord: flag('singleWord'),
    lstrip: flag('lstrip'),
    rstrip: flag('rstrip'),
    normalized: flag('normalized'),
    special: flag('special'),
  };
}

function readChat(json: Json): ChatFormat {
  const strings = (field: string): Record<string, string> =>
    Object.fromEntries(
      Object.entries(object(`chat.${field}`, json[field])).map(([name, value]) => [
        name,
        string(`chat.${field}.${name}`, value),
      ]),
    );
  return { templates: strings('templates'), specialTokens: strings('specialTokens') };
}
