import { attention, mergeHeads, rotate, splitHeads } from '@rivulet/nn';
import { addDims, concat, type InputSpecs, type Inputs, type Outputs, symbol, type Tensor } from '@rivulet/tensor';
import {
  type AttentionContext,
  asList,
  type CausalDecoder,
  type DecoderSizes,
  inRows,
  perHead,
  tables,
  unpacked,
} from './attention-context.ts';

/** A decoder as a graph for `exportONNX`: what it takes, and what computes its outputs. */
export interface DecoderGraph {
  readonly inputs: InputSpecs;
  build(inputs: Inputs<InputSpecs>): Outputs;
}

/**
 * The graph of a decoder with the inputs and outputs that Hugging Face's Optimum gives it, and that transformers.js and other
 * programs look for. All are of any batch, new tokens L and tokens before them P:
 * input_ids, position_ids int64 [B, L]; attention_mask int64 [B, P + L], 0 where a row is padding;
 * past_key_values.N.key and .value [B, groups, P, D] → logits [B, L, V] and present.N.key and .value [B, groups, P + L, D].
 */
export function decoderWithPast(model: CausalDecoder): DecoderGraph {
  const { sizes } = model;
  const [batch, length, past] = ['batch_size', 'sequence_length', 'past_sequence_length'].map(symbol);
  const layers = Array.from({ length: sizes.layers }, (_, i) => i);
  const cached = { shape: [batch!, sizes.groups, past!, sizes.headWidth] };
  const caches = layers.flatMap((i) => [`past_key_values.${i}.key`, `past_key_values.${i}.value`]);
  return {
    inputs: {
      input_ids: { shape: [batch!, length!], dtype: 'int64' },
      attention_mask: { shape: [batch!, addDims(past!, length!)], dtype: 'int64' },
      position_ids: { shape: [batch!, length!], dtype: 'int64' },
      ...Object.fromEntries(caches.map((name) => [name, cached])),
    },
    build(inputs) {
      const context = new TextWithPast(model, inputs);
      const logits = inRows(model.head(model.hidden(inputs.input_ids!, context)), inputs.input_ids!);
      const present = layers.flatMap((i) => [
        [`present.${i}.key`, context.keys[i]!],
        [`present.${i}.value`, context.values[i]!],
      ]);
      return { logits, ...Object.fromEntries(present) };
    },
  };
}

/** New tokens behind keys and values that are inputs; the longer ones come out in `keys` and `values`. */
class TextWithPast implements AttentionContext {
  readonly positions: Tensor;
  readonly keys: Tensor[] = [];
  readonly values: Tensor[] = [];
  readonly #sizes: DecoderSizes;
  readonly #inputs: Inputs<InputSpecs>;
  /** [B, 1, 1, P + L] */
  readonly #mask: Tensor;
  /** Cosines and sines [B, 1, L, D/2]. */
  readonly #turns: readonly Tensor[];

  constructor({ sizes, rotary }: CausalDecoder, inputs: Inputs<InputSpecs>) {
    this.#sizes = sizes;
    this.#inputs = inputs;
    this.positions = inputs.position_ids!;
    this.#mask = inputs.attention_mask!.greater(0).unsqueeze(1).unsqueeze(1);
    this.#turns = (rotary ? tables(rotary, sizes) : []).map((table) => table.gather(this.positions).unsqueeze(1));
  }

  attend(layer: number, q: Tensor, k: Tensor, v: Tensor): Tensor {
    const { heads, groups } = this.#sizes;
    const behind = (name: string, x: Tensor): Tensor =>
      concat([this.#inputs[`past_key_values.${layer}.${name}`]!, x], 2); // [B, groups, P + L, D]
    const split = (x: Tensor, count: number): Tensor => splitHeads(inRows(x, this.#inputs.input_ids!), count);
    const keys = behind('key', this.#turn(split(k, groups)));
    const values = behind('value', split(v, groups));
    this.keys[layer] = keys;
    this.values[layer] = values;
    const queries = this.#turn(split(q, heads));
    const options = { mask: this.#mask, causal: true };
    return asList(mergeHeads(attention(queries, perHead(keys, this.#sizes), perHead(values, this.#sizes), options)));
  }

  attendPacked(layer: number, qkv: Tensor): Tensor {
    return this.attend(layer, ...unpacked(qkv, this.#sizes));
  }

  kept(_layer: number, x: Tensor): Tensor {
    return x;
  }

  #turn(x: Tensor): Tensor {
    const [cos, sin] = this.#turns;
    return cos && sin ? rotate(x, cos, sin) : x;
  }
}
