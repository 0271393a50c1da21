import type { IdBuffer } from '../id-buffer.ts';
import type { Model } from '../model.ts';
import { hashOf, TokenTable } from './token-table.ts';

/** Every piece is one token, or unknown. */
export class WordLevel implements Model {
  readonly vocab: ReadonlyMap<string, number>;
  readonly unkToken: string;
  readonly vocabSize: number;
  readonly #tokens: string[] = [];
  readonly #table: TokenTable;

  /** @param unkToken what unknown pieces become; where the vocabulary lacks it too, `encode` throws a RangeError. */
  constructor(vocab: ReadonlyMap<string, number>, unkToken: string) {
    this.vocab = vocab;
    this.unkToken = unkToken;
    for (const [token, id] of vocab) this.#tokens[id] = token;
    this.vocabSize = this.#tokens.length;
    this.#table = new TokenTable(vocab);
  }

  encode(bytes: Uint8Array, start: number, end: number, ids: IdBuffer, ends?: IdBuffer): void {
    const found = this.#table.find(bytes, start, end, hashOf(bytes, start, end));
    const id = found < 0 ? this.vocab.get(this.unkToken) : found;
    if (id === undefined)
      throw new RangeError(`a word is unknown and the vocabulary lacks the unk_token "${this.unkToken}"`);
    ids.push(id);
    ends?.push(end);
  }

  tokenToId(token: string): number | undefined {
    return this.vocab.get(token);
  }

  idToToken(id: number): string | undefined {
    return this.#tokens[id];
  }
}
