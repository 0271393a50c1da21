import { BPE } from '../bpe.ts';
import { byteTables } from '../byte-tables.ts';
import {
  array,
  boolean,
  count,
  describe,
  type Json,
  object,
  refuse,
  string,
  TokenizerFormatError,
  vocabulary,
} from '../format.ts';
import type { Model } from '../model.ts';
import { CharacterBPE } from './character-bpe.ts';
import { Unigram } from './unigram.ts';
import { WordLevel } from './word-level.ts';
import { WordPiece } from './word-piece.ts';

/**
 * The model of a tokenizer.json.
 * @param byteLevel whether it is given the bytes of the text itself.
 * @throws TokenizerFormatError naming the field.
 */
export function modelFromJSON(model: Json, byteLevel: boolean): Model {
  switch (model.type ?? guess(model)) {
    case 'WordPiece':
      return new WordPiece({
        vocab: vocabulary('model.vocab', model.vocab),
        unkToken: string('model.unk_token', model.unk_token ?? '[UNK]'),
        continuingSubwordPrefix: string('model.continuing_subword_prefix', model.continuing_subword_prefix ?? '##'),
        maxInputCharsPerWord: count('model.max_input_chars_per_word', model.max_input_chars_per_word ?? 100),
      });
    case 'WordLevel':
      return new WordLevel(
        vocabulary('model.vocab', model.vocab),
        string('model.unk_token', model.unk_token ?? '<unk>'),
      );
    case 'Unigram':
      return readUnigram(model);
    case 'BPE':
      return readBPE(model, byteLevel);
    default:
      return refuse('model', model, 'BPE, Unigram, WordPiece, WordLevel');
  }
}

/** How many merges a BPE of tokenizer.json leaves out; null: none. @throws TokenizerFormatError for another value. */
export function readDropout(dropout: unknown): number | null {
  const none = dropout === undefined || dropout === null || dropout === 0;
  if (!none && !(typeof dropout === 'number' && dropout > 0 && dropout <= 1))
    refuse('model.dropout', dropout, 'null or a number from 0 to 1');
  return none ? null : (dropout as number);
}

function readUnigram(model: Json): Unigram {
  const vocab = array('model.vocab', model.vocab).map((entry, i): [string, number] => {
    if (Array.isArray(entry) && entry.length === 2 && typeof entry[0] === 'string' && Number.isFinite(entry[1]))
      return [entry[0], entry[1]];
    throw new TokenizerFormatError(`model.vocab[${i}]`, `expected a piece and its score, got ${describe(entry)}`);
  });
  const unkId = (model.unk_id ?? null) === null ? null : count('model.unk_id', model.unk_id);
  const byteFallback = boolean('model.byte_fallback', model.byte_fallback, false);
  try {
    return new Unigram({ vocab, unkId, byteFallback });
  } catch (error) {
    throw new TokenizerFormatError('model', (error as Error).message);
  }
}

/** Old files do not name their model. */
function guess(model: Json): string {
  if (Array.isArray(model.merges)) return 'BPE';
  if (Array.isArray(model.vocab)) return 'Unigram';
  return model.max_input_chars_per_word === undefined ? 'WordLevel' : 'WordPiece';
}

function readBPE(model: Json, byteLevel: boolean): Model {
  const affix = (field: string): string => string(`model.${field}`, model[field] ?? '');
  const continuingSubwordPrefix = affix('continuing_subword_prefix');
  const endOfWordSuffix = affix('end_of_word_suffix');
  const byteFallback = boolean('model.byte_fallback', model.byte_fallback, false);
  const fuseUnk = boolean('model.fuse_unk', model.fuse_unk, false);
  const unkToken = model.unk_token ?? null;
  if (unkToken !== null && typeof unkToken !== 'string') refuse('model.unk_token', unkToken, 'a token or null');
  const ignoreMerges = boolean('model.ignore_merges', model.ignore_merges, false);
  const overBytes = byteLevel && !(continuingSubwordPrefix || endOfWordSuffix || byteFallback || fuseUnk);
  const words = object('model.vocab', model.vocab);
  const pairs = array('model.merges', model.merges);
  const tables = overBytes && byteTables(words, pairs, unkToken, ignoreMerges);
  if (tables) return new BPE(tables);
  const vocab = vocabulary('model.vocab', model.vocab);
  const merges = pairs.map((merge, i): [string, string] => {
    const parts = typeof merge === 'string' ? merge.split(' ') : merge;
    if (!Array.isArray(parts) || parts.length !== 2 || parts.some((part) => typeof part !== 'string'))
      throw new TokenizerFormatError(`model.merges[${i}]`, `expected two tokens, got ${JSON.stringify(merge)}`);
    return [parts[0], parts[1]];
  });
  try {
    if (!overBytes)
      return new CharacterBPE({
        vocab,
        merges,
        unkToken,
        ignoreMerges,
        continuingSubwordPrefix,
        endOfWordSuffix,
        byteFallback,
        fuseUnk,
      });
    return new BPE({ vocab, merges, unkToken, ignoreMerges });
  } catch (error) {
    throw new TokenizerFormatError('model.merges', (error as Error).message);
  }
}

export function modelToJSON(model: Model): object {
  if (model instanceof WordPiece)
    return {
      type: 'WordPiece',
      unk_token: model.unkToken,
      continuing_subword_prefix: model.continuingSubwordPrefix,
      max_input_chars_per_word: model.maxInputCharsPerWord,
      vocab: Object.fromEntries(model.vocab),
    };
  if (model instanceof WordLevel)
    return { type: 'WordLevel', vocab: Object.fromEntries(model.vocab), unk_token: model.unkToken };
  if (model instanceof BPE)
    return {
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
    };
  if (model instanceof CharacterBPE)
    return {
      type: 'BPE',
      dropout: null,
      unk_token: model.unkToken,
      continuing_subword_prefix: model.continuingSubwordPrefix || null,
      end_of_word_suffix: model.endOfWordSuffix || null,
      fuse_unk: model.fuseUnk,
      byte_fallback: model.byteFallback,
      ignore_merges: model.ignoreMerges,
      vocab: Object.fromEntries(model.vocab),
      merges: model.merges,
    };
  if (model instanceof Unigram)
    return { type: 'Unigram', unk_id: model.unkId, vocab: model.vocab, byte_fallback: model.byteFallback };
  throw new TokenizerFormatError('model', 'this kind of model cannot be written');
}
