import { installOps } from '../apply.ts';
import { type ActivationOps, activations } from './activations.ts';
import { type ArrangeOps, arrange } from './arrange.ts';
import { type AttentionOps, attentionRules } from './attention.ts';
import { type BatchNormOps, batchNormRules } from './batch-norm.ts';
import { type CachedAttentionOps, cachedAttentionRules } from './cached-attention.ts';
import { type ConvOps, convRules } from './conv.ts';
import { type CrossEntropyOps, crossEntropyRules } from './cross-entropy.ts';
import { type ElementwiseOps, elementwise } from './elementwise.ts';
import { type FunctionOps, functions } from './functions.ts';
import { type GRUOps, gruRules } from './gru.ts';
import { type IndexingOps, indexing } from './indexing.ts';
import { type LayoutOps, layout } from './layout.ts';
import { type LSTMOps, lstmRules } from './lstm.ts';
import { type MatmulOps, matmul } from './matmul.ts';
import { type NormalizationOps, normalization } from './normalization.ts';
import { type OrderOps, order } from './order.ts';
import { type PoolOps, poolRules } from './pool.ts';
import { type RandomOps, random } from './random.ts';
import { type ReduceOps, reduce } from './reduce.ts';
import { type ResizeOps, resizeRules } from './resize.ts';
import { type RNNOps, rnnRules } from './rnn.ts';
import type { OpRule } from './rule.ts';
import { type ScanOps, scanRules } from './scan.ts';
import { type StatisticsOps, statistics } from './statistics.ts';

/** Every operation and its attributes. */
export interface OpAttributes
  extends ActivationOps,
    ArrangeOps,
    AttentionOps,
    CachedAttentionOps,
    CrossEntropyOps,
    ElementwiseOps,
    FunctionOps,
    BatchNormOps,
    ConvOps,
    PoolOps,
    ResizeOps,
    GRUOps,
    LSTMOps,
    RNNOps,
    IndexingOps,
    LayoutOps,
    MatmulOps,
    NormalizationOps,
    OrderOps,
    RandomOps,
    ReduceOps,
    StatisticsOps,
    ScanOps {}

export type OpName = keyof OpAttributes;
export type OpTable = { readonly [P in OpName]: OpRule<OpAttributes[P]> };

/** Shape rule, gradient and ONNX lowering of every operation; a missing rule does not compile. */
export const ops: OpTable = {
  ...activations,
  ...arrange,
  ...attentionRules,
  ...cachedAttentionRules,
  ...crossEntropyRules,
  ...elementwise,
  ...functions,
  ...batchNormRules,
  ...convRules,
  ...poolRules,
  ...resizeRules,
  ...gruRules,
  ...lstmRules,
  ...rnnRules,
  ...indexing,
  ...layout,
  ...matmul,
  ...normalization,
  ...order,
  ...random,
  ...reduce,
  ...statistics,
  ...scanRules,
};

installOps(ops);
