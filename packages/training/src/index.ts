export { type Anomaly, AnomalyError } from './anomaly.ts';
export { type BestModel, bestModel } from './best-model.ts';
export { type CheckpointOptions, checkpoint, type RunState, restoreCheckpoint, saveCheckpoint } from './checkpoint.ts';
export { type BucketOptions, bucketBatches, padRows, rowLengths } from './data/batches.ts';
export { type BatchOptions, Dataset, dataset, type MapOptions, type ShuffleOptions } from './data/dataset.ts';
export {
  type Pair,
  type ParallelCorpusOptions,
  readParallelCorpus,
  type Split,
  splitByHash,
} from './data/parallel-corpus.ts';
export { DatasetError, type Source } from './data/stages.ts';
export type { WorkerOptions } from './data/worker-map.ts';
export { type EarlyStoppingOptions, earlyStopping, type StoppingState } from './early-stopping.ts';
export { type Batch, type FitOptions, fit, type Position, type TrainingEvent } from './fit.ts';
export { JsonLinesWriter } from './logging/json-lines.ts';
export { logEvents } from './logging/log-events.ts';
export { type ReportOptions, writeReport } from './logging/report.ts';
export { type TensorBoardOptions, TensorBoardWriter } from './logging/tensorboard.ts';
export { Accuracy, type AccuracyOptions, TopKAccuracy, type TopKOptions } from './metrics/accuracy.ts';
export { AUROC } from './metrics/auroc.ts';
export { BLEU, type BLEUOptions, type BLEUScore, corpusBLEU } from './metrics/bleu.ts';
export { CHRF, type CHRFOptions, type CHRFScore } from './metrics/chrf.ts';
export type { Classes } from './metrics/classes.ts';
export {
  type ClassScores,
  ConfusionMatrix,
  type ConfusionOptions,
  type FScores,
  type IoUScores,
  MeanIoU,
  PrecisionRecall,
} from './metrics/confusion.ts';
export { Perplexity } from './metrics/perplexity.ts';
export { type AdamOptions, type AdamWOptions, adam, adamW } from './optimizers/adam.ts';
export {
  type AdadeltaOptions,
  type AdagradOptions,
  adadelta,
  adagrad,
  type RMSpropOptions,
  rmsprop,
} from './optimizers/adaptive.ts';
export { clipByNorm, clipByValue, globalNorm } from './optimizers/clip.ts';
export { type LionOptions, lion } from './optimizers/lion.ts';
export type { LearningRate, Optimizer, UpdateArgs } from './optimizers/optimizer.ts';
export { type SGDOptions, sgd } from './optimizers/sgd.ts';
export { Plateau, type PlateauOptions, type PlateauState, reduceOnPlateau } from './plateau.ts';
export { type ProgressOptions, progress } from './progress.ts';
export { type CosineOptions, cosine, type Schedule } from './schedule.ts';
export {
  type CosineRestartsOptions,
  combined,
  constantRate,
  cosineRestarts,
  type ExponentialDecayOptions,
  exponentialDecay,
  type InverseSquareRootOptions,
  inTurn,
  inverseSquareRoot,
  type LinearRateOptions,
  linearRate,
  type MultiStepDecayOptions,
  multiStepDecay,
  type OneCycleOptions,
  oneCycle,
  type PolynomialDecayOptions,
  polynomialDecay,
  type StepDecayOptions,
  stepDecay,
} from './schedules.ts';
export { type ParameterGroup, type StepResult, Trainer, type TrainerOptions } from './trainer.ts';
export type { Watched } from './watch.ts';
