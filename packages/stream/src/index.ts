export { type Classified, type Classifier, type ClassifyOptions, classify, type Label } from './classify.ts';
export { ItemError, type ItemErrorOptions } from './item-error.ts';
export { lift } from './lift.ts';
export { type LinesOptions, lines } from './lines.ts';
export { type MapAsyncOptions, mapAsync } from './map-async.ts';
export { fromIterable, fromPull, type Pull, PullObservable, pullOperator } from './pull.ts';
export {
  collect,
  detokenize,
  type Generated,
  generate,
  type TextTokenizer,
  type TokenEvent,
  type TokenizedText,
  tokenize,
} from './text.ts';
