export { type CheckpointOptions, checkpoint, type RunState, restoreCheckpoint, saveCheckpoint } from './checkpoint.ts';
export { type BucketOptions, bucketBatches, padRows, rowLengths } from './data/batches.ts';
export {
  type Pair,
  type ParallelCorpusOptions,
  readParallelCorpus,
  type Split,
  splitByHash,
} from './data/parallel-corpus.ts';
export { type Batch, type FitOptions, fit, type Position, type TrainingEvent } from './fit.ts';
export { BLEU, type BLEUOptions, type BLEUScore, corpusBLEU } from './metrics/bleu.ts';
export {
  type AdamOptions,
  type AdamWOptions,
  adam,
  adamW,
  clipByNorm,
  globalNorm,
  type LearningRate,
  type Optimizer,
  type UpdateArgs,
} from './optimizer.ts';
export { type CosineOptions, cosine, type Schedule } from './schedule.ts';
export { type StepResult, Trainer, type TrainerOptions } from './trainer.ts';
