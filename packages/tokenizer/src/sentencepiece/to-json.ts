import { type Spec, TokenizerFormatError } from '../format.ts';
import { scoredMerges } from './bpe.ts';
import { sentencePieceDecoder } from './decoder.ts';
import { PIECE, type SentencePieceFile } from './model-file.ts';

/**
 * A SentencePiece model as a tokenizer.json, whose readers give the same ids but where the format cannot say it: control pieces are
 * found in texts, sums of scores are not rounded to float32, and merges of equal score have an order.
 * @throws TokenizerFormatError for what the format does not have.
 */
export function sentencePieceToJSON(file: SentencePieceFile): object {
  const { pieces, normalizer, modelType } = file;
  if (modelType === 'word' || modelType === 'char')
    throw new TokenizerFormatError('model', `tokenizer.json has no ${modelType} models`);
  if (modelType === 'bpe' && pieces.some(({ type }) => type === PIECE.unused))
    throw new TokenizerFormatError('model', 'unused pieces of a BPE model cannot be written as tokenizer.json');
  if (file.treatWhitespaceAsSuffix || !normalizer.escapeWhitespaces)
    throw new TokenizerFormatError(
      'model',
      'white space as a suffix, or as it is, cannot be written as tokenizer.json',
    );
  const reserved = pieces.flatMap(({ piece, type }, id) =>
    type === PIECE.control || type === PIECE.unknown || type === PIECE.userDefined
      ? [{ id, content: piece, special: type !== PIECE.userDefined }]
      : [],
  );
  return {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: reserved.map((token) => ({
      ...token,
      single_word: false,
      lstrip: false,
      rstrip: false,
      normalized: false,
    })),
    normalizer: { type: 'Sequence', normalizers: normalizers(file) },
    pre_tokenizer: null,
    post_processor: null,
    decoder: sentencePieceDecoder(normalizer.addDummyPrefix),
    model: modelType === 'unigram' ? unigram(file) : bpe(file),
  };
}

function normalizers({ normalizer }: SentencePieceFile): Spec[] {
  const { precompiledCharsmap: charsmap } = normalizer;
  const found: Spec[] = [];
  if (charsmap.length > 0) found.push({ type: 'Precompiled', precompiled_charsmap: base64(charsmap) });
  if (normalizer.removeExtraWhitespaces)
    found.push(
      { type: 'Strip', strip_left: true, strip_right: true },
      { type: 'Replace', pattern: { Regex: ' {2,}' }, content: ' ' },
    );
  if (normalizer.addDummyPrefix) found.push({ type: 'Prepend', prepend: '▁' });
  found.push({ type: 'Replace', pattern: { String: ' ' }, content: '▁' });
  return found;
}

function base64(bytes: Uint8Array): string {
  let binary = '';
  for (const byte of bytes) binary += String.fromCharCode(byte);
  return btoa(binary);
}

function unigram({ pieces, byteFallback }: SentencePieceFile): object {
  return {
    type: 'Unigram',
    unk_id: pieces.findIndex(({ type }) => type === PIECE.unknown),
    vocab: pieces.map(({ piece, score }) => [piece, score]),
    byte_fallback: byteFallback,
  };
}

function bpe(file: SentencePieceFile): object {
  const { pieces, byteFallback } = file;
  return {
    type: 'BPE',
    dropout: null,
    unk_token: pieces.find(({ type }) => type === PIECE.unknown)!.piece,
    continuing_subword_prefix: null,
    end_of_word_suffix: null,
    fuse_unk: true,
    byte_fallback: byteFallback,
    ignore_merges: false,
    vocab: Object.fromEntries(pieces.map(({ piece }, id) => [piece, id])),
    merges: scoredMerges(file).merges,
  };
}
