/** The shape of a GRU encoder-decoder; `config.json` of a model folder. */
export interface GRUSeq2SeqConfig {
  readonly modelType: 'gru-seq2seq';
  readonly vocabSize: number;
  /** The target is written with the ids below this one; the tokenizer lists the target language's tokens first. */
  readonly targetVocabSize: number;
  /** Width of the embeddings, shared by source, target and output. */
  readonly embeddingDim: number;
  /** Width of the decoder's state; each direction of the encoder has half of it. */
  readonly hiddenSize: number;
  /** Layers of the encoder. */
  readonly encoderLayers: number;
  /** Heads of the attention; 0 for the model without attention, which sees the source only through its last state. */
  readonly attentionHeads: number;
  /** Probability of dropout in training. */
  readonly dropout: number;
  readonly padTokenId: number;
  readonly bosTokenId: number;
  readonly eosTokenId: number;
  /** The most source tokens that the model reads. */
  readonly maxSourceLength: number;
}

const integers = [
  'vocabSize',
  'targetVocabSize',
  'embeddingDim',
  'hiddenSize',
  'encoderLayers',
  'attentionHeads',
  'padTokenId',
  'bosTokenId',
  'eosTokenId',
  'maxSourceLength',
] as const;

/** Checks what was read from a file. @throws TypeError naming the field, what it is and what was expected. */
export function parseGRUSeq2SeqConfig(json: unknown): GRUSeq2SeqConfig {
  const config = json as Record<string, unknown>;
  if (typeof json !== 'object' || json === null || config.modelType !== 'gru-seq2seq')
    throw new TypeError(`modelType must be 'gru-seq2seq', got ${JSON.stringify(config?.modelType)}`);
  for (const field of integers) {
    const value = config[field];
    if (!Number.isSafeInteger(value) || (value as number) < 0)
      throw new TypeError(`${field} must be a non-negative integer, got ${JSON.stringify(value)}`);
  }
  if (typeof config.dropout !== 'number' || !(config.dropout >= 0 && config.dropout < 1))
    throw new TypeError(`dropout must be a number in [0, 1), got ${JSON.stringify(config.dropout)}`);
  const { hiddenSize, attentionHeads } = config as unknown as GRUSeq2SeqConfig;
  if (hiddenSize % 2 !== 0) throw new TypeError(`hiddenSize must be even, got ${hiddenSize}`);
  if (attentionHeads > 0 && hiddenSize % attentionHeads !== 0)
    throw new TypeError(`hiddenSize ${hiddenSize} is not divisible by attentionHeads ${attentionHeads}`);
  return config as unknown as GRUSeq2SeqConfig;
}
