import type { SessionOptions } from './backend.ts';

type Optimization = NonNullable<SessionOptions['optimization']>;

/** What the runtime does at its level 'basic' beside folding constants and joining equal operations: patterns that a training step has none of. */
const PATTERNS = [
  'Level1_RuleBasedTransformer',
  'ConstantSharing',
  'MatMulAddFusion',
  'ReshapeFusion',
  'GeluFusionL1',
  'LayerNormFusionL1',
  'DoubleQDQPairsRemover',
  'QDQPropagationTransformer',
  'QDQFinalCleanup',
  'WeightBiasQuantization',
  'EnsureUniqueDQForNodeUnit',
  'TransposeOptimizer',
];

export const OPTIMIZATIONS: readonly Optimization[] = ['all', 'extended', 'basic', 'folding', 'none'];

/** Entries of the runtime's configuration under 'optimization.' that a level needs. */
export function optimizationEntries(level: Optimization): Readonly<Record<string, string>> {
  return level === 'folding' ? { disable_specified_optimizers: PATTERNS.join(';') } : {};
}
