export { freeze, type Selection, unfreeze } from './freeze.ts';
export { type AttentionOptions, attention, mergeHeads, splitHeads } from './functional/attention.ts';
export {
  type CrossEntropy,
  type CrossEntropyOptions,
  crossEntropy,
  crossEntropyParts,
} from './functional/cross-entropy.ts';
export { dropout, dropoutMask } from './functional/dropout.ts';
export { linear } from './functional/linear.ts';
export { manualSeed, normal, ones, truncatedNormal, uniform, xavierUniform } from './init.ts';
export { Embedding, type EmbeddingOptions } from './layers/embedding.ts';
export { LayerNorm } from './layers/layer-norm.ts';
export { Linear } from './layers/linear.ts';
export { MultiheadAttention, type MultiheadAttentionConfig } from './layers/multihead-attention.ts';
export { type Layer, Module, StateDictError, sequential, storageOf } from './module.ts';
