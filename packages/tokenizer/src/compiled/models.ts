import { BPE } from '../bpe.ts';
import { array, boolean, count, id, idLimit, type Json, object, string, TokenizerFormatError } from '../format.ts';
import type { Model } from '../model.ts';
import { modelFromJSON, modelToJSON } from '../models/index.ts';
import { WordLevel } from '../models/word-level.ts';
import { WordPiece } from '../models/word-piece.ts';
import { PairTable } from '../pair-table.ts';
import { SentencePiece } from '../sentencepiece/model.ts';
import { readSentencePieceFile } from '../sentencepiece/model-file.ts';
import { TokenBytes } from '../token-bytes.ts';
import type { ByteReader, ByteWriter } from './bytes.ts';

/** Ranks stay below this, so that they fit beside other things into an int32. */
const RANKS = 2 ** 30;

/** Writes a model's tables and gives back what else is to be known of it. */
export function writeModel(model: Model, out: ByteWriter): object {
  if (model instanceof BPE) return writeBPE(model, out);
  if (model instanceof WordPiece) {
    writeVocab(model.vocab, out);
    const { unkToken, continuingSubwordPrefix, maxInputCharsPerWord } = model;
    return { type: 'WordPiece', unkToken, continuingSubwordPrefix, maxInputCharsPerWord };
  }
  if (model instanceof WordLevel) {
    writeVocab(model.vocab, out);
    return { type: 'WordLevel', unkToken: model.unkToken };
  }
  if (model instanceof SentencePiece) {
    out.number(model.file.source.length);
    out.bytes(model.file.source);
    return { type: 'SentencePiece' };
  }
  return { type: 'JSON', model: modelToJSON(model) };
}

/** @throws TokenizerFormatError naming the part that is wrong. */
export function readModel(json: Json, input: ByteReader): Model {
  switch (json.type) {
    case 'BPE':
      return readBPE(json, input);
    case 'WordPiece':
      return new WordPiece({
        vocab: readVocab(input),
        unkToken: string('model.unkToken', json.unkToken),
        continuingSubwordPrefix: string('model.continuingSubwordPrefix', json.continuingSubwordPrefix),
        maxInputCharsPerWord: count('model.maxInputCharsPerWord', json.maxInputCharsPerWord),
      });
    case 'WordLevel':
      return new WordLevel(readVocab(input), string('model.unkToken', json.unkToken));
    case 'SentencePiece':
      return new SentencePiece(readSentencePieceFile(input.bytes('model', input.count('model'))));
    case 'JSON':
      return modelFromJSON(object('model.model', json.model), false);
    default:
      throw new TokenizerFormatError('model.type', `${JSON.stringify(json.type)} is unknown`);
  }
}

function writeBPE(model: BPE, out: ByteWriter): object {
  const { tokens, pairs, bytes, whole, unkToken, spellings } = model.tables();
  out.number(tokens.count);
  out.numbers(Array.from({ length: tokens.count }, (_, own) => tokens.lengthOf(own)));
  out.bytes(tokens.arena);
  out.numbers(bytes.map((own) => own + 1));
  const all = pairs.byRank();
  out.number(all.length);
  out.numbers(all.map((at) => pairs.left(at)));
  out.numbers(all.map((at) => pairs.right(at)));
  out.rising(all.map((at) => pairs.rank(at)));
  out.rising(all.map((at) => pairs.merged(at)));
  return { type: 'BPE', unkToken, whole, spellings: [...(spellings ?? [])] };
}

function readBPE(json: Json, input: ByteReader): BPE {
  const tokens = readTokens(input);
  const bytes = input.numbers('bytes', 256).map((own) => own - 1);
  checkIds('bytes', bytes, tokens.count);
  const spellings = array('model.spellings', json.spellings).map((entry, i): [number, string] => {
    const [own, token] = array(`model.spellings[${i}]`, entry);
    checkIds('model.spellings', [id('model.spellings', own)], tokens.count);
    return [own as number, string('model.spellings', token)];
  });
  return new BPE({
    tokens,
    pairs: readPairs(input, tokens.count),
    bytes,
    whole: boolean('model.whole', json.whole, false),
    unkToken: json.unkToken === null ? null : string('model.unkToken', json.unkToken),
    spellings: new Map(spellings),
  });
}

/** Lengths by id, 0 where there is no token, and the bytes of all. */
function readTokens(input: ByteReader): TokenBytes {
  const size = input.count('tokens');
  const lengths = input.numbers('tokens', size);
  const offsets = new Int32Array(size + 1);
  const { left } = input;
  for (let i = 0; i < size; i++) {
    if (lengths[i]! > left - offsets[i]!) throw new TokenizerFormatError('tokens', 'their bytes are cut off');
    offsets[i + 1] = offsets[i]! + lengths[i]!;
  }
  return new TokenBytes(input.bytes('tokens', offsets[size]!).slice(), offsets);
}

function readPairs(input: ByteReader, tokenCount: number): PairTable {
  const size = input.count('pairs');
  const lefts = input.numbers('pairs', size);
  const rights = input.numbers('pairs', size);
  const ranks = input.rising('pairs', size, RANKS);
  const merged = input.rising('pairs', size, tokenCount);
  checkIds('pairs', lefts, tokenCount);
  checkIds('pairs', rights, tokenCount);
  return PairTable.from(lefts, rights, ranks, merged);
}

/** @throws TokenizerFormatError for an id from `count` on. */
function checkIds(part: string, ids: ArrayLike<number>, tokenCount: number): void {
  for (let i = 0; i < ids.length; i++)
    if (ids[i]! >= tokenCount) throw new TokenizerFormatError(part, `there is no token ${ids[i]}`);
}

const encoder = new TextEncoder();

function writeVocab(vocab: ReadonlyMap<string, number>, out: ByteWriter): void {
  const tokens = [...vocab.keys()].map((token) => encoder.encode(token));
  out.number(tokens.length);
  out.numbers(tokens.map(({ length }) => length));
  out.rising([...vocab.values()]);
  for (const token of tokens) out.bytes(token);
}

function readVocab(input: ByteReader): Map<string, number> {
  const size = input.count('vocab');
  const lengths = input.numbers('vocab', size);
  const ids = input.rising('vocab', size, idLimit(size));
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  const vocab = new Map<string, number>();
  for (let i = 0; i < size; i++) {
    const bytes = input.bytes('vocab', lengths[i]!);
    try {
      vocab.set(decoder.decode(bytes), ids[i]!);
    } catch {
      throw new TokenizerFormatError('vocab', `the token ${ids[i]} is no UTF-8`);
    }
  }
  return vocab;
}
