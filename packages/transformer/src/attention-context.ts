import type { RotaryTables } from '@rivulet/nn';
import { attention, mergeHeads, rotate, splitHeads } from '@rivulet/nn';
import { applyAll, iota, type Tensor, tensor } from '@rivulet/tensor';

/** The sizes of a decoder that generation has to know. */
export interface DecoderSizes {
  readonly vocabSize: number;
  readonly layers: number;
  readonly heads: number;
  /** Heads of keys and values; each serves heads / groups query heads. */
  readonly groups: number;
  readonly headWidth: number;
  /** The most positions. */
  readonly contextLength: number;
}

/** What one run over a cache gets beside the tokens. */
export interface CacheInputs {
  /** int32 [B]: the position of each row's last new token. */
  readonly lengths: Tensor;
  /** int32 [1]: the most tokens of any row, new ones included. */
  readonly total: Tensor;
  /** int32 [R]: the tokens, by their number in the list, whose last hidden states are read. */
  readonly read: Tensor;
  /** Per layer, [B, groups, capacity, headWidth]. */
  readonly keys: readonly Tensor[];
  readonly values: readonly Tensor[];
}

/**
 * How the layers of one run see the tokens: all at once, or new ones behind a cache. A model's layers only compute q, k and v;
 * what they are matched with is decided here, so that training and generation share the layers. These see the tokens of all rows
 * as one list of T = B·L: products want them so, and a change of shape for each of them costs a node.
 */
export interface AttentionContext {
  /** q [T, heads·D], k and v [T, groups·D] → [T, heads·D]. */
  attend(layer: number, q: Tensor, k: Tensor, v: Tensor): Tensor;
  /** q, k and v in one, [T, (heads + 2·groups)·D] → [T, heads·D]. */
  attendPacked(layer: number, qkv: Tensor): Tensor;
  /**
   * x [T, E], which went into this layer → of it what the layer adds to: all, as most runs have it. Behind the last layer some runs read a few
   * tokens only: there `attend` gives these alone, and the rest of the layer computes nothing for the others.
   */
  kept(layer: number, x: Tensor): Tensor;
  /** int64, broadcasts to the tokens' shape: where each stands. */
  readonly positions: Tensor;
}

/** All tokens at once, each seeing itself and those before it; differentiable. */
export function wholeText(sizes: DecoderSizes, ids: Tensor, rotary?: RotaryTables): AttentionContext {
  const { heads, groups } = sizes;
  const positions = iota(ids.dim(1));
  const split = (x: Tensor, count: number): Tensor => splitHeads(inRows(x, ids), count);
  const [cos, sin] = (rotary ? tables(rotary, sizes) : []).map((table) => table.gather(positions));
  const turn = (x: Tensor): Tensor => (cos && sin ? rotate(x, cos, sin) : x);
  const attend = (q: Tensor, k: Tensor, v: Tensor): Tensor => {
    const [queries, keys] = [turn(split(q, heads)), turn(split(k, groups))];
    const values = split(v, groups);
    return asList(mergeHeads(attention(queries, perHead(keys, sizes), perHead(values, sizes), { causal: true })));
  };
  return {
    positions,
    kept: (_, x) => x,
    attend: (_, q, k, v) => attend(q, k, v),
    attendPacked: (_, qkv) => attend(...unpacked(qkv, sizes)),
  };
}

/** [T, (heads + 2·groups)·D] → q [T, heads·D], k and v [T, groups·D]. */
export function unpacked(qkv: Tensor, { heads, groups, headWidth }: DecoderSizes): [q: Tensor, k: Tensor, v: Tensor] {
  return qkv.split(
    [heads, groups, groups].map((count) => count * headWidth),
    -1,
  ) as [Tensor, Tensor, Tensor];
}

/** Keys or values [B, groups, S, D] → [B, heads, S, D]: each group once for every head that it serves. */
export function perHead(x: Tensor, { heads, groups }: DecoderSizes): Tensor {
  if (heads === groups) return x;
  const [batch, , rows, width] = x.shape;
  return x
    .unsqueeze(2)
    .expand([batch!, groups, heads / groups, rows!, width!])
    .reshape([batch!, heads, rows!, width!]);
}

/** [T, ...] → [B, L, ...] */
export const inRows = (x: Tensor, ids: Tensor): Tensor => x.reshape([...ids.shape, x.dim(-1)]);

/** [B, L, ...] → [T, ...] */
export const asList = (x: Tensor): Tensor => x.reshape([-1, x.dim(-1)]);

/** New tokens behind cached ones; the caches with the new tokens come out in `keys` and `values`. */
export class CachedText implements AttentionContext {
  readonly positions: Tensor;
  readonly keys: Tensor[] = [];
  readonly values: Tensor[] = [];
  readonly #sizes: DecoderSizes;
  readonly #ids: Tensor;
  readonly #cache: CacheInputs;
  readonly #tables: readonly Tensor[];
  /** What turns queries and keys where the runtime's kernel does not. */
  readonly #turns: readonly Tensor[] | null;

  /** @param ids int32 [B, L], the new tokens of each row. */
  constructor(sizes: DecoderSizes, ids: Tensor, cache: CacheInputs, rotary?: RotaryTables) {
    this.#sizes = sizes;
    this.#ids = ids;
    this.#cache = cache;
    const fromEnd = iota(ids.dim(1)).sub(iota(ids.dim(1)).max()); // −(L − 1) … 0
    this.positions = cache.lengths
      .cast('int64')
      .unsqueeze(1)
      .add(fromEnd)
      .clip(0, sizes.contextLength - 1);
    const all = rotary ? tables(rotary, sizes) : [];
    const inKernel = sizes.headWidth % 16 === 0; // its rotary embedding takes no other widths
    this.#tables = inKernel ? all : [];
    // [B, L, D/2] → [B, 1, L, D/2]
    this.#turns = rotary && !inKernel ? all.map((table) => table.gather(this.positions).unsqueeze(1)) : null;
  }

  attend(layer: number, q: Tensor, k: Tensor, v: Tensor): Tensor {
    const { heads, groups } = this.#sizes;
    const [queries, newKeys, newValues] = [q, k, v].map((x) => inRows(x, this.#ids)) as [Tensor, Tensor, Tensor];
    return this.#attend(layer, [this.#turn(queries, heads), this.#turn(newKeys, groups), newValues]);
  }

  attendPacked(layer: number, qkv: Tensor): Tensor {
    if (this.#turns) return this.attend(layer, ...unpacked(qkv, this.#sizes));
    return this.#attend(layer, [inRows(qkv, this.#ids)]); // one change of shape in place of a split and three
  }

  /** @param given q, k and v, or all in one; in rows. */
  #attend(layer: number, given: readonly Tensor[]): Tensor {
    const { heads, groups, headWidth } = this.#sizes;
    const { keys, values, lengths, total } = this.#cache;
    const inputs = [...given, keys[layer]!, values[layer]!, lengths, total, ...this.#tables];
    const attrs = { heads, groups, scale: 1 / Math.sqrt(headWidth), packed: given.length === 1 };
    const [y, nextKeys, nextValues] = applyAll('cachedAttention', inputs, attrs);
    this.keys[layer] = nextKeys!;
    this.values[layer] = nextValues!;
    return this.kept(layer, asList(y!));
  }

  kept(layer: number, x: Tensor): Tensor {
    return layer === this.#sizes.layers - 1 ? x.gather(this.#cache.read) : x;
  }

  /** [B, L, heads·D] → the same, turned. */
  #turn(x: Tensor, heads: number): Tensor {
    if (!this.#turns) return x;
    const [cos, sin] = this.#turns as [Tensor, Tensor];
    return mergeHeads(rotate(splitHeads(x, heads), cos, sin));
  }
}

/** Cosines and sines, both [positions, D/2]. */
export function tables({ cos, sin }: RotaryTables, { headWidth }: DecoderSizes): Tensor[] {
  const half = headWidth / 2;
  return [cos, sin].map((values) => tensor(values, [values.length / half, half]));
}

/** A decoder-only Transformer whose layers meet the text through an `AttentionContext`. */
export interface CausalDecoder {
  readonly sizes: DecoderSizes;
  readonly rotary?: RotaryTables;
  /** ids int32 [B, L] → hidden states [B·L, E], before the last norm; where the context keeps some tokens alone, of these. */
  hidden(ids: Tensor, context: AttentionContext): Tensor;
  /** Hidden states [..., E] → [..., E], after the last norm. */
  normalize(hidden: Tensor): Tensor;
  /** Hidden states [..., E], before the last norm → logits [..., V]. */
  head(hidden: Tensor): Tensor;
}
