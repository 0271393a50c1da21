import { type HostTensor, type InputSpec, symbol } from '@rivulet/tensor';
import { type Tokenizer, trainBPE } from '@rivulet/tokenizer';
import {
  type Batch,
  bucketBatches,
  type Pair,
  padRows,
  readParallelCorpus,
  rowLengths,
  type Split,
  splitByHash,
} from '@rivulet/training';
import { TokenLists } from './token-lists.ts';

export interface CorpusOptions {
  readonly data: string;
  readonly sourceColumn: number;
  readonly targetColumn: number;
}

/** Reads the pairs and splits them by the source side: 5 % for the test, 5 % for validation, none of them in two parts. */
export async function readSplit({ data, sourceColumn, targetColumn }: CorpusOptions): Promise<Split<Pair>> {
  const pairs = await readParallelCorpus(data, { source: sourceColumn, target: targetColumn });
  return splitByHash(pairs, (pair) => pair.source, { test: 0.05, validation: 0.05 });
}

export const specialTokens = { pad: '<pad>', bos: '<s>', eos: '</s>' } as const;

/**
 * A vocabulary of both languages whose first `targetVocabSize` ids are enough for the target: it is learned from the target,
 * then goes on with the source, characters of the target left out.
 */
export function trainPairTokenizer(pairs: readonly Pair[], { targetVocabSize, vocabSize }: VocabSizes): Tokenizer {
  const { pad, bos, eos } = specialTokens;
  const targets = pairs.map((pair) => pair.target);
  const base = trainBPE(targets, { vocabSize: targetVocabSize, specialTokens: [pad, bos, eos], template: [null, eos] });
  const known = new Set(targets.flatMap((text) => [...text]));
  const foreign = pairs.map((pair) =>
    [...pair.source].map((character) => (known.has(character) ? ' ' : character)).join(''),
  );
  return trainBPE(foreign, { vocabSize, base });
}

export interface VocabSizes {
  readonly vocabSize: number;
  readonly targetVocabSize: number;
}

/** Pairs as ids, each side with its end token. */
export interface Examples {
  readonly sources: TokenLists;
  readonly targets: TokenLists;
}

/** Pairs as ids; those that are too long or whose target needs ids past the target's are left out and counted. */
export function encodePairs(
  pairs: readonly Pair[],
  tokenizer: Tokenizer,
  { targetVocabSize, maxLength }: { targetVocabSize: number; maxLength: number },
): { examples: Examples; leftOut: number } {
  const examples: Examples = { sources: new TokenLists(), targets: new TokenLists() };
  for (const pair of pairs) {
    const [source, target] = [tokenizer.encode(pair.source), tokenizer.encode(pair.target)];
    if (source.length > maxLength || target.length > maxLength || target.some((id) => id >= targetVocabSize)) continue;
    examples.sources.add(source);
    examples.targets.add(target);
  }
  return { examples, leftOut: pairs.length - examples.sources.count };
}

type Seq2SeqInput = 'source' | 'sourceLengths' | 'target' | 'targetLengths' | 'labels';
export type Seq2SeqInputs = Readonly<Record<Seq2SeqInput, InputSpec>>;
export type Seq2SeqFeeds = Readonly<Record<Seq2SeqInput, HostTensor>>;

const [batch, sourceLength, targetLength] = [symbol('B'), symbol('S'), symbol('T')];

/** Shapes of a batch; one graph serves every size. */
export const seq2seqInputs: Seq2SeqInputs = {
  source: { shape: [batch, sourceLength], dtype: 'int32' },
  sourceLengths: { shape: [batch], dtype: 'int32' },
  target: { shape: [batch, targetLength], dtype: 'int32' },
  targetLengths: { shape: [batch], dtype: 'int32' },
  labels: { shape: [batch, targetLength], dtype: 'int32' },
};

/** One padded batch: the decoder reads the start token and the target, and is asked for the target and its end token. */
export function seq2seqFeeds(
  examples: Examples,
  chosen: readonly number[],
  { pad, bos }: { pad: number; bos: number },
): Seq2SeqFeeds {
  const sources = chosen.map((i) => examples.sources.at(i));
  const labels = chosen.map((i) => examples.targets.at(i));
  const targets = labels.map((ids) => Int32Array.of(bos, ...ids.subarray(0, -1)));
  return {
    source: padRows(sources, pad),
    sourceLengths: rowLengths(sources),
    target: padRows(targets, pad),
    targetLengths: rowLengths(targets),
    labels: padRows(labels, pad),
  };
}

export interface BatchPlan {
  readonly tokensPerBatch: number;
  readonly seed: number;
  readonly pad: number;
  readonly bos: number;
}

/** The batches of any epoch over fixed examples. The order of the last epoch asked for is kept. */
export class Seq2SeqBatches {
  readonly #examples: Examples;
  readonly #plan: BatchPlan;
  readonly #lengths: readonly number[];
  #known: { readonly epoch: number; readonly batches: readonly Int32Array[] } | null = null;

  constructor(examples: Examples, plan: BatchPlan) {
    this.#examples = examples;
    this.#plan = plan;
    const { sources, targets } = examples;
    this.#lengths = Array.from({ length: sources.count }, (_, i) => Math.max(sources.lengthOf(i), targets.lengthOf(i)));
  }

  #order(epoch: number): readonly Int32Array[] {
    if (this.#known?.epoch !== epoch)
      this.#known = { epoch, batches: bucketBatches({ lengths: this.#lengths, ...this.#plan, epoch }) };
    return this.#known.batches;
  }

  /** How many batches an epoch has. */
  count(epoch: number): number {
    return this.#order(epoch).length;
  }

  /** `items` counts target tokens, end tokens included. */
  *of(epoch: number): Generator<Batch<Seq2SeqInputs>> {
    for (const indices of this.#order(epoch)) {
      const chosen = Array.from(indices);
      const items = chosen.reduce((n, i) => n + this.#examples.targets.lengthOf(i), 0);
      yield { feeds: seq2seqFeeds(this.#examples, chosen, this.#plan), items };
    }
  }
}
