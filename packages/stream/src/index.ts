export { batch, batchByTime, batchByTokens, type TokenBatchOptions } from './batch.ts';
export { type BatcherOptions, batcher } from './batcher.ts';
export { type Classified, type Classifier, type ClassifyOptions, classify, type Label } from './classify.ts';
export {
  type DeduplicateOptions,
  deduplicate,
  type NormalizeOptions,
  normalize,
  ofLength,
  ofScript,
  sentences,
  type TokenWindow,
  windows,
} from './filters.ts';
export {
  CircuitOpenError,
  type DeadLetter,
  Gate,
  mapOrBury,
  type RetryOptions,
  rateLimit,
  TimeoutError,
  through,
  type Work,
  withCircuitBreaker,
  withRetry,
  withTimeout,
} from './flow.ts';
export {
  collect,
  type DecodableEvent,
  Detokenizer,
  detokenize,
  type Generated,
  type GenerateItems,
  generate,
  type TokenEvent,
} from './generate.ts';
export { ItemError, type ItemErrorOptions } from './item-error.ts';
export { lift } from './lift.ts';
export { type LinesOptions, lines } from './lines.ts';
export { type MapAsyncOptions, mapAsync } from './map-async.ts';
export { type OperatorFacts, windowOf } from './operator-facts.ts';
export { demandOf, fromIterable, fromPull, type Pull, PullObservable, pullOperator } from './pull.ts';
export {
  fromReadable,
  intoWebWritable,
  jsonLines,
  serverSentEvents,
  toAsyncIterable,
  toReadable,
} from './sinks.ts';
export { filterItems, mapItems, SKIP, type Step, stepOperator } from './step.ts';
export { type TextTokenizer, type TokenizedText, tokenize } from './text.ts';
