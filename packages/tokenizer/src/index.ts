export type { AddedToken } from './added-tokens.ts';
export { BPE, type BPEOptions } from './bpe.ts';
export { type ByteLevelOptions, splitWords } from './byte-level.ts';
export { type TiktokenOptions, tokenizerFromTiktoken } from './tiktoken.ts';
export {
  type DecodeOptions,
  type DecodeStream,
  type EncodeOptions,
  type Template,
  Tokenizer,
  type TokenizerParts,
} from './tokenizer.ts';
export { TokenizerFormatError, tokenizerFromJSON, tokenizerToJSON } from './tokenizer-json.ts';
export { type TrainBPEOptions, trainBPE } from './train-bpe.ts';
