export { batch, batchByTime, batchByTokens, type TokenBatchOptions } from './batch.ts';
export {
  batchByLength,
  type LengthBatchOptions,
  mapByLength,
  type Numbered,
  restoreOrder,
} from './batch-by-length.ts';
export { type BatcherOptions, batcher } from './batcher.ts';
export { type Classified, type Classifier, type ClassifyOptions, classify, type Label } from './classify.ts';
export { type Embedded, type Embedder, embed } from './embed.ts';
export { type EmbeddedInput, embedInputs, type InputEmbedder } from './embed-inputs.ts';
export {
  type DeduplicateOptions,
  deduplicate,
  type NormalizeOptions,
  normalize,
  ofLanguage,
  ofLength,
  ofScript,
  sentences,
  type TokenWindow,
  windows,
} from './filters.ts';
export { type DeadLetter, expectWithin, Gate, mapOrBury, rateLimit, through } from './flow.ts';
export {
  collect,
  type DecodableEvent,
  Detokenizer,
  detokenize,
  type Generated,
  type GenerateItems,
  generate,
  type TokenEvent,
  translate,
} from './generate.ts';
export { ItemError, type ItemErrorOptions } from './item-error.ts';
export { lift } from './lift.ts';
export type { LinesOptions } from './line-splitter.ts';
export { lines } from './lines.ts';
export { type MapAsyncOptions, mapAsync } from './map-async.ts';
export { type OperatorFacts, windowOf } from './operator-facts.ts';
export { demandOf, fromIterable, fromPull, type Pull, PullObservable, pullOperator } from './pull.ts';
export { type Scored, type ScoredText, score } from './score.ts';
export { type Segmented, type Segmenting, segment } from './segment.ts';
export type { SettledOptions } from './settled.ts';
export { Sight } from './sight/sight.ts';
export type { Stage, StageListener, StageReport, StageRun } from './sight/stage.ts';
export {
  fromReadable,
  intoWebWritable,
  jsonLines,
  type NodeReadable,
  type ServerSentEventsOptions,
  serverSentEvents,
  toAsyncIterable,
  toReadable,
} from './sinks.ts';
export { filterItems, mapItems, SKIP, type Step, stepOperator } from './step.ts';
export { type TextTokenizer, type TokenizedText, tokenize } from './text.ts';
export {
  CircuitOpenError,
  type RetryOptions,
  TimeoutError,
  type Work,
  withCircuitBreaker,
  withRetry,
  withTimeout,
} from './work.ts';
