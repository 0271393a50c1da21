import type { IdBuffer } from '../id-buffer.ts';
import type { Model } from '../model.ts';
import { HASH_START, hashEnd, hashStep, TokenTable } from './token-table.ts';
import { WordCache } from './word-cache.ts';

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
  readonly #first: TokenTable;
  readonly #continuing: TokenTable;
  readonly #cache = new WordCache();

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
    const entries = [...vocab].filter(([token]) => token !== '');
    this.#first = new TokenTable(entries);
    this.#continuing = new TokenTable(
      entries
        .filter(([token]) => token.startsWith(prefix) && token.length > prefix.length)
        .map(([token, id]) => [token.slice(prefix.length), id] as const),
    );
  }

  encode(bytes: Uint8Array, start: number, end: number, ids: IdBuffer, ends?: IdBuffer): void {
    this.#cache.encode(bytes, start, end, ids, ends, (found, stops) => {
      const [words, bounds] = this.#split(bytes, start, end);
      for (let i = 0; i < words.length; i++) {
        found.push(words[i]!);
        stops.push(bounds[i]!);
      }
    });
  }

  #split(bytes: Uint8Array, start: number, end: number): [number[], number[]] {
    let characters = 0;
    for (let i = start; i < end; i++) if ((bytes[i]! & 0xc0) !== 0x80) characters++;
    const words: number[] = [];
    const stops: number[] = [];
    const hashes: number[] = [];
    for (let at = start; at < end && characters <= this.maxInputCharsPerWord; ) {
      const table = at === start ? this.#first : this.#continuing;
      const limit = Math.min(end, at + table.longest);
      let hash = HASH_START;
      for (let i = at; i < limit; i++) {
        hash = hashStep(hash, bytes[i]!);
        hashes[i - at] = hashEnd(hash);
      }
      let found = -1;
      let stop = limit;
      for (; stop > at && found < 0; stop--) found = table.find(bytes, at, stop, hashes[stop - at - 1]!);
      if (found < 0) return this.#unknown(end);
      at = stop + 1;
      words.push(found);
      stops.push(at);
    }
    return characters > this.maxInputCharsPerWord ? this.#unknown(end) : [words, stops];
  }

  #unknown(end: number): [number[], number[]] {
    const id = this.vocab.get(this.unkToken);
    if (id === undefined)
      throw new RangeError(`a word is unknown and the vocabulary lacks the unk_token "${this.unkToken}"`);
    return [[id], [end]];
  }

  tokenToId(token: string): number | undefined {
    return this.vocab.get(token);
  }

  idToToken(id: number): string | undefined {
    return this.#tokens[id];
  }
}
