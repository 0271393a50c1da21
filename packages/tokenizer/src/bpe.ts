import { ByteBPE } from './byte-bpe.ts';
import { byteCharacters, tokenBytes } from './byte-characters.ts';
import { IdBuffer } from './id-buffer.ts';
import type { Model } from './model.ts';
import { PairTable } from './pair-table.ts';
import { TokenBytes } from './token-bytes.ts';

export interface BPEOptions {
  /** Token (in byte characters) → id. */
  readonly vocab: ReadonlyMap<string, number>;
  /** Pairs in the order of their ranks. */
  readonly merges: readonly (readonly [string, string])[];
  readonly unkToken?: string | null;
  /** A word that is a token itself is not taken apart. */
  readonly ignoreMerges?: boolean;
}

/** Byte-pair encoding (https://arxiv.org/abs/1508.07909) over bytes. */
export class BPE implements Model {
  readonly vocab: ReadonlyMap<string, number>;
  readonly merges: readonly (readonly [string, string])[];
  readonly unkToken: string | null;
  readonly ignoreMerges: boolean;
  readonly vocabSize: number;
  readonly #engine: ByteBPE;
  readonly #encoder = new TextEncoder();
  readonly #names: (string | undefined)[] = [];

  /** @throws Error naming an unknown-token, or a merge whose parts or result are not in the vocabulary. */
  constructor({ vocab, merges, unkToken = null, ignoreMerges = false }: BPEOptions) {
    this.vocab = vocab;
    this.merges = merges;
    this.unkToken = unkToken;
    this.ignoreMerges = ignoreMerges;
    const unknown = unkToken === null ? -1 : vocab.get(unkToken);
    if (unknown === undefined) throw new Error(`the vocabulary lacks the unk_token "${unkToken}"`);
    const tokens: (Uint8Array | undefined)[] = [];
    let size = 0;
    for (const [token, id] of vocab) {
      this.#names[id] = token;
      tokens[id] = tokenBytes(token);
      size = Math.max(size, id + 1);
    }
    this.vocabSize = size;
    this.#engine = new ByteBPE({
      tokens: TokenBytes.from(tokens),
      pairs: pairsOf(vocab, merges),
      bytes: Int32Array.from(byteCharacters, (character) => vocab.get(character) ?? unknown),
      whole: ignoreMerges,
    });
  }

  encode(bytes: Uint8Array, start: number, end: number, ids: IdBuffer, ends?: IdBuffer): void {
    this.#engine.encode(bytes, start, end, ids, ends);
  }

  tokenToId(token: string): number | undefined {
    return this.vocab.get(token);
  }

  idToToken(id: number): string | undefined {
    return this.#names[id];
  }

  /** Appends the ids of one word to `out`. */
  encodeWord(word: string, out: number[]): void {
    const ids = new IdBuffer();
    const bytes = this.#encoder.encode(word);
    this.encode(bytes, 0, bytes.length, ids);
    for (let i = 0; i < ids.length; i++) out.push(ids.values[i]!);
  }
}

function pairsOf(vocab: ReadonlyMap<string, number>, merges: readonly (readonly [string, string])[]): PairTable {
  const pairs = new PairTable(merges.length);
  merges.forEach(([left, right], rank) => {
    const id = (token: string): number => {
      const found = vocab.get(token);
      if (found === undefined)
        throw new Error(`merge ${rank} ("${left} ${right}") needs the token "${token}", which the vocabulary lacks`);
      return found;
    };
    pairs.add(id(left), id(right), rank, id(left + right));
  });
  return pairs;
}
