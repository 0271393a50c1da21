import {
  Embedding,
  Linear,
  linear,
  Module,
  RMSNorm,
  type RotaryScaling,
  type RotaryTables,
  rotaryTables,
} from '@rivulet/nn';
import type { Tensor } from '@rivulet/tensor';
import {
  type AttentionContext,
  asList,
  type CausalDecoder,
  type DecoderSizes,
  inRows,
  wholeText,
} from './attention-context.ts';
import { ConfigFields } from './config-fields.ts';

/** Field by field what config.json of a LlamaForCausalLM says. */
export interface LlamaConfig {
  readonly vocabSize: number;
  readonly hiddenSize: number;
  readonly intermediateSize: number;
  readonly numHiddenLayers: number;
  readonly numAttentionHeads: number;
  /** Default numAttentionHeads. */
  readonly numKeyValueHeads?: number;
  /** Default hiddenSize / numAttentionHeads. */
  readonly headDim?: number;
  readonly maxPositionEmbeddings: number;
  /** Default 1e-6. */
  readonly rmsNormEps?: number;
  /** Default 10,000. */
  readonly ropeTheta?: number;
  readonly ropeScaling?: RotaryScaling;
  /** Default false. */
  readonly attentionBias?: boolean;
  /** Default false. */
  readonly mlpBias?: boolean;
  /** The output layer is the embedding. Default false. */
  readonly tieWordEmbeddings?: boolean;
}

class LlamaAttention extends Module {
  readonly q_proj: Linear;
  readonly k_proj: Linear;
  readonly v_proj: Linear;
  readonly o_proj: Linear;

  constructor(width: number, { heads, groups, headWidth }: DecoderSizes, bias: boolean) {
    super();
    this.q_proj = new Linear(width, heads * headWidth, { bias });
    this.k_proj = new Linear(width, groups * headWidth, { bias });
    this.v_proj = new Linear(width, groups * headWidth, { bias });
    this.o_proj = new Linear(heads * headWidth, width, { bias });
  }

  /** [T, E] → [T, E] */
  forward(x: Tensor, layer: number, context: AttentionContext): Tensor {
    const attended = context.attend(layer, this.q_proj.forward(x), this.k_proj.forward(x), this.v_proj.forward(x));
    return this.o_proj.forward(attended);
  }
}

/** SwiGLU (https://arxiv.org/abs/2002.05202). */
class LlamaMlp extends Module {
  readonly gate_proj: Linear;
  readonly up_proj: Linear;
  readonly down_proj: Linear;

  constructor(width: number, hidden: number, bias: boolean) {
    super();
    this.gate_proj = new Linear(width, hidden, { bias });
    this.up_proj = new Linear(width, hidden, { bias });
    this.down_proj = new Linear(hidden, width, { bias });
  }

  /** [..., E] → [..., E] */
  forward(x: Tensor): Tensor {
    return this.down_proj.forward(this.gate_proj.forward(x).silu().mul(this.up_proj.forward(x)));
  }
}

class LlamaLayer extends Module {
  readonly self_attn: LlamaAttention;
  readonly mlp: LlamaMlp;
  readonly input_layernorm: RMSNorm;
  readonly post_attention_layernorm: RMSNorm;

  constructor(config: LlamaConfig, sizes: DecoderSizes) {
    super();
    const { hiddenSize, intermediateSize, rmsNormEps: eps = 1e-6, attentionBias = false, mlpBias = false } = config;
    this.self_attn = new LlamaAttention(hiddenSize, sizes, attentionBias);
    this.mlp = new LlamaMlp(hiddenSize, intermediateSize, mlpBias);
    this.input_layernorm = new RMSNorm(hiddenSize, { eps });
    this.post_attention_layernorm = new RMSNorm(hiddenSize, { eps });
  }

  /** [T, E] → [T, E] */
  forward(x: Tensor, layer: number, context: AttentionContext): Tensor {
    const read = this.self_attn.forward(this.input_layernorm.forward(x), layer, context);
    const attended = context.kept(layer, x).add(read);
    return attended.add(this.mlp.forward(this.post_attention_layernorm.forward(attended)));
  }
}

class LlamaModel extends Module {
  readonly embed_tokens: Embedding;
  readonly layers: LlamaLayer[];
  readonly norm: RMSNorm;

  constructor(config: LlamaConfig, sizes: DecoderSizes) {
    super();
    this.embed_tokens = new Embedding(config.vocabSize, config.hiddenSize, { deviation: 0.02 });
    this.layers = Array.from({ length: config.numHiddenLayers }, () => new LlamaLayer(config, sizes));
    this.norm = new RMSNorm(config.hiddenSize, { eps: config.rmsNormEps ?? 1e-6 });
  }
}

/** Llama (https://arxiv.org/abs/2302.13971), versions 1 to 3; names as in Hugging Face's LlamaForCausalLM. */
export class Llama extends Module implements CausalDecoder {
  readonly model: LlamaModel;
  readonly lm_head?: Linear;
  readonly #sizes: DecoderSizes;
  readonly #rotary: RotaryTables;

  /** @throws RangeError where the heads do not divide the width, or the groups the heads. */
  constructor(config: LlamaConfig) {
    super();
    const sizes = llamaSizes(config);
    const { headWidth: width, contextLength } = sizes;
    const positions = contextLength + 1; // one more, for what is fed beyond the last and not read
    const { ropeTheta: theta = 10_000, ropeScaling: scaling = { type: 'default' } } = config;
    this.#sizes = sizes;
    this.#rotary = rotaryTables({ width, positions, theta, scaling });
    this.model = new LlamaModel(config, sizes);
    if (!config.tieWordEmbeddings) this.lm_head = new Linear(config.hiddenSize, config.vocabSize, { bias: false });
  }

  get sizes(): DecoderSizes {
    return this.#sizes;
  }

  get rotary(): RotaryTables {
    return this.#rotary;
  }

  /** ids int32 [B, L] → hidden states [B·L, E], before the last norm. */
  hidden(ids: Tensor, context: AttentionContext): Tensor {
    const embedded = this.model.embed_tokens.forward(ids);
    return this.model.layers.reduce((x, layer, i) => layer.forward(x, i, context), asList(embedded));
  }

  /** [..., E] → [..., E], after the last norm. */
  normalize(hidden: Tensor): Tensor {
    return this.model.norm.forward(hidden);
  }

  /** Hidden states [..., E] → logits [..., V]. */
  head(hidden: Tensor): Tensor {
    const x = this.normalize(hidden);
    return this.lm_head ? this.lm_head.forward(x) : linear(x, this.model.embed_tokens.weight);
  }

  /** ids int32 [B, L] → logits [B, L, V] of the token after each. */
  forward(ids: Tensor): Tensor {
    return inRows(this.head(this.hidden(ids, wholeText(this.#sizes, ids, this.#rotary))), ids);
  }
}

function llamaSizes(config: LlamaConfig): DecoderSizes {
  const { numAttentionHeads: heads, numKeyValueHeads: groups = heads, hiddenSize } = config;
  const headWidth = config.headDim ?? hiddenSize / heads;
  if (!Number.isInteger(headWidth)) throw new RangeError(`hiddenSize ${hiddenSize} is not divisible by ${heads} heads`);
  if (heads % groups !== 0)
    throw new RangeError(`${heads} heads are not divisible by ${groups} heads of keys and values`);
  const { vocabSize, numHiddenLayers: layers, maxPositionEmbeddings: contextLength } = config;
  return { vocabSize, layers, heads, groups, headWidth, contextLength };
}

/** Reads config.json of a LlamaForCausalLM. @throws TypeError naming the field, what it is and what was expected. */
export function parseLlamaConfig(json: unknown): LlamaConfig {
  const fields = new ConfigFields(json);
  fields.expect('model_type', 'llama');
  fields.expect('hidden_act', 'silu');
  const rope = fields.object('rope_parameters'); // since transformers 5; before, two fields
  const hiddenSize = fields.size('hidden_size');
  const heads = fields.size('num_attention_heads');
  const config = {
    vocabSize: fields.size('vocab_size'),
    hiddenSize,
    intermediateSize: fields.size('intermediate_size'),
    numHiddenLayers: fields.size('num_hidden_layers'),
    numAttentionHeads: heads,
    numKeyValueHeads: fields.size('num_key_value_heads', heads),
    headDim: fields.size('head_dim', hiddenSize / heads),
    maxPositionEmbeddings: fields.size('max_position_embeddings', 2048),
    rmsNormEps: fields.positive('rms_norm_eps', 1e-6),
    ropeTheta: (rope ?? fields).positive('rope_theta', 10_000),
    ropeScaling: parseRopeScaling(rope ?? fields.object('rope_scaling')),
    attentionBias: fields.flag('attention_bias', false),
    mlpBias: fields.flag('mlp_bias', false),
    tieWordEmbeddings: fields.flag('tie_word_embeddings', false),
  };
  llamaSizes(config); // refuses heads that do not divide
  return config;
}

function parseRopeScaling(fields: ConfigFields | undefined): RotaryScaling {
  const type = fields?.text('rope_type', fields.text('type', 'default')) ?? 'default';
  if (!fields || type === 'default') return { type: 'default' };
  if (type === 'linear') return { type, factor: fields.positive('factor') };
  if (type !== 'llama3') throw new TypeError(`rope_scaling.rope_type must be default, linear or llama3, got '${type}'`);
  return {
    type,
    factor: fields.positive('factor'),
    lowFreqFactor: fields.positive('low_freq_factor'),
    highFreqFactor: fields.positive('high_freq_factor'),
    originalMaxPositions: fields.size('original_max_position_embeddings'),
  };
}
