import type { Peaks, RowDecoder } from '@rivulet/generation';
import { logitPeaks } from '@rivulet/nn';
import {
  type Compiled,
  type CompileOptions,
  compile,
  type HostTensor,
  type InputSpecs,
  type Outputs,
  symbol,
} from '@rivulet/tensor';
import { CachedText, type CausalDecoder } from './attention-context.ts';
import { KVCache } from './kv-cache.ts';
import { LogitBuffers } from './logit-buffers.ts';

type Graph = Compiled<InputSpecs, Outputs>;

/** What is asked of a run. */
interface Asked {
  /** Tokens whose last hidden states are computed, by their number in the list of all. */
  readonly read: Int32Array;
  /** Those whose logits are wanted, by their number in `read`. Default all. */
  readonly wanted?: Int32Array;
  /** What each that is read counts in each vector that is pooled, [vectors, read]. Default: one vector, of nothing. */
  readonly shares?: Float32Array;
}

export interface SpecialTokens {
  readonly eosTokenIds: readonly number[];
  readonly bosTokenId?: number;
}

/** A decoder compiled for generation: one graph reads prompts and single tokens, and writes into the cache in place. */
export class CompiledDecoder implements RowDecoder {
  readonly vocabSize: number;
  readonly contextLength: number;
  readonly eosTokenIds: readonly number[];
  readonly bosTokenId?: number;
  readonly #graph: Graph;
  readonly #cache: KVCache;
  readonly #cacheNames: readonly string[];
  readonly #buffers: LogitBuffers;
  #peaks: Peaks | undefined;

  private constructor(graph: Graph, { sizes }: CausalDecoder, { eosTokenIds, bosTokenId }: SpecialTokens) {
    this.vocabSize = sizes.vocabSize;
    this.contextLength = sizes.contextLength;
    this.eosTokenIds = eosTokenIds;
    if (bosTokenId !== undefined) this.bosTokenId = bosTokenId;
    this.#graph = graph;
    this.#cache = new KVCache(sizes);
    this.#cacheNames = cacheNames(sizes.layers);
    this.#buffers = new LogitBuffers(sizes.vocabSize);
  }

  /** Compiles the model with its weights of now. */
  static async compile(
    model: CausalDecoder,
    tokens: SpecialTokens,
    options: CompileOptions = {},
  ): Promise<CompiledDecoder> {
    const { sizes, rotary } = model;
    const { layers, groups, headWidth } = sizes;
    const [rows, length, capacity] = [symbol('B'), symbol('L'), symbol('C')];
    const cache = { shape: [rows, groups, capacity, headWidth] };
    const names = cacheNames(layers);
    const specs: InputSpecs = {
      ids: { shape: [rows, length], dtype: 'int32' },
      lengths: { shape: [rows], dtype: 'int32' }, // the position of each row's last new token
      total: { shape: [1], dtype: 'int32' }, // the most tokens of any row, new ones included
      read: { shape: [symbol('R')], dtype: 'int32' }, // tokens that are looked at, by their number in ids
      wanted: { shape: [symbol('W')], dtype: 'int32' }, // those whose logits are wanted, by their number in read
      shares: { shape: [symbol('P'), symbol('R')] }, // of those that are read in what is pooled
      ...Object.fromEntries(names.map((name) => [name, cache])),
    };
    const graph = await compile<InputSpecs, Outputs>(
      specs,
      (given) => {
        const named = given as Record<string, NonNullable<(typeof given)[string]>>;
        const { ids, lengths, total, read, wanted, shares } = named;
        const [keys, values] = [0, 1].map((odd) => names.filter((_, i) => i % 2 === odd).map((name) => given[name]!));
        const past = { lengths: lengths!, total: total!, read: read!, keys: keys!, values: values! };
        const context = new CachedText(sizes, ids!, past, rotary);
        const hidden = model.hidden(ids!, context);
        const caches = names.map((name, i) => [name, (i % 2 === 0 ? context.keys : context.values)[i >> 1]!]);
        const pooled = shares!.matmul(model.normalize(hidden)); // costs next to nothing beside the rest
        const logits = model.head(hidden.gather(wanted!));
        return { logits, ...logitPeaks(logits), pooled, ...Object.fromEntries(caches) };
      },
      { ...options, inPlace: Object.fromEntries(names.map((name) => [name, name])) },
    );
    return new CompiledDecoder(graph, model, tokens);
  }

  get peaks(): Peaks | undefined {
    return this.#peaks;
  }

  add(from?: number, length?: number): number {
    return this.#cache.add(from, length);
  }

  remove(row: number): void {
    this.#cache.remove(row);
  }

  truncate(row: number, length: number): void {
    this.#cache.truncate(row, length);
  }

  async step(rows: readonly number[], tokens: readonly number[]): Promise<Float32Array> {
    const cache = this.#cache;
    for (const row of rows) cache.reserve(row, 1);
    const spread = (): [first: number, count: number] => {
      const slots = rows.map((row) => cache.slotOf(row));
      const first = Math.min(...slots);
      return [first, Math.max(...slots) - first + 1];
    };
    // Rows that lie between these are computed and forgotten; where that were more than these, moving is cheaper.
    if (spread()[1] > 2 * rows.length) cache.gather(rows);
    const [first, count] = spread();
    const ids = new Int32Array(count);
    const read = Int32Array.from(rows, (row) => cache.slotOf(row) - first);
    read.forEach((at, i) => {
      ids[at] = tokens[i]!;
    });
    const { logits } = await this.#run(first, count, ids, { read });
    for (const row of rows) cache.advance(row, 1);
    return logits;
  }

  async read(row: number, tokens: readonly number[], wanted: number): Promise<Float32Array> {
    this.#cache.reserve(row, tokens.length);
    const from = tokens.length - wanted;
    const ids = Int32Array.from(tokens);
    const read = Int32Array.from({ length: wanted }, (_, i) => from + i);
    const { logits } = await this.#run(this.#cache.slotOf(row), 1, ids, { read });
    this.#cache.advance(row, tokens.length);
    return logits;
  }

  /**
   * The mean of the last hidden states of each text, after the last norm: [E] each. They are read in one run, filled up behind their
   * ends, where nothing of them looks.
   */
  async pool(texts: readonly (readonly number[])[]): Promise<Float32Array[]> {
    const cache = this.#cache;
    const longest = Math.max(...texts.map(({ length }) => length));
    const rows = texts.map(() => this.add());
    try {
      for (const row of rows) cache.reserve(row, longest);
      cache.gather(rows);
      const first = Math.min(...rows.map((row) => cache.slotOf(row)));
      const ids = new Int32Array(texts.length * longest);
      const read = new Int32Array(texts.reduce((n, { length }) => n + length, 0));
      const shares = new Float32Array(texts.length * read.length);
      let to = 0;
      for (const [i, text] of texts.entries()) {
        const at = (cache.slotOf(rows[i]!) - first) * longest;
        ids.set(text, at);
        shares.fill(1 / text.length, i * read.length + to, i * read.length + to + text.length);
        for (let n = 0; n < text.length; n++) read[to++] = at + n;
      }
      const { pooled } = await this.#run(first, texts.length, ids, { read, wanted: Int32Array.of(0), shares });
      const width = pooled.length / texts.length;
      return texts.map((_, i) => pooled.slice(i * width, (i + 1) * width));
    } finally {
      for (const row of rows) this.remove(row);
    }
  }

  recycle(logits: Float32Array): void {
    this.#buffers.recycle(logits);
  }

  /** ids: as many for each row. */
  async #run(
    first: number,
    rows: number,
    ids: Int32Array,
    { read, wanted = read.map((_, i) => i), shares = new Float32Array(read.length) }: Asked,
  ): Promise<{ logits: Float32Array; pooled: Float32Array }> {
    const length = ids.length / rows;
    const lengths = Int32Array.from(this.#cache.lengths(first, rows), (n) => n + length - 1);
    const view = this.#cache.view(first, rows);
    const caches = Object.fromEntries(this.#cacheNames.map((name, i) => [name, view[i]!]));
    const feeds = {
      ids: int32([rows, length], ids),
      lengths: int32([rows], lengths),
      total: int32([1], Int32Array.of(Math.max(...lengths) + 1)),
      read: int32([read.length], read),
      wanted: int32([wanted.length], wanted),
      shares: { dtype: 'float32' as const, dims: [shares.length / read.length, read.length], data: shares },
      ...caches,
    };
    const into = this.#buffers.take(wanted.length);
    const { logits, best, logSum, pooled } = await this.#graph.run(feeds, { ...caches, ...(into && { logits: into }) });
    this.#peaks = { best: best!.data as Int32Array, logSum: logSum!.data as Float32Array };
    return { logits: logits!.data as Float32Array, pooled: pooled!.data as Float32Array };
  }

  dispose(): Promise<void> {
    return this.#graph.dispose();
  }
}

const int32 = (dims: readonly number[], data: Int32Array): HostTensor => ({ dtype: 'int32', dims, data });

/** Keys and values of layer 0, of layer 1, … */
function cacheNames(layers: number): string[] {
  return Array.from({ length: layers }, (_, i) => [`keys_${i}`, `values_${i}`]).flat();
}
