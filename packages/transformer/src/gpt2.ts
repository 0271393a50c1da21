import { Embedding, LayerNorm, linear, Module, normal } from '@rivulet/nn';
import { type HostTensor, parameter, type Tensor } from '@rivulet/tensor';
import {
  type AttentionContext,
  asList,
  type CausalDecoder,
  type DecoderSizes,
  inRows,
  wholeText,
} from './attention-context.ts';
import { ConfigFields } from './config-fields.ts';

/** Field by field what config.json of a GPT2LMHeadModel says. */
export interface GPT2Config {
  readonly vocabSize: number;
  readonly nPositions: number;
  readonly nEmbd: number;
  readonly nLayer: number;
  readonly nHead: number;
  /** Width of the MLP. Default 4 · nEmbd. */
  readonly nInner?: number;
  /** Default 1e-5. */
  readonly layerNormEpsilon?: number;
}

/** A linear layer whose weight lies as [in, out], as GPT-2's checkpoints have it. */
class Conv1D extends Module {
  readonly weight: Tensor; // [I, O]
  readonly bias: Tensor; // [O]

  constructor(input: number, output: number) {
    super();
    this.weight = normal(parameter(input, output), 0.02);
    this.bias = parameter(output);
  }

  /** [T, I] → [T, O] */
  forward(x: Tensor): Tensor {
    return linear(x, this.weight.transpose(0, 1), this.bias);
  }
}

class GPT2Attention extends Module {
  readonly c_attn: Conv1D; // q, k and v
  readonly c_proj: Conv1D;

  constructor(width: number) {
    super();
    this.c_attn = new Conv1D(width, 3 * width);
    this.c_proj = new Conv1D(width, width);
  }

  forward(x: Tensor, layer: number, context: AttentionContext): Tensor {
    return this.c_proj.forward(context.attendPacked(layer, this.c_attn.forward(x)));
  }
}

class GPT2Mlp extends Module {
  readonly c_fc: Conv1D;
  readonly c_proj: Conv1D;

  constructor(width: number, hidden: number) {
    super();
    this.c_fc = new Conv1D(width, hidden);
    this.c_proj = new Conv1D(hidden, width);
  }

  forward(x: Tensor): Tensor {
    return this.c_proj.forward(this.c_fc.forward(x).gelu({ approximate: 'tanh' }));
  }
}

class GPT2Block extends Module {
  readonly ln_1: LayerNorm;
  readonly attn: GPT2Attention;
  readonly ln_2: LayerNorm;
  readonly mlp: GPT2Mlp;

  constructor({ nEmbd, nInner = 4 * nEmbd, layerNormEpsilon: eps = 1e-5 }: GPT2Config) {
    super();
    this.ln_1 = new LayerNorm(nEmbd, { eps });
    this.attn = new GPT2Attention(nEmbd);
    this.ln_2 = new LayerNorm(nEmbd, { eps });
    this.mlp = new GPT2Mlp(nEmbd, nInner);
  }

  forward(x: Tensor, layer: number, context: AttentionContext): Tensor {
    const attended = context.kept(layer, x).add(this.attn.forward(this.ln_1.forward(x), layer, context));
    return attended.add(this.mlp.forward(this.ln_2.forward(attended)));
  }
}

class GPT2Model extends Module {
  readonly wte: Embedding;
  readonly wpe: Embedding;
  readonly h: GPT2Block[];
  readonly ln_f: LayerNorm;

  constructor(config: GPT2Config) {
    super();
    this.wte = new Embedding(config.vocabSize, config.nEmbd, { deviation: 0.02 });
    this.wpe = new Embedding(config.nPositions, config.nEmbd, { deviation: 0.02 });
    this.h = Array.from({ length: config.nLayer }, () => new GPT2Block(config));
    this.ln_f = new LayerNorm(config.nEmbd, { eps: config.layerNormEpsilon ?? 1e-5 });
  }
}

/** GPT-2 (Radford et al. 2019, Language Models are Unsupervised Multitask Learners); names as in Hugging Face's GPT2LMHeadModel. */
export class GPT2 extends Module implements CausalDecoder {
  readonly transformer: GPT2Model;
  readonly #sizes: DecoderSizes;

  /** @throws RangeError where the heads do not divide the width. */
  constructor(config: GPT2Config) {
    super();
    const { vocabSize, nLayer: layers, nHead: heads, nEmbd, nPositions: contextLength } = config;
    if (nEmbd % heads !== 0) throw new RangeError(`nEmbd ${nEmbd} is not divisible by ${heads} heads`);
    this.#sizes = { vocabSize, layers, heads, groups: heads, headWidth: nEmbd / heads, contextLength };
    this.transformer = new GPT2Model(config);
  }

  get sizes(): DecoderSizes {
    return this.#sizes;
  }

  /** ids int32 [B, L] → hidden states [B·L, E], before the last norm. */
  hidden(ids: Tensor, context: AttentionContext): Tensor {
    const { wte, wpe, h } = this.transformer;
    const embedded = wte.forward(ids).add(wpe.forward(context.positions));
    return h.reduce((x, block, i) => block.forward(x, i, context), asList(embedded));
  }

  /** [..., E] → [..., E], after the last norm. */
  normalize(hidden: Tensor): Tensor {
    return this.transformer.ln_f.forward(hidden);
  }

  /** Hidden states [..., E] → logits [..., V]. */
  head(hidden: Tensor): Tensor {
    return linear(this.normalize(hidden), this.transformer.wte.weight);
  }

  /** ids int32 [B, L] → logits [B, L, V] of the token after each. */
  forward(ids: Tensor): Tensor {
    return inRows(this.head(this.hidden(ids, wholeText(this.#sizes, ids))), ids);
  }
}

/** Reads config.json of a GPT2LMHeadModel. @throws TypeError naming the field, what it is and what was expected. */
export function parseGPT2Config(json: unknown): GPT2Config {
  const fields = new ConfigFields(json);
  fields.expect('model_type', 'gpt2');
  fields.expect('activation_function', 'gelu_new', 'gelu_pytorch_tanh');
  fields.expect('scale_attn_weights', true);
  fields.expect('scale_attn_by_inverse_layer_idx', false);
  fields.expect('tie_word_embeddings', true);
  const nEmbd = fields.size('n_embd', 768);
  const nHead = fields.size('n_head', 12);
  if (nEmbd % nHead !== 0) throw new TypeError(`n_embd ${nEmbd} is not divisible by n_head ${nHead}`);
  return {
    vocabSize: fields.size('vocab_size', 50_257),
    nPositions: fields.size('n_positions', 1024),
    nEmbd,
    nLayer: fields.size('n_layer', 12),
    nHead,
    nInner: fields.size('n_inner', 4 * nEmbd),
    layerNormEpsilon: fields.positive('layer_norm_epsilon', 1e-5),
  };
}

/**
 * A published checkpoint under the names of `GPT2`: keys may lack the prefix `transformer.`, and masks and the output layer,
 * which is the embedding, may stand beside the weights.
 */
export function gpt2Weights(weights: ReadonlyMap<string, HostTensor>): Map<string, HostTensor> {
  const known = [...weights].filter(([key]) => key !== 'lm_head.weight' && !/\.attn\.(masked_)?bias$/.test(key));
  return new Map(known.map(([key, value]) => [key.startsWith('transformer.') ? key : `transformer.${key}`, value]));
}
