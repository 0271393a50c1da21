export type { Constraint, ConstraintState } from './constraint.ts';
export {
  type BatchingOptions,
  type BatchLoad,
  ContinuousBatching,
  type RowDecoder,
} from './continuous-batching.ts';
export { keptTokens, type SamplingOptions } from './cuts.ts';
export type {
  EndReason,
  GeneratedSequence,
  GenerationEnd,
  GenerationEvent,
  TokenEvent,
  TokenLogProb,
} from './events.ts';
export { generate } from './generate.ts';
export { generationConfig, withOptions } from './generation-config.ts';
export { grammarConstraint, jsonSchemaConstraint, regexConstraint } from './grammar/constraints.ts';
export { type TokenTexts, Vocabulary } from './grammar/vocabulary.ts';
export type { DecodingSession, LanguageModel, Peaks, SessionRequest } from './language-model.ts';
export { type GenerateOptions, type ResolvedOptions, resolveOptions } from './options.ts';
export { sampleToken, uniformSource } from './sampler.ts';
export { argmax, logSumExp, topPositions } from './scores.ts';
export { score, type TextScore } from './scoring.ts';
export type { StreamingDecoder } from './stop-strings.ts';
