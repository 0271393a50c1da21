import type { HostTensor } from '@rivulet/tensor';

/** A source as a decoder without its texts sees it: keys and values [heads, length, D]; none without attention. */
export interface Source {
  readonly length: number;
  readonly k?: Float32Array;
  readonly v?: Float32Array;
}

/** Several sources as the inputs of one step: k, v [N, heads, S, D], filled up with zeros; lengths int32 [N]. */
export type SourceFeeds = Readonly<Record<string, HostTensor>>;

/** Puts sources together; as long as the same ones are asked for, they are together already. */
export class SourceBatches {
  readonly #heads: number;
  readonly #width: number;
  #sources: readonly Source[] = [];
  #feeds: SourceFeeds = {};

  /** @param width of a head. */
  constructor(heads: number, width: number) {
    this.#heads = heads;
    this.#width = width;
  }

  of(sources: readonly Source[]): SourceFeeds {
    const same = sources.length === this.#sources.length && sources.every((source, i) => source === this.#sources[i]);
    if (!same) {
      this.#feeds = this.#heads > 0 ? this.#join(sources) : {};
      this.#sources = sources;
    }
    return this.#feeds;
  }

  #join(sources: readonly Source[]): SourceFeeds {
    const [heads, width] = [this.#heads, this.#width];
    const longest = Math.max(...sources.map(({ length }) => length));
    const joined = (name: 'k' | 'v'): HostTensor => {
      const data = new Float32Array(sources.length * heads * longest * width);
      for (const [i, source] of sources.entries())
        for (let head = 0; head < heads; head++) {
          const size = source.length * width;
          data.set(source[name]!.subarray(head * size, (head + 1) * size), (i * heads + head) * longest * width);
        }
      return { dtype: 'float32', dims: [sources.length, heads, longest, width], data };
    };
    const lengths = Int32Array.from(sources, ({ length }) => length);
    return { k: joined('k'), v: joined('v'), lengths: { dtype: 'int32', dims: [sources.length], data: lengths } };
  }
}
