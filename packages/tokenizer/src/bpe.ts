import { type Dropout, encodeWithDropout } from './bpe-dropout.ts';
import { ByteBPE, type ByteBPEParts } from './byte-bpe.ts';
import { byteCharacters, tokenBytes } from './byte-characters.ts';
import type { ByteWords } from './byte-words/byte-words.ts';
import { IdBuffer } from './id-buffer.ts';
import type { Model } from './model.ts';
import { addMerge, PairTable } from './pair-table.ts';
import type { WordPattern } from './splitters.ts';
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

/** The tables of a model, ready for use. */
export interface BPETables extends ByteBPEParts {
  readonly unkToken?: string | null;
  /** Spellings that do not follow from a token's bytes: those with characters that stand for no byte. */
  readonly spellings?: ReadonlyMap<number, string>;
}

/** Byte-pair encoding (https://arxiv.org/abs/1508.07909) over bytes. */
export class BPE implements Model {
  readonly unkToken: string | null;
  readonly ignoreMerges: boolean;
  readonly vocabSize: number;
  readonly #engine: ByteBPE;
  readonly #encoder = new TextEncoder();
  readonly #parts: ByteBPEParts;
  readonly #spellings: ReadonlyMap<number, string> | undefined;
  /** Tokens that were asked for. */
  readonly #idTokens: (string | undefined)[] = [];
  #vocab: ReadonlyMap<string, number> | undefined;
  #merges: readonly (readonly [string, string])[] | undefined;

  /** @throws Error naming an unknown-token, or a merge whose parts or result are not in the vocabulary. */
  constructor(options: BPEOptions | BPETables) {
    if ('tokens' in options) {
      this.unkToken = options.unkToken ?? null;
      this.ignoreMerges = options.whole;
      this.vocabSize = options.tokens.count;
      this.#parts = options;
      this.#spellings = options.spellings;
      this.#engine = new ByteBPE(options);
      return;
    }
    const { vocab, merges, unkToken = null, ignoreMerges = false } = options;
    this.#vocab = vocab;
    this.#merges = merges;
    this.unkToken = unkToken;
    this.ignoreMerges = ignoreMerges;
    const unknown = unkToken === null ? -1 : vocab.get(unkToken);
    if (unknown === undefined) throw new Error(`the vocabulary lacks the unk_token "${unkToken}"`);
    const tokens: (Uint8Array | undefined)[] = [];
    for (const [token, id] of vocab) tokens[id] = tokenBytes(token);
    this.vocabSize = tokens.length;
    this.#parts = {
      tokens: TokenBytes.from(tokens),
      pairs: pairsOf(vocab, merges),
      bytes: Int32Array.from(byteCharacters, (character) => vocab.get(character) ?? unknown),
      whole: ignoreMerges,
    };
    this.#engine = new ByteBPE(this.#parts);
  }

  /** What a model like this one is made from. */
  tables(): BPETables {
    const spellings = new Map<number, string>();
    for (const [token, id] of this.vocab) if (token !== this.#characters(id)) spellings.set(id, token);
    return { ...this.#parts, unkToken: this.unkToken, spellings };
  }

  /** A piece that is looked up as a whole is not made by joining alone. */
  get joinsNeighbours(): boolean {
    return !this.ignoreMerges;
  }

  /** Token (in byte characters) → id; made on first use where the model was read from bytes. */
  get vocab(): ReadonlyMap<string, number> {
    if (!this.#vocab) {
      const vocab = new Map<string, number>();
      for (let id = 0; id < this.vocabSize; id++)
        if (this.#engine.tokens.lengthOf(id) > 0 || this.#spellings?.has(id)) vocab.set(this.#name(id), id);
      this.#vocab = vocab;
    }
    return this.#vocab;
  }

  /** Pairs in the order of their ranks. */
  get merges(): readonly (readonly [string, string])[] {
    const { pairs } = this.#parts;
    this.#merges ??= Array.from(
      pairs.byRank(),
      (at) => [this.#name(pairs.left(at)), this.#name(pairs.right(at))] as const,
    );
    return this.#merges;
  }

  #name(id: number): string {
    return this.#spellings?.get(id) ?? this.#characters(id);
  }

  #characters(id: number): string {
    let name = '';
    for (const byte of this.#engine.tokens.of(id)) name += byteCharacters[byte]!;
    return name;
  }

  /** The bytes of a token, or undefined where the id has none. */
  tokenBytes(id: number): Uint8Array | undefined {
    return id < this.vocabSize && this.#engine.tokens.lengthOf(id) > 0 ? this.#engine.tokens.of(id) : undefined;
  }

  /** Id → the length of its token in bytes; null where a token may stand for other bytes than its own, or for none. */
  get lengths(): Int32Array | null {
    return this.#engine.lengths;
  }

  encode(bytes: Uint8Array, start: number, end: number, ids: IdBuffer, ends?: IdBuffer): void {
    this.#engine.encode(bytes, start, end, ids, ends);
  }

  /** A fast way from a text, cut by a known pattern, to ids; null where there is none. */
  words(pattern: WordPattern): ByteWords | null {
    return this.#engine.words(pattern);
  }

  /** The same with merges left out at random. */
  encodeWithDropout(
    bytes: Uint8Array,
    start: number,
    end: number,
    dropout: Dropout,
    ids: IdBuffer,
    ends?: IdBuffer,
  ): void {
    encodeWithDropout(this.#parts, bytes, start, end, dropout, ids, ends);
  }

  tokenToId(token: string): number | undefined {
    return this.vocab.get(token);
  }

  idToToken(id: number): string | undefined {
    const known = this.#idTokens[id];
    if (known !== undefined || !this.tokenBytes(id)) return known;
    // A token with characters that stand for no byte was taken as text: only the vocabulary knows its spelling.
    const name = this.#name(id);
    const token =
      this.#vocab === undefined || this.#vocab.get(name) === id
        ? name
        : [...this.#vocab].find(([, of]) => of === id)?.[0];
    if (token !== undefined) this.#idTokens[id] = token;
    return token;
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
  merges.forEach((merge, rank) => {
    addMerge(pairs, vocab, merge, rank);
  });
  return pairs;
}
