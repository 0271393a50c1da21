import type { Tensor } from '@rivulet/tensor';
import type { AttentionOptions } from '../functional/attention.ts';
import { dropout } from '../functional/dropout.ts';
import { xavierUniform } from '../init.ts';
import { Module } from '../module.ts';
import { wantProbability } from './dropout.ts';
import { LayerNorm } from './layer-norm.ts';
import { Linear } from './linear.ts';
import { MultiheadAttention } from './multihead-attention.ts';

export interface TransformerLayerConfig {
  /** The width E of the tokens. */
  readonly embedDim: number;
  readonly numHeads: number;
  /** The width between the two linear layers. Default 2048. */
  readonly feedForwardDim?: number;
  /** Of attention's weights, behind attention, and twice around the linear layers; in training. Default 0.1. */
  readonly dropout?: number;
  /** Default 'relu'. */
  readonly activation?: 'relu' | 'gelu';
  /** Whether norms come before attention and linear layers, in place of behind the sums. Default false. */
  readonly normFirst?: boolean;
  /** Of the norms. Default 1e-5. */
  readonly eps?: number;
  /** Whether linear layers, projections and norms have biases. Default true. */
  readonly bias?: boolean;
}

/** How a decoder's queries look at its own tokens and at the encoder's. */
export interface DecoderOptions {
  /** Default: all see all; `{ causal: true }` hides what comes later. */
  readonly self?: AttentionOptions;
  readonly memory?: AttentionOptions;
}

/** What both kinds of layers are made of; `residual` and `feedForward` are one layer's steps. */
class Parts {
  readonly #config: TransformerLayerConfig;
  readonly dropout: number;

  constructor(config: TransformerLayerConfig) {
    const { activation = 'relu', dropout: p = 0.1, feedForwardDim = 2048 } = config;
    if (activation !== 'relu' && activation !== 'gelu')
      throw new RangeError(`a Transformer layer's activation must be 'relu' or 'gelu', got '${activation}'`);
    wantPositive("a Transformer layer's feedForwardDim", feedForwardDim);
    wantProbability("a Transformer layer's dropout", p);
    this.#config = config;
    this.dropout = p;
  }

  attention(): MultiheadAttention {
    const { embedDim, numHeads, bias = true } = this.#config;
    return new MultiheadAttention({ embedDim, numHeads, bias });
  }

  linears(): [Linear, Linear] {
    const { embedDim, feedForwardDim = 2048, bias = true } = this.#config;
    return [new Linear(embedDim, feedForwardDim, { bias }), new Linear(feedForwardDim, embedDim, { bias })];
  }

  norm(): LayerNorm {
    const { embedDim, eps = 1e-5, bias = true } = this.#config;
    return new LayerNorm(embedDim, { eps, bias });
  }

  residual(x: Tensor, norm: LayerNorm, inner: (x: Tensor) => Tensor): Tensor {
    const { normFirst = false } = this.#config;
    const dropped = (y: Tensor): Tensor => dropout(y, this.dropout);
    return normFirst ? x.add(dropped(inner(norm.forward(x)))) : norm.forward(x.add(dropped(inner(x))));
  }

  feedForward(x: Tensor, first: Linear, second: Linear): Tensor {
    const hidden = first.forward(x);
    return second.forward(dropout(this.#config.activation === 'gelu' ? hidden.gelu() : hidden.relu(), this.dropout));
  }
}

/** Self-attention and two linear layers (https://arxiv.org/abs/1706.03762, §3.1). Parameters as in `torch.nn.TransformerEncoderLayer`. */
export class TransformerEncoderLayer extends Module {
  readonly self_attn: MultiheadAttention;
  readonly linear1: Linear;
  readonly linear2: Linear;
  readonly norm1: LayerNorm;
  readonly norm2: LayerNorm;
  readonly #parts: Parts;

  /** @throws RangeError naming the option. */
  constructor(config: TransformerLayerConfig) {
    super();
    this.#parts = new Parts(config);
    this.self_attn = this.#parts.attention();
    [this.linear1, this.linear2] = this.#parts.linears();
    [this.norm1, this.norm2] = [this.#parts.norm(), this.#parts.norm()];
  }

  /** [B, L, E] → [B, L, E] */
  forward(x: Tensor, options: AttentionOptions = {}): Tensor {
    const settings = { dropout: this.#parts.dropout, ...options };
    const seen = this.#parts.residual(x, this.norm1, (y) => this.self_attn.forward(y, y, settings));
    return this.#parts.residual(seen, this.norm2, (y) => this.#parts.feedForward(y, this.linear1, this.linear2));
  }
}

/** Self-attention, attention to a memory, two linear layers. Parameters as in `torch.nn.TransformerDecoderLayer`. */
export class TransformerDecoderLayer extends Module {
  readonly self_attn: MultiheadAttention;
  readonly multihead_attn: MultiheadAttention;
  readonly linear1: Linear;
  readonly linear2: Linear;
  readonly norm1: LayerNorm;
  readonly norm2: LayerNorm;
  readonly norm3: LayerNorm;
  readonly #parts: Parts;

  /** @throws RangeError naming the option. */
  constructor(config: TransformerLayerConfig) {
    super();
    this.#parts = new Parts(config);
    [this.self_attn, this.multihead_attn] = [this.#parts.attention(), this.#parts.attention()];
    [this.linear1, this.linear2] = this.#parts.linears();
    [this.norm1, this.norm2, this.norm3] = [this.#parts.norm(), this.#parts.norm(), this.#parts.norm()];
  }

  /** x [B, L, E], memory [B, S, E] → [B, L, E] */
  forward(x: Tensor, memory: Tensor, { self = {}, memory: options = {} }: DecoderOptions = {}): Tensor {
    const p = { dropout: this.#parts.dropout };
    const own = this.#parts.residual(x, this.norm1, (y) => this.self_attn.forward(y, y, { ...p, ...self }));
    const seen = this.#parts.residual(own, this.norm2, (y) =>
      this.multihead_attn.forward(y, memory, { ...p, ...options }),
    );
    return this.#parts.residual(seen, this.norm3, (y) => this.#parts.feedForward(y, this.linear1, this.linear2));
  }
}

export interface TransformerStackConfig extends TransformerLayerConfig {
  readonly numLayers: number;
  /** Whether a norm follows the last layer. Default false. */
  readonly finalNorm?: boolean;
}

/** Encoder layers one after the other, and a norm where asked for. Parameters as in `torch.nn.TransformerEncoder`. */
export class TransformerEncoder extends Module {
  readonly layers: TransformerEncoderLayer[];
  readonly norm: LayerNorm | null;

  constructor({ numLayers, finalNorm = false, ...config }: TransformerStackConfig) {
    super();
    wantPositive('TransformerEncoder: numLayers', numLayers);
    this.layers = Array.from({ length: numLayers }, () => new TransformerEncoderLayer(config));
    this.norm = finalNorm ? new Parts(config).norm() : null;
  }

  /** [B, L, E] → [B, L, E] */
  forward(x: Tensor, options: AttentionOptions = {}): Tensor {
    const y = this.layers.reduce((h, layer) => layer.forward(h, options), x);
    return this.norm ? this.norm.forward(y) : y;
  }
}

/** Decoder layers one after the other, and a norm where asked for. Parameters as in `torch.nn.TransformerDecoder`. */
export class TransformerDecoder extends Module {
  readonly layers: TransformerDecoderLayer[];
  readonly norm: LayerNorm | null;

  constructor({ numLayers, finalNorm = false, ...config }: TransformerStackConfig) {
    super();
    wantPositive('TransformerDecoder: numLayers', numLayers);
    this.layers = Array.from({ length: numLayers }, () => new TransformerDecoderLayer(config));
    this.norm = finalNorm ? new Parts(config).norm() : null;
  }

  /** x [B, L, E], memory [B, S, E] → [B, L, E] */
  forward(x: Tensor, memory: Tensor, options: DecoderOptions = {}): Tensor {
    const y = this.layers.reduce((h, layer) => layer.forward(h, memory, options), x);
    return this.norm ? this.norm.forward(y) : y;
  }
}

export interface TransformerConfig extends Partial<TransformerLayerConfig> {
  /** Default 6. */
  readonly numEncoderLayers?: number;
  /** Default 6. */
  readonly numDecoderLayers?: number;
}

/**
 * Encoder and decoder (https://arxiv.org/abs/1706.03762), 512 wide with 8 heads by default, without embeddings and output layer. Parameters,
 * their initial values and the defaults as in `torch.nn.Transformer` with `batch_first`.
 */
export class Transformer extends Module {
  readonly encoder: TransformerEncoder;
  readonly decoder: TransformerDecoder;

  /** @throws RangeError naming the option. */
  constructor({ numEncoderLayers = 6, numDecoderLayers = 6, ...config }: TransformerConfig = {}) {
    super();
    const layer = { embedDim: 512, numHeads: 8, finalNorm: true, ...config };
    this.encoder = new TransformerEncoder({ ...layer, numLayers: numEncoderLayers });
    this.decoder = new TransformerDecoder({ ...layer, numLayers: numDecoderLayers });
    for (const tensor of this.parameters().values()) if (tensor.rank > 1) xavierUniform(tensor);
  }

  /** source [B, S, E], target [B, L, E] → [B, L, E]. `source`: how the encoder's tokens see each other. */
  forward(
    source: Tensor,
    target: Tensor,
    options: DecoderOptions & { readonly source?: AttentionOptions } = {},
  ): Tensor {
    return this.decoder.forward(target, this.encoder.forward(source, options.source), options);
  }
}

function wantPositive(what: string, value: number): void {
  if (!(Number.isInteger(value) && value > 0)) throw new RangeError(`${what} must be a positive integer, got ${value}`);
}
