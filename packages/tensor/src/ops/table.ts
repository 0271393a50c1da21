import { installOps } from '../tensor.ts';
import { type AttentionOps, attentionRules } from './attention.ts';
import { type ElementwiseOps, elementwise } from './elementwise.ts';
import { type GRUOps, gruRules } from './gru.ts';
import { type ColumnOps, columns, type IndexingOps, indexing } from './indexing.ts';
import { type LayoutOps, layout } from './layout.ts';
import { type LSTMOps, lstmRules } from './lstm.ts';
import { type MatmulOps, matmul } from './matmul.ts';
import { type NormalizationOps, normalization } from './normalization.ts';
import { type RandomOps, random } from './random.ts';
import { type ReduceOps, reduce } from './reduce.ts';
import { type RNNOps, rnnRules } from './rnn.ts';
import type { OpRule } from './rule.ts';
import { type ScanOps, scanRules } from './scan.ts';

/** Every operation and its attributes. */
export interface OpAttributes
  extends AttentionOps,
    ColumnOps,
    ElementwiseOps,
    GRUOps,
    LSTMOps,
    RNNOps,
    IndexingOps,
    LayoutOps,
    MatmulOps,
    NormalizationOps,
    RandomOps,
    ReduceOps,
    ScanOps {}

export type OpName = keyof OpAttributes;
export type OpTable = { readonly [P in OpName]: OpRule<OpAttributes[P]> };

/** Shape rule, gradient and ONNX lowering of every operation; a missing rule does not compile. */
export const ops: OpTable = {
  ...attentionRules,
  ...columns,
  ...elementwise,
  ...gruRules,
  ...lstmRules,
  ...rnnRules,
  ...indexing,
  ...layout,
  ...matmul,
  ...normalization,
  ...random,
  ...reduce,
  ...scanRules,
};

installOps(ops);
