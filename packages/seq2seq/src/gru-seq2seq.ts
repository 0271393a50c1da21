import { crossEntropyParts, dropout, Embedding, Linear, linear, Module, MultiheadAttention } from '@rivulet/nn';
import { GRU } from '@rivulet/recurrent';
import { concat, type Dim, iota, type Tensor } from '@rivulet/tensor';
import type { GRUSeq2SeqConfig } from './config.ts';

/** The source as the decoder sees it. */
export interface Encoded {
  /** [B, S, H], or null without attention. */
  readonly memory: Tensor | null;
  /** Bool [B, 1, 1, S]: true at the source's tokens. */
  readonly mask: Tensor;
  /** The first states of the two decoder layers, [2, B, H]. */
  readonly state: Tensor;
}

/** Bool [B, 1, 1, S] of lengths int32 [B]: true at the source's tokens. */
export function sourceMask(size: Dim, lengths: Tensor): Tensor {
  return iota(size).cast('int32').unsqueeze(0).less(lengths.unsqueeze(1)).unsqueeze(1).unsqueeze(1);
}

/**
 * Sequence to sequence with attention (https://arxiv.org/abs/1409.0473): a bidirectional GRU reads the source, two GRU layers
 * write the target. The lower one looks at the source and hands what it found to the upper one (as in
 * https://arxiv.org/abs/1609.08144, §3), so that in training all positions attend in one product. The embedding serves
 * source, target and output (https://arxiv.org/abs/1608.05859).
 */
export class GRUSeq2Seq extends Module {
  readonly embedding: Embedding;
  readonly encoder: GRU[];
  readonly bridge: Linear;
  readonly decoder: GRU[];
  readonly attention: MultiheadAttention | null;
  readonly output: Linear;
  readonly config: GRUSeq2SeqConfig;

  constructor(config: GRUSeq2SeqConfig) {
    super();
    const { vocabSize, embeddingDim, hiddenSize, encoderLayers, attentionHeads, padTokenId } = config;
    this.config = config;
    this.embedding = new Embedding(vocabSize, embeddingDim, {
      paddingIdx: padTokenId,
      deviation: embeddingDim ** -0.5,
    });
    this.encoder = Array.from({ length: encoderLayers }, (_, layer) => {
      const inputSize = layer === 0 ? embeddingDim : hiddenSize;
      return new GRU({ inputSize, hiddenSize: hiddenSize / 2, bidirectional: true });
    });
    this.bridge = new Linear(hiddenSize, 2 * hiddenSize);
    this.decoder = [new GRU({ inputSize: embeddingDim, hiddenSize }), new GRU({ inputSize: hiddenSize, hiddenSize })];
    this.attention =
      attentionHeads > 0 ? new MultiheadAttention({ embedDim: hiddenSize, numHeads: attentionHeads }) : null;
    this.output = new Linear(attentionHeads > 0 ? 2 * hiddenSize : hiddenSize, embeddingDim);
  }

  #embed(ids: Tensor): Tensor {
    return dropout(this.embedding.forward(ids).mul(this.config.embeddingDim ** 0.5), this.config.dropout);
  }

  /** source int32 [B, S], lengths int32 [B] */
  encode(source: Tensor, lengths: Tensor): Encoded {
    let x = this.#embed(source).transpose(0, 1); // [S, B, E]
    let last: Tensor | undefined;
    for (const layer of this.encoder) {
      const { outputs, final } = layer.forward(x, { lengths });
      x = dropout(outputs, this.config.dropout);
      last = final; // [2, B, H/2]
    }
    const [forward, backward] = last!.chunk(2, 0);
    const summary = concat([forward!.squeeze(0), backward!.squeeze(0)], 1); // [B, H]
    const states = this.bridge.forward(summary).tanh().chunk(2, 1);
    return {
      memory: this.attention ? x.transpose(0, 1) : null,
      mask: sourceMask(source.dim(1), lengths),
      state: concat(
        states.map((s) => s.unsqueeze(0)),
        0,
      ),
    };
  }

  /** Teacher forcing: target int32 [B, T] (from the start token) with lengths int32 [B] → logits of what follows [B·T, V]. */
  decode(target: Tensor, lengths: Tensor, { memory, mask, state }: Encoded): Tensor {
    const [batch, time] = target.shape;
    const [lowerState, upperState] = state.chunk(2, 0);
    const x = this.#embed(target).transpose(0, 1); // [T, B, E]
    const lower = dropout(this.decoder[0]!.forward(x, { lengths, initial: lowerState! }).outputs, this.config.dropout);
    const context = memory ? this.attention!.forward(lower.transpose(0, 1), memory, { mask }).transpose(0, 1) : null;
    const joined = context ? lower.add(dropout(context, this.config.dropout)) : lower;
    const upper = dropout(
      this.decoder[1]!.forward(joined, { lengths, initial: upperState! }).outputs,
      this.config.dropout,
    );
    const features = (context ? concat([upper, context], 2) : upper).transpose(0, 1);
    return this.#logits(features.reshape([batch!, time!, features.dim(2)])).reshape([-1, this.config.targetVocabSize]);
  }

  /**
   * One token further: tokens int32 [B], states [2, B, H], keys and values [B, heads, S, D] with a mask as of `Encoded` → logits
   * [B, V], next states. V: targetVocabSize.
   */
  step(
    tokens: Tensor,
    state: Tensor,
    source: { k: Tensor; v: Tensor; mask: Tensor } | null,
  ): { logits: Tensor; state: Tensor } {
    const [lowerState, upperState] = state.chunk(2, 0);
    const lower = this.decoder[0]!.step(this.#embed(tokens), lowerState!.squeeze(0)); // [B, H]
    const context = source
      ? this.attention!.attend(lower.unsqueeze(1), source, { mask: source.mask }).squeeze(1)
      : null;
    const upper = this.decoder[1]!.step(context ? lower.add(context) : lower, upperState!.squeeze(0));
    const logits = this.#logits(context ? concat([upper, context], 1) : upper);
    return { logits, state: concat([lower.unsqueeze(0), upper.unsqueeze(0)], 0) };
  }

  /** The output shares the embedding: features are mapped to its width, then compared with the vector of every target token. */
  #logits(features: Tensor): Tensor {
    const weight = this.embedding.weight.slice(0, 0, this.config.targetVocabSize);
    return linear(dropout(this.output.forward(features).tanh(), this.config.dropout), weight);
  }

  /** The training loss: mean cross entropy per target token, and the sum and count for perplexity. */
  loss(
    batch: Seq2SeqBatch,
    { labelSmoothing = 0 }: { labelSmoothing?: number } = {},
  ): ReturnType<typeof crossEntropyParts> {
    const encoded = this.encode(batch.source, batch.sourceLengths);
    const logits = this.decode(batch.target, batch.targetLengths, encoded);
    return crossEntropyParts(logits, batch.labels, { ignoreIndex: this.config.padTokenId, labelSmoothing });
  }
}

export interface Seq2SeqBatch {
  /** int32 [B, S], padded at the end. */
  readonly source: Tensor;
  /** int32 [B] */
  readonly sourceLengths: Tensor;
  /** int32 [B, T]: the start token and the target without its end token. */
  readonly target: Tensor;
  /** int32 [B] */
  readonly targetLengths: Tensor;
  /** int32 [B, T]: the target and its end token; padding is not counted. */
  readonly labels: Tensor;
}
