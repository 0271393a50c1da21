export { freeze, isPartOf, type Selection, unfreeze } from './freeze.ts';
export { type AttentionOptions, attention, mergeHeads, splitHeads } from './functional/attention.ts';
export { type ConvOptions, type ConvTransposeOptions, conv, convTranspose } from './functional/conv.ts';
export {
  type CrossEntropy,
  type CrossEntropyOptions,
  crossEntropy,
  crossEntropyParts,
} from './functional/cross-entropy.ts';
export { dropout, dropoutMask } from './functional/dropout.ts';
export { linear } from './functional/linear.ts';
export {
  adaptiveAvgPool,
  adaptiveMaxPool,
  avgPool,
  type InterpolateOptions,
  interpolate,
  maxPool,
  type PoolOptions,
} from './functional/pool.ts';
export { manualSeed, normal, ones, truncatedNormal, uniform, xavierUniform } from './init.ts';
export {
  BatchNorm,
  BatchNorm as BatchNorm1d,
  BatchNorm as BatchNorm2d,
  type BatchNormConfig,
} from './layers/batch-norm.ts';
export { Conv1d, Conv2d, type ConvConfig, ConvTranspose2d, type ConvTransposeConfig } from './layers/conv.ts';
export { Embedding, type EmbeddingOptions } from './layers/embedding.ts';
export { LayerNorm } from './layers/layer-norm.ts';
export { Linear } from './layers/linear.ts';
export { MultiheadAttention, type MultiheadAttentionConfig } from './layers/multihead-attention.ts';
export { GroupNorm, instanceNorm, RMSNorm } from './layers/norms.ts';
export {
  type Layer,
  type LoadOptions,
  Module,
  StateDictError,
  type StateDictReport,
  sequential,
  storageOf,
} from './module.ts';
