export type { AddedToken } from './added-tokens.ts';
export { BPE, type BPEOptions } from './bpe.ts';
export { type ByteLevelOptions, splitWords } from './byte-level.ts';
export { applyChatTemplate, type ChatMessage, ChatTemplateError, type ChatTemplateOptions } from './chat/apply.ts';
export { compileTokenizer, tokenizerFromCompiled } from './compiled/index.ts';
export type { Encoding, IdsWithOffsets, OffsetUnit } from './encoding.ts';
export { readTokenizerConfig, type TokenizerConfig } from './files/config.ts';
export type { TokenizerFormat } from './files/detect.ts';
export { tokenizerFromLlama2c } from './files/llama2c.ts';
export { type LoadTokenizerOptions, loadTokenizer } from './files/load.ts';
export { TokenizerFileError } from './files/source.ts';
export { tokenizerFromVocabMerges, type VocabMergesOptions } from './files/vocab-merges.ts';
export { tokenizerFromWordPieceVocab, type WordPieceVocabOptions } from './files/word-piece-vocab.ts';
export { type Spec, TokenizerFormatError } from './format.ts';
export { IdBuffer } from './id-buffer.ts';
export type { Model } from './model.ts';
export { CharacterBPE, type CharacterBPEOptions } from './models/character-bpe.ts';
export { WordLevel } from './models/word-level.ts';
export { WordPiece, type WordPieceOptions } from './models/word-piece.ts';
export type { SamplingOptions } from './sampling.ts';
export { PrecompiledCharsmap } from './sentencepiece/charsmap.ts';
export {
  type NormalizerSpec,
  type Piece,
  readSentencePieceFile,
  type SentencePieceFile,
} from './sentencepiece/model-file.ts';
export { SentencePieceNormalizer } from './sentencepiece/normalizer.ts';
export { SentencePieceFormatError } from './sentencepiece/protobuf.ts';
export { type SentencePieceOptions, tokenizerFromSentencePiece } from './sentencepiece/tokenizer.ts';
export type { EncodeStream } from './stream/encode-stream.ts';
export { type TiktokenOptions, tokenizerFromTiktoken } from './tiktoken.ts';
export { tokenTexts } from './token-texts.ts';
export { Tokenizer } from './tokenizer.ts';
export { tokenizerFromJSON, tokenizerToJSON } from './tokenizer-json.ts';
export type {
  ChatFormat,
  DecodeOptions,
  DecodeStream,
  EncodeOptions,
  EncodingOptions,
  OffsetsOptions,
  TextPair,
  TokenizerParts,
} from './tokenizer-options.ts';
export { type TrainBPEOptions, trainBPE } from './train-bpe.ts';
export type { TrainableModel, TrainingProgress, TrainTokenizerOptions } from './training/options.ts';
export { trainTokenizer, trainTokenizerJSON } from './training/train.ts';
export type { PaddingOptions, TruncationOptions } from './truncation.ts';
