import { TokenTrie } from './token-trie.ts';

/** The bytes of every token in one array: no string or object per token. */
export class TokenBytes {
  readonly arena: Uint8Array;
  /** Id → where its bytes begin; one entry more than ids. An id without a token is empty. */
  readonly offsets: Int32Array;
  #trie: TokenTrie | undefined;

  constructor(arena: Uint8Array, offsets: Int32Array) {
    this.arena = arena;
    this.offsets = offsets;
  }

  static from(tokens: readonly (Uint8Array | undefined)[]): TokenBytes {
    const offsets = new Int32Array(tokens.length + 1);
    for (let id = 0; id < tokens.length; id++) offsets[id + 1] = offsets[id]! + (tokens[id]?.length ?? 0);
    const arena = new Uint8Array(offsets[tokens.length]!);
    for (let id = 0; id < tokens.length; id++) {
      const token = tokens[id];
      if (token) arena.set(token, offsets[id]!);
    }
    return new TokenBytes(arena, offsets);
  }

  /** Ids by their bytes; made on first use. */
  get trie(): TokenTrie {
    this.#trie ??= new TokenTrie(this.arena, this.offsets);
    return this.#trie;
  }

  /** The highest id plus one. */
  get count(): number {
    return this.offsets.length - 1;
  }

  lengthOf(id: number): number {
    return this.offsets[id + 1]! - this.offsets[id]!;
  }

  of(id: number): Uint8Array {
    return this.arena.subarray(this.offsets[id]!, this.offsets[id + 1]!);
  }
}
