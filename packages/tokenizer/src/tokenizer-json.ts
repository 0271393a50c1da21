import type { AddedToken } from './added-tokens.ts';
import { BPE } from './bpe.ts';
import type { ByteLevelOptions } from './byte-level.ts';
import { Tokenizer } from './tokenizer.ts';

/** A tokenizer.json that is malformed, or asks for a part that this version does not have. */
export class TokenizerFormatError extends Error {
  /** Where in the file: `model.merges[3]`. */
  readonly field: string;

  constructor(field: string, message: string) {
    super(`${field}: ${message}`);
    this.name = 'TokenizerFormatError';
    this.field = field;
  }
}

type Json = Readonly<Record<string, unknown>>;

/**
 * Reads Hugging Face's tokenizer.json: a BPE model with a byte-level pre-tokenizer and decoder.
 * @param source the file's text, or what it parses to.
 * @throws TokenizerFormatError naming the field, what stands there and what is supported.
 */
export function tokenizerFromJSON(source: string | object): Tokenizer {
  const root = object('tokenizer.json', typeof source === 'string' ? parse(source) : source);
  const model = readModel(object('model', root.model));
  for (const field of ['normalizer', 'truncation', 'padding'])
    if (root[field] !== null && root[field] !== undefined) refuse(field, root[field], 'null');
  const preTokenizer = readPreTokenizer(root.pre_tokenizer);
  const decoder = object('decoder', root.decoder ?? {});
  if (decoder.type !== 'ByteLevel') refuse('decoder', decoder, 'ByteLevel');
  const addedTokens = array('added_tokens', root.added_tokens ?? []).map(readAddedToken);
  return new Tokenizer({
    model,
    preTokenizer,
    addedTokens,
    template: readTemplate('post_processor', root.post_processor),
  });
}

/** Writes a tokenizer in the same format; `tokenizerFromJSON` reads it back. */
export function tokenizerToJSON(tokenizer: Tokenizer): string {
  if (tokenizer.splitter)
    throw new Error('a tokenizer with a split pattern of its own cannot be written as tokenizer.json yet');
  const { model, preTokenizer, addedTokens, template } = tokenizer;
  const byteLevel = { type: 'ByteLevel', add_prefix_space: preTokenizer.addPrefixSpace, trim_offsets: true };
  const json = {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: addedTokens.map((token) => ({
      id: token.id,
      content: token.content,
      single_word: token.singleWord,
      lstrip: token.lstrip,
      rstrip: token.rstrip,
      normalized: token.normalized,
      special: token.special,
    })),
    normalizer: null,
    pre_tokenizer: { ...byteLevel, use_regex: preTokenizer.useRegex },
    post_processor: template.length === 1 ? { ...byteLevel, use_regex: true } : writeTemplate(tokenizer),
    decoder: { ...byteLevel, use_regex: true },
    model: {
      type: 'BPE',
      dropout: null,
      unk_token: model.unkToken,
      continuing_subword_prefix: null,
      end_of_word_suffix: null,
      fuse_unk: false,
      byte_fallback: false,
      ignore_merges: model.ignoreMerges,
      vocab: Object.fromEntries(model.vocab),
      merges: model.merges,
    },
  };
  return `${JSON.stringify(json)}\n`;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new TokenizerFormatError('tokenizer.json', `is no JSON: ${(error as Error).message}`);
  }
}

function object(field: string, value: unknown): Json {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new TokenizerFormatError(field, `expected an object, got ${describe(value)}`);
  return value as Json;
}

function array(field: string, value: unknown): readonly unknown[] {
  if (!Array.isArray(value)) throw new TokenizerFormatError(field, `expected a list, got ${describe(value)}`);
  return value;
}

function describe(value: unknown): string {
  if (Array.isArray(value)) return 'a list';
  const type = (value as Json | null | undefined)?.type;
  return typeof type === 'string'
    ? type
    : value === null
      ? 'null'
      : typeof value === 'object'
        ? 'an object'
        : (JSON.stringify(value) ?? 'nothing');
}

const isId = (value: unknown): value is number =>
  Number.isSafeInteger(value) && (value as number) >= 0 && (value as number) < 2 ** 26;

function refuse(field: string, value: unknown, supported: string): never {
  throw new TokenizerFormatError(field, `${describe(value)} is not supported; supported: ${supported}`);
}

function readModel(model: Json): BPE {
  if (model.type !== undefined && model.type !== 'BPE') refuse('model', model, 'BPE');
  for (const [field, neutral] of [
    ['dropout', null],
    ['continuing_subword_prefix', ''],
    ['end_of_word_suffix', ''],
    ['byte_fallback', false],
    ['fuse_unk', false],
  ] as const) {
    const value = model[field] ?? neutral;
    if (value !== neutral && value !== null) refuse(`model.${field}`, value, JSON.stringify(neutral));
  }
  const vocab = new Map<string, number>();
  const taken = new Set<number>();
  for (const [token, id] of Object.entries(object('model.vocab', model.vocab))) {
    if (!isId(id)) throw new TokenizerFormatError(`model.vocab["${token}"]`, `expected an id, got ${describe(id)}`);
    if (taken.has(id))
      throw new TokenizerFormatError(`model.vocab["${token}"]`, `the id ${id} belongs to another token too`);
    taken.add(id);
    vocab.set(token, id);
  }
  const merges = array('model.merges', model.merges).map((merge, i): [string, string] => {
    const parts = typeof merge === 'string' ? merge.split(' ') : merge;
    if (!Array.isArray(parts) || parts.length !== 2 || parts.some((part) => typeof part !== 'string'))
      throw new TokenizerFormatError(`model.merges[${i}]`, `expected two tokens, got ${JSON.stringify(merge)}`);
    return [parts[0], parts[1]];
  });
  const unkToken = model.unk_token ?? null;
  if (unkToken !== null && typeof unkToken !== 'string') refuse('model.unk_token', unkToken, 'a token or null');
  try {
    return new BPE({ vocab, merges, unkToken, ignoreMerges: model.ignore_merges === true });
  } catch (error) {
    throw new TokenizerFormatError('model.merges', (error as Error).message);
  }
}

function readPreTokenizer(value: unknown): ByteLevelOptions {
  const json = object('pre_tokenizer', value ?? {});
  if (json.type !== 'ByteLevel') refuse('pre_tokenizer', value ?? null, 'ByteLevel');
  return { addPrefixSpace: json.add_prefix_space !== false, useRegex: json.use_regex !== false };
}

function readAddedToken(value: unknown, i: number): AddedToken {
  const json = object(`added_tokens[${i}]`, value);
  const { id, content } = json;
  if (!isId(id) || typeof content !== 'string')
    throw new TokenizerFormatError(`added_tokens[${i}]`, 'expected an id and a content');
  return {
    id,
    content,
    singleWord: json.single_word === true,
    lstrip: json.lstrip === true,
    rstrip: json.rstrip === true,
    normalized: json.normalized === true,
    special: json.special === true,
  };
}

/** The ids that a post-processor puts around a single text. */
function readTemplate(field: string, value: unknown): (number | null)[] {
  if (value === null || value === undefined) return [null];
  const json = object(field, value);
  switch (json.type) {
    case 'ByteLevel':
      return [null]; // concerns offsets only
    case 'Sequence': {
      const templates = array(`${field}.processors`, json.processors).map((p, i) =>
        readTemplate(`${field}.processors[${i}]`, p),
      );
      const [only = [null], ...others] = templates.filter((t) => t.length > 1);
      if (others.length > 0) refuse(field, value, 'one processor that adds tokens');
      return only;
    }
    case 'TemplateProcessing':
      return array(`${field}.single`, json.single).flatMap((piece, i): (number | null)[] => {
        const at = `${field}.single[${i}]`;
        const { Sequence, SpecialToken } = object(at, piece);
        if (Sequence) return [null];
        const name = object(at, SpecialToken).id;
        const token = object(`${field}.special_tokens`, json.special_tokens)[name as string];
        const ids = array(`${field}.special_tokens["${name}"].ids`, object(at, token).ids);
        return ids.map((id) => (isId(id) ? id : refuse(at, id, 'ids')));
      });
    default:
      return refuse(field, value, 'TemplateProcessing, ByteLevel, Sequence');
  }
}

function writeTemplate(tokenizer: Tokenizer): object {
  const name = (id: number): string => tokenizer.idToToken(id)!;
  const single = tokenizer.template.map((id) =>
    id === null ? { Sequence: { id: 'A', type_id: 0 } } : { SpecialToken: { id: name(id), type_id: 0 } },
  );
  const special = tokenizer.template.filter((id) => id !== null);
  const pairs = special.map((id) => [name(id), { id: name(id), ids: [id], tokens: [name(id)] }]);
  return {
    type: 'TemplateProcessing',
    single,
    pair: [...single, { Sequence: { id: 'B', type_id: 1 } }],
    special_tokens: Object.fromEntries(pairs),
  };
}
