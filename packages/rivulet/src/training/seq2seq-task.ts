import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { manualSeed } from '@rivulet/nn';
import { GRUSeq2Seq, type GRUSeq2SeqConfig } from '@rivulet/seq2seq';
import { compileStep, replaceFile } from '@rivulet/tensor';
import { type Tokenizer, tokenizerFromJSON, tokenizerToJSON } from '@rivulet/tokenizer';
import { adamW, cosine, type FitOptions, type Pair, type Split, Trainer } from '@rivulet/training';
import { saveModelFolder } from '../model-folder.ts';
import type { TrainingSettings } from './run.ts';
import {
  type BatchPlan,
  type CorpusOptions,
  encodePairs,
  readSplit,
  Seq2SeqBatches,
  type Seq2SeqInputs,
  seq2seqInputs,
  trainPairTokenizer,
  type VocabSizes,
} from './seq2seq-data.ts';

export interface Seq2SeqSettings extends TrainingSettings, CorpusOptions, VocabSizes {
  readonly embeddingDim: number;
  readonly hiddenSize: number;
  readonly encoderLayers: number;
  /** 0: without attention. */
  readonly attentionHeads: number;
  readonly tokensPerBatch: number;
}

const MAX_LENGTH = 64;
const CLIP_NORM = 1;

export interface Seq2SeqTask {
  readonly split: Split<Pair>;
  readonly tokenizer: Tokenizer;
  readonly trainer: Trainer<Seq2SeqInputs>;
  readonly options: Pick<FitOptions<Seq2SeqInputs>, 'batches' | 'batchCount' | 'epochs' | 'evaluate'>;
  /** Pairs that were too long, or whose target has characters of the source. */
  readonly leftOut: number;
  /** Writes the model with the averaged weights: config.json, tokenizer.json, model.safetensors. */
  save(directory: string): Promise<void>;
}

/** Reads the data and prepares the model; the tokenizer in `directory` is used where there is one. */
export async function seq2seqTask(settings: Seq2SeqSettings, directory: string): Promise<Seq2SeqTask> {
  const split = await readSplit(settings);
  if (split.train.length === 0) throw new Error(`${settings.data}: has no pairs to train on`);
  const tokenizer = await prepareTokenizer(split.train, settings, directory);
  const config = modelConfig(settings, tokenizer);
  manualSeed(settings.seed);
  const model = new GRUSeq2Seq(config);
  const limits = { targetVocabSize: config.targetVocabSize, maxLength: MAX_LENGTH };
  const train = encodePairs(split.train, tokenizer, limits);
  const heldOut = encodePairs(split.validation, tokenizer, limits);
  const { seed, tokensPerBatch, labelSmoothing, epochs } = settings;
  const plan: BatchPlan = { seed, tokensPerBatch, pad: config.padTokenId, bos: config.bosTokenId };
  const batches = new Seq2SeqBatches(train.examples, plan);
  const steps = batches.count(0) * epochs;
  const trainer = new Trainer({
    model,
    inputs: seq2seqInputs,
    optimizer: adamW({
      lr: cosine({ lr: settings.learningRate, steps, warmup: settings.warmup, floor: 0.02 }),
      betas: [0.9, 0.98],
      weightDecay: settings.weightDecay,
    }),
    loss: (given) => model.loss(given, { labelSmoothing }).loss,
    clipNorm: CLIP_NORM,
    ema: settings.ema,
    seed,
  });
  return {
    split,
    tokenizer,
    trainer,
    leftOut: train.leftOut,
    options: {
      batches: (epoch) => batches.of(epoch),
      batchCount: (epoch) => batches.count(epoch),
      epochs,
      evaluate: validation(trainer, config, new Seq2SeqBatches(heldOut.examples, plan)),
    },
    save: (to) => saveModelFolder(to, { config, weights: trainer.weights(), tokenizer: tokenizerToJSON(tokenizer) }),
  };
}

async function prepareTokenizer(pairs: readonly Pair[], sizes: VocabSizes, directory: string): Promise<Tokenizer> {
  const file = join(directory, 'tokenizer.json');
  const existing = await readFile(file, 'utf8').catch(() => null);
  if (existing !== null) return tokenizerFromJSON(existing);
  const tokenizer = trainPairTokenizer(pairs, sizes);
  await mkdir(directory, { recursive: true });
  await replaceFile(file, [tokenizerToJSON(tokenizer)]);
  return tokenizer;
}

function modelConfig(settings: Seq2SeqSettings, tokenizer: Tokenizer): GRUSeq2SeqConfig {
  const { embeddingDim, hiddenSize, encoderLayers, attentionHeads, dropout } = settings;
  return {
    modelType: 'gru-seq2seq',
    vocabSize: tokenizer.vocabSize,
    targetVocabSize: Math.min(settings.targetVocabSize, tokenizer.vocabSize),
    embeddingDim,
    hiddenSize,
    encoderLayers,
    attentionHeads,
    dropout,
    padTokenId: 0,
    bosTokenId: 1,
    eosTokenId: 2,
    maxSourceLength: 512,
  };
}

/** Cross entropy per target token of held-out pairs, with the averaged weights and without smoothing. */
function validation(
  trainer: Trainer<Seq2SeqInputs>,
  config: GRUSeq2SeqConfig,
  batches: Seq2SeqBatches,
): () => Promise<Record<string, number>> {
  // A model of its own holds the averaged weights; its graph is compiled once and reads them in every run.
  const model = new GRUSeq2Seq(config);
  const graph = compileStep(
    seq2seqInputs,
    (given) => {
      const { sum, count } = model.loss(given);
      return { outputs: { sum, count }, updates: new Map() };
    },
    { training: false },
  );
  graph.catch(() => {}); // told when it is used
  return async () => {
    model.loadStateDict(trainer.weights());
    const total = { sum: 0, count: 0 };
    for (const { feeds } of batches.of(0)) {
      const { sum, count } = await (await graph).run(feeds);
      total.sum += sum.data[0] as number;
      total.count += count.data[0] as number;
    }
    const loss = total.sum / total.count;
    return { validationLoss: loss, validationPerplexity: Math.exp(loss) };
  };
}
