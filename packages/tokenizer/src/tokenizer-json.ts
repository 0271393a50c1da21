import { type AddedToken, assignIds } from './added-tokens.ts';
import { array, boolean, id, type Json, object, parse, type Spec, string } from './format.ts';
import { modelFromJSON, modelToJSON, readDropout } from './models/index.ts';
import { SentencePiece } from './sentencepiece/model.ts';
import { sentencePieceToJSON } from './sentencepiece/to-json.ts';
import { Tokenizer } from './tokenizer.ts';
import { paddingToJSON, readPadding, readTruncation, truncationToJSON } from './truncation.ts';

/**
 * Reads Hugging Face's tokenizer.json.
 * @param source the file's text, or what it parses to.
 * @throws TokenizerFormatError naming the field, what stands there and what is supported.
 */
export function tokenizerFromJSON(source: string | object): Tokenizer {
  const root = object('tokenizer.json', typeof source === 'string' ? parse(source) : source);
  const component = (field: string): Spec | null =>
    root[field] === null || root[field] === undefined ? null : (object(field, root[field]) as Spec);
  const preTokenizer = component('pre_tokenizer');
  const json = object('model', root.model);
  const model = modelFromJSON(json, endsInByteLevel(preTokenizer));
  const addedTokens = array('added_tokens', root.added_tokens ?? []).map(readAddedToken);
  const vocab = json.vocab as Readonly<Record<string, number>> | readonly unknown[];
  // Where the file has a table of its own, none is made for the few tokens that are asked for.
  const idOf = (token: string): number | undefined => {
    if (Array.isArray(vocab)) return model.tokenToId(token);
    return Object.hasOwn(vocab, token) ? (vocab as Readonly<Record<string, number>>)[token] : undefined;
  };
  return new Tokenizer({
    model,
    dropout: model.encodeWithDropout ? readDropout(json.dropout) : null,
    addedTokens: assignIds(addedTokens, idOf, Object.keys(vocab).length),
    normalizer: component('normalizer'),
    preTokenizer,
    postProcessor: component('post_processor'),
    decoder: component('decoder'),
    truncation: readTruncation(root.truncation),
    padding: readPadding(root.padding),
  });
}

function endsInByteLevel(preTokenizer: Json | null): boolean {
  if (preTokenizer?.type !== 'Sequence') return preTokenizer?.type === 'ByteLevel';
  const last = array('pre_tokenizer.pretokenizers', preTokenizer.pretokenizers).at(-1);
  return last !== undefined && endsInByteLevel(object('pre_tokenizer.pretokenizers', last));
}

/**
 * Writes a tokenizer in the same format; `tokenizerFromJSON` reads it back. A SentencePiece model is converted: see
 * `sentencePieceToJSON` for what the format cannot say.
 */
export function tokenizerToJSON(tokenizer: Tokenizer): string {
  if (tokenizer.splitter)
    throw new Error('a tokenizer with a split pattern of its own cannot be written as tokenizer.json yet');
  const { model, postProcessor } = tokenizer;
  if (model instanceof SentencePiece)
    return `${JSON.stringify({ ...sentencePieceToJSON(model.file), post_processor: postProcessor })}\n`;
  const json = {
    version: '1.0',
    truncation: truncationToJSON(tokenizer.truncation),
    padding: paddingToJSON(tokenizer.padding),
    added_tokens: tokenizer.addedTokens.map((token) => ({
      id: token.id,
      content: token.content,
      single_word: token.singleWord,
      lstrip: token.lstrip,
      rstrip: token.rstrip,
      normalized: token.normalized,
      special: token.special,
    })),
    normalizer: tokenizer.normalizer,
    pre_tokenizer: tokenizer.preTokenizer,
    post_processor: postProcessor,
    decoder: tokenizer.decoder,
    model: { ...modelToJSON(model), ...(tokenizer.dropout !== null && { dropout: tokenizer.dropout }) },
  };
  return `${JSON.stringify(json)}\n`;
}

function readAddedToken(value: unknown, i: number): AddedToken {
  const field = `added_tokens[${i}]`;
  const json = object(field, value);
  const special = boolean(`${field}.special`, json.special, false);
  return {
    id: id(`${field}.id`, json.id),
    content: string(`${field}.content`, json.content),
    singleWord: boolean(`${field}.single_word`, json.single_word, false),
    lstrip: boolean(`${field}.lstrip`, json.lstrip, false),
    rstrip: boolean(`${field}.rstrip`, json.rstrip, false),
    normalized: boolean(`${field}.normalized`, json.normalized, !special),
    special,
  };
}
