export { freeze, isPartOf, type Selection, unfreeze } from './freeze.ts';
export { type AttentionOptions, attention, mergeHeads, splitHeads } from './functional/attention.ts';
export {
  type BinaryCrossEntropyOptions,
  type BinaryCrossEntropyWithLogitsOptions,
  binaryCrossEntropy,
  binaryCrossEntropyWithLogits,
} from './functional/binary-cross-entropy.ts';
export { type ConvOptions, type ConvTransposeOptions, conv, convTranspose } from './functional/conv.ts';
export {
  type CrossEntropy,
  type CrossEntropyOptions,
  crossEntropy,
  crossEntropyParts,
  type NLLOptions,
  nllLoss,
} from './functional/cross-entropy.ts';
export { type CTCOptions, ctcLoss } from './functional/ctc-loss.ts';
export {
  type CosineEmbeddingOptions,
  cosineEmbeddingLoss,
  cosineSimilarity,
  type TripletMarginOptions,
  tripletMarginLoss,
} from './functional/distance-losses.ts';
export { dropPath } from './functional/drop-path.ts';
export { dropout, dropoutMask } from './functional/dropout.ts';
export { type KLDivOptions, klDiv } from './functional/kl-div.ts';
export { linear } from './functional/linear.ts';
export { type LocalResponseNormOptions, localResponseNorm } from './functional/local-response-norm.ts';
export { logitPeaks } from './functional/logit-peaks.ts';
export {
  adaptiveAvgPool,
  adaptiveMaxPool,
  avgPool,
  type InterpolateOptions,
  interpolate,
  maxPool,
  type PoolOptions,
} from './functional/pool.ts';
export type { Reduction, ReductionOptions } from './functional/reduction.ts';
export {
  type HuberOptions,
  huberLoss,
  l1Loss,
  mseLoss,
  type SmoothL1Options,
  smoothL1Loss,
} from './functional/regression-losses.ts';
export {
  type RotaryOptions,
  type RotaryScaling,
  type RotaryTables,
  rotaryTables,
  rotate,
} from './functional/rotary.ts';
export { manualSeed, normal, ones, skipInit, truncatedNormal, uniform, xavierUniform } from './init.ts';
export {
  BatchNorm,
  BatchNorm as BatchNorm1d,
  BatchNorm as BatchNorm2d,
  type BatchNormConfig,
} from './layers/batch-norm.ts';
export { Conv1d, Conv2d, type ConvConfig, ConvTranspose2d, type ConvTransposeConfig } from './layers/conv.ts';
export { Dropout, DropPath } from './layers/dropout.ts';
export { Embedding, type EmbeddingOptions } from './layers/embedding.ts';
export { LayerNorm, type LayerNormConfig } from './layers/layer-norm.ts';
export { Linear } from './layers/linear.ts';
export {
  BCELoss,
  BCEWithLogitsLoss,
  CrossEntropyLoss,
  CTCLoss,
  HuberLoss,
  KLDivLoss,
  L1Loss,
  MSELoss,
  NLLLoss,
  SmoothL1Loss,
} from './layers/losses.ts';
export { MultiheadAttention, type MultiheadAttentionConfig } from './layers/multihead-attention.ts';
export { GroupNorm, instanceNorm, RMSNorm } from './layers/norms.ts';
export {
  type DecoderOptions,
  Transformer,
  type TransformerConfig,
  TransformerDecoder,
  TransformerDecoderLayer,
  TransformerEncoder,
  TransformerEncoderLayer,
  type TransformerLayerConfig,
  type TransformerStackConfig,
} from './layers/transformer.ts';
export {
  type Layer,
  type LoadOptions,
  Module,
  StateDictError,
  type StateDictReport,
  sequential,
  storageOf,
} from './module.ts';
export { type ForwardCall, modulesOf, observeForward, tensorsIn } from './observe-forward.ts';
export { type LayerSummary, type Summary, type SummaryOptions, summary } from './summary.ts';
