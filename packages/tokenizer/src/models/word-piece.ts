import type { IdBuffer } from '../id-buffer.ts';
import type { Model } from '../model.ts';
import { PieceCache } from '../piece-cache.ts';
import { TokenBytes } from '../token-bytes.ts';
import type { TokenTrie } from '../token-trie.ts';

export interface WordPieceOptions {
  readonly vocab: ReadonlyMap<string, number>;
  /** What a word becomes that cannot be put together. Default '[UNK]'. */
  readonly unkToken?: string;
  /** Written before tokens that do not start a word. Default '##'. */
  readonly continuingSubwordPrefix?: string;
  /** Longer words, in code points, are unknown. Default 100. */
  readonly maxInputCharsPerWord?: number;
}

/** The longest token first, then the longest continuation, and so on (https://arxiv.org/abs/1609.08144, §4.1). */
export class WordPiece implements Model {
  readonly vocab: ReadonlyMap<string, number>;
  readonly unkToken: string;
  readonly continuingSubwordPrefix: string;
  readonly maxInputCharsPerWord: number;
  readonly vocabSize: number;
  readonly #tokens: string[] = [];
  readonly #first: TokenTrie;
  readonly #continuing: TokenTrie;
  /** Id → the length of its token in bytes. */
  readonly #lengths: Int32Array;
  readonly #prefixLength: number;
  readonly #cache: PieceCache;

  constructor({
    vocab,
    unkToken = '[UNK]',
    continuingSubwordPrefix = '##',
    maxInputCharsPerWord = 100,
  }: WordPieceOptions) {
    this.vocab = vocab;
    this.unkToken = unkToken;
    this.continuingSubwordPrefix = continuingSubwordPrefix;
    this.maxInputCharsPerWord = maxInputCharsPerWord;
    for (const [token, id] of vocab) this.#tokens[id] = token;
    this.vocabSize = this.#tokens.length;
    const prefix = continuingSubwordPrefix;
    const encoder = new TextEncoder();
    const tokens = TokenBytes.from(this.#tokens.map((token) => encoder.encode(token)));
    this.#first = tokens.trie;
    this.#lengths = tokens.offsets.subarray(1).map((stop, id) => stop - tokens.offsets[id]!);
    this.#prefixLength = encoder.encode(prefix).length;
    this.#continuing = TokenBytes.from(
      this.#tokens.map((token) => (token.startsWith(prefix) ? encoder.encode(token.slice(prefix.length)) : undefined)),
    ).trie;
    this.#cache = new PieceCache(this.vocabSize);
  }

  encode(bytes: Uint8Array, start: number, end: number, ids: IdBuffer, ends?: IdBuffer): void {
    if (start >= end) return;
    if (ends) this.#encode(bytes, start, end, ids, ends);
    else if (!this.#cache.take(bytes, start, end, ids)) {
      const from = ids.length;
      this.#encode(bytes, start, end, ids, undefined);
      this.#cache.keep(ids, from);
    }
  }

  #encode(bytes: Uint8Array, start: number, end: number, ids: IdBuffer, ends: IdBuffer | undefined): void {
    const [from, firstEnd] = [ids.length, ends?.length ?? 0];
    let characters = 0;
    for (let i = start; i < end; i++) if ((bytes[i]! & 0xc0) !== 0x80) characters++;
    let id = characters > this.maxInputCharsPerWord ? -1 : this.#first.longest(bytes, start, end);
    for (let at = start; id >= 0; id = this.#continuing.longest(bytes, at, end)) {
      at += this.#lengths[id]! - (at === start ? 0 : this.#prefixLength);
      ids.push(id);
      ends?.push(at);
      if (at === end) return;
    }
    ids.length = from;
    if (ends) ends.length = firstEnd;
    ids.push(this.#unknown());
    ends?.push(end);
  }

  #unknown(): number {
    const id = this.vocab.get(this.unkToken);
    if (id === undefined)
      throw new RangeError(`a word is unknown and the vocabulary lacks the unk_token "${this.unkToken}"`);
    return id;
  }

  tokenToId(token: string): number | undefined {
    return this.vocab.get(token);
  }

  idToToken(id: number): string | undefined {
    return this.#tokens[id];
  }
}
