import { type Dropout, LONGEST, mergeLeavingOut } from '../bpe-dropout.ts';
import { byteOfToken } from '../byte-token.ts';
import type { IdBuffer } from '../id-buffer.ts';
import type { Model } from '../model.ts';
import { addMerge, PairTable } from '../pair-table.ts';
import { CharacterSymbols } from './character-symbols.ts';
import { CompactText, expandEnds } from './compact-text.ts';
import { mergeSymbols } from './merge-symbols.ts';
import { MergedWords } from './merged-words.ts';
import { hashOf, TokenTable } from './token-table.ts';

export interface CharacterBPEOptions {
  readonly vocab: ReadonlyMap<string, number>;
  /** Pairs in the order of their ranks. */
  readonly merges: readonly (readonly [string, string])[];
  /** One for each merge, where some are equal: the leftmost of equals comes first. Default: their places. */
  readonly ranks?: readonly number[];
  /** What characters become that are no tokens. Default null: they are dropped. */
  readonly unkToken?: string | null;
  /** Unknown characters that follow each other become one token. Default false. */
  readonly fuseUnk?: boolean;
  /** Unknown characters become the tokens of their bytes, such as `<0x0A>`, where all of these exist. Default false. */
  readonly byteFallback?: boolean;
  /** A piece that is a token itself is not taken apart. Default false. */
  readonly ignoreMerges?: boolean;
  /** Written before characters that do not start a piece. Default ''. */
  readonly continuingSubwordPrefix?: string;
  /** Written behind the last character of a piece. Default ''. */
  readonly endOfWordSuffix?: string;
}

/** Byte-pair encoding (https://arxiv.org/abs/1508.07909) over characters, as in vocabularies that come from SentencePiece. */
export class CharacterBPE implements Model {
  readonly vocab: ReadonlyMap<string, number>;
  readonly merges: readonly (readonly [string, string])[];
  readonly unkToken: string | null;
  readonly fuseUnk: boolean;
  readonly byteFallback: boolean;
  readonly ignoreMerges: boolean;
  readonly continuingSubwordPrefix: string;
  readonly endOfWordSuffix: string;
  readonly vocabSize: number;
  readonly joinsNeighbours: boolean;
  readonly #tokens: string[] = [];
  readonly #pairs: PairTable;
  readonly #symbols: CharacterSymbols;
  readonly #whole: TokenTable | null;
  /** For vocabularies in which a word's ids depend on nothing but the word. */
  readonly #words: MergedWords | null;
  readonly #text = new CompactText();

  /** @throws Error naming a merge whose parts or result are not in the vocabulary. */
  constructor(options: CharacterBPEOptions) {
    const { vocab, merges, continuingSubwordPrefix: prefix = '', endOfWordSuffix: suffix = '' } = options;
    this.vocab = vocab;
    this.merges = merges;
    this.unkToken = options.unkToken ?? null;
    this.fuseUnk = options.fuseUnk ?? false;
    this.byteFallback = options.byteFallback ?? false;
    this.ignoreMerges = options.ignoreMerges ?? false;
    this.continuingSubwordPrefix = prefix;
    this.endOfWordSuffix = suffix;
    for (const [token, id] of vocab) this.#tokens[id] = token;
    this.vocabSize = this.#tokens.length;
    this.joinsNeighbours = !this.ignoreMerges && prefix === '' && suffix === '';
    this.#pairs = pairsOf(vocab, merges, prefix, options.ranks);
    const { unkToken, fuseUnk, byteFallback } = this;
    this.#symbols = new CharacterSymbols({ vocab, unkToken, fuseUnk, byteFallback, prefix, suffix });
    this.#whole = this.ignoreMerges ? new TokenTable(vocab) : null;
    // Characters that are dropped move offsets, and a byte goes before the unknown token that it follows.
    const known = this.#symbols.hasAllBytes || (!byteFallback && unkToken !== null && vocab.has(unkToken));
    const reserved = (token: string): boolean => token === unkToken || byteOfToken(token) !== undefined;
    const apart = !merges.some(([left, right]) => reserved(left) || reserved(right));
    this.#words =
      this.joinsNeighbours && known && apart && vocab.has('▁')
        ? new MergedWords({ vocab, merges, pairs: this.#pairs, symbols: this.#symbols, fuseUnk })
        : null;
  }

  encode(bytes: Uint8Array, start: number, end: number, ids: IdBuffer, ends?: IdBuffer): void {
    if (end <= start) return;
    const whole = this.#whole?.find(bytes, start, end, hashOf(bytes, start, end)) ?? -1;
    if (whole >= 0) {
      ids.push(whole);
      ends?.push(end);
      return;
    }
    if (!this.#words) {
      this.#merge(bytes, start, end, ids, ends);
      return;
    }
    const text = this.#text;
    text.set(bytes, start, end);
    const first = ends?.length ?? 0;
    this.#words.encode(text, 0, text.length, ids, ends);
    if (ends) expandEnds(text.bytes, ends, first, start);
  }

  /** The same with merges left out at random; a piece that is a token itself is taken apart like any other. */
  encodeWithDropout(
    bytes: Uint8Array,
    start: number,
    end: number,
    dropout: Dropout,
    ids: IdBuffer,
    ends?: IdBuffer,
  ): void {
    const symbols = this.#symbols;
    symbols.read(bytes, start, end);
    for (let from = 0; from < symbols.count; from += LONGEST) {
      const to = Math.min(from + LONGEST, symbols.count);
      const stops = Array.from(symbols.stops.subarray(from, to), (stop) => Math.min(end, stop));
      mergeLeavingOut([...symbols.ids.subarray(from, to)], stops, this.#pairs, dropout, ids, ends);
    }
  }

  #merge(bytes: Uint8Array, start: number, end: number, ids: IdBuffer, ends?: IdBuffer): void {
    const symbols = this.#symbols;
    symbols.read(bytes, start, end);
    const { count, stops } = symbols;
    const firsts = new Int32Array(count);
    const left = mergeSymbols(symbols.ids, count, this.#pairs, firsts);
    for (let i = 0; i < left; i++) ids.push(symbols.ids[i]!);
    if (!ends) return;
    for (let i = 0; i < left; i++) ends.push(Math.min(end, stops[(i + 1 < left ? firsts[i + 1]! : count) - 1]!));
  }

  tokenToId(token: string): number | undefined {
    return this.vocab.get(token);
  }

  idToToken(id: number): string | undefined {
    return this.#tokens[id];
  }
}

function pairsOf(
  vocab: ReadonlyMap<string, number>,
  merges: readonly (readonly [string, string])[],
  prefix: string,
  ranks: readonly number[] | undefined,
): PairTable {
  const pairs = new PairTable(merges.length);
  // The last of equal pairs counts, and the table keeps the first.
  for (let i = merges.length - 1; i >= 0; i--) addMerge(pairs, vocab, merges[i]!, ranks?.[i] ?? i, prefix);
  return pairs;
}
