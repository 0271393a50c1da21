import { byteToken } from '../byte-token.ts';
import type { IdBuffer } from '../id-buffer.ts';
import { mergeLong } from '../merge-long.ts';
import type { Model } from '../model.ts';
import { addMerge, PairTable } from '../pair-table.ts';
import { CharacterIds } from './character-ids.ts';
import { hashOf, TokenTable } from './token-table.ts';
import { WordCache } from './word-cache.ts';

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

/** Up to this many symbols looking for the best pair again and again beats lists by rank. */
const SHORT = 48;
const NONE = 0x7fffffff;
const encoder = new TextEncoder();

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
  /** By whether the character does not start its piece (1) and whether it ends it (2). */
  readonly #characters: readonly CharacterIds[];
  /** Byte → id, −1 where the vocabulary lacks it. */
  readonly #bytes: Int32Array;
  readonly #prefixBytes: Uint8Array;
  readonly #suffixBytes: Uint8Array;
  readonly #whole: TokenTable | null;
  /** For vocabularies that write blanks as ▁ and have no token with one behind another character: words come out alone. */
  readonly #words: WordCache | null;
  /**
   * The symbols of the piece at hand and where each one's text ends, as the reference counts: by lengths that add up, so that
   * dropped characters move what follows to the left.
   */
  #ids: Int32Array = new Int32Array(256);
  #stops: Int32Array = new Int32Array(256);
  #count = 0;
  #stop = 0;
  readonly #firsts: Int32Array = new Int32Array(SHORT);
  readonly #found: Int32Array = new Int32Array(SHORT);
  readonly #ranks: Int32Array = new Int32Array(SHORT);

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
    const plain = new CharacterIds(vocab, '', '');
    const later = prefix === '' ? plain : new CharacterIds(vocab, prefix, '');
    const last = suffix === '' ? plain : new CharacterIds(vocab, '', suffix);
    const both = prefix === '' ? last : suffix === '' ? later : new CharacterIds(vocab, prefix, suffix);
    this.#characters = [plain, later, last, both];
    this.#prefixBytes = encoder.encode(prefix);
    this.#suffixBytes = encoder.encode(suffix);
    this.#bytes = Int32Array.from({ length: 256 }, (_, byte) => {
      return this.byteFallback ? (vocab.get(byteToken(byte)) ?? -1) : -1;
    });
    this.#whole = this.ignoreMerges ? new TokenTable(vocab) : null;
    const known = this.unkToken !== null || this.#bytes.every((id) => id >= 0); // else characters are dropped, and offsets move
    const apart = known && vocab.has('▁') && !merges.some(([left, right]) => /[^▁]▁/.test(left + right));
    this.#words = this.joinsNeighbours && apart ? new WordCache() : null;
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
      this.#split(bytes, start, end, ids, ends);
      return;
    }
    for (let from = start; from < end; ) {
      const to = wordEnd(bytes, from, end);
      this.#words.encode(bytes, from, to, ids, ends, (found, stops) => this.#split(bytes, from, to, found, stops));
      from = to;
    }
  }

  #split(bytes: Uint8Array, start: number, end: number, ids: IdBuffer, ends?: IdBuffer): void {
    this.#read(bytes, start, end);
    const count = this.#count;
    const firsts = count <= SHORT ? this.#firsts : new Int32Array(count);
    const left = count <= SHORT ? this.#mergeShort(count) : mergeLong(this.#ids, count, this.#pairs, firsts);
    ids.reserve(left);
    ids.values.set(this.#ids.subarray(0, left), ids.length);
    ids.length += left;
    if (!ends) return;
    for (let i = 0; i < left; i++) ends.push(Math.min(end, this.#stops[(i + 1 < left ? firsts[i + 1]! : count) - 1]!));
  }

  /** Splits a piece into the symbols that merging begins with. */
  #read(bytes: Uint8Array, start: number, end: number): void {
    this.#count = 0;
    this.#stop = start;
    this.#room(end - start + this.#prefixBytes.length + this.#suffixBytes.length + 8);
    // An unknown token waits until a known character comes: bytes that stand for a character go before it.
    let unknown = -1;
    let unknownSize = 0;
    for (let at = start; at < end; ) {
      const lead = bytes[at]!;
      const size = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
      let code = size === 1 ? lead : lead & (0xff >> (size + 1));
      for (let i = 1; i < size; i++) code = (code << 6) | (bytes[at + i]! & 0x3f);
      const next = at + size;
      const place = (at === start ? 0 : 1) | (next >= end ? 2 : 0);
      const id = this.#characters[place]!.find(code);
      if (id >= 0) {
        if (unknown >= 0) this.#push(unknown, unknownSize);
        unknown = -1;
        this.#push(id, size);
      } else if (!this.byteFallback || !this.#fallBack(bytes, at, next, place)) {
        if (unknown >= 0 && !this.fuseUnk) this.#push(unknown, unknownSize);
        unknownSize = size + (unknown >= 0 && this.fuseUnk ? unknownSize : 0);
        unknown = this.#unknown();
      }
      at = next;
    }
    if (unknown >= 0) this.#push(unknown, unknownSize);
  }

  /** Pushes the tokens of a character's bytes, one byte of text each; false where the vocabulary lacks one. */
  #fallBack(bytes: Uint8Array, from: number, to: number, place: number): boolean {
    const before = this.#count;
    const stop = this.#stop;
    const put = (source: Uint8Array, start: number, stop: number): boolean => {
      for (let i = start; i < stop; i++) {
        const id = this.#bytes[source[i]!]!;
        if (id < 0) return false;
        this.#room(1);
        this.#push(id, 1);
      }
      return true;
    };
    const all =
      ((place & 1) === 0 || put(this.#prefixBytes, 0, this.#prefixBytes.length)) &&
      put(bytes, from, to) &&
      ((place & 2) === 0 || put(this.#suffixBytes, 0, this.#suffixBytes.length));
    if (!all) [this.#count, this.#stop] = [before, stop];
    return all;
  }

  /** −1 where unknown characters are dropped. */
  #unknown(): number {
    if (this.unkToken === null) return -1;
    const id = this.vocab.get(this.unkToken);
    if (id === undefined)
      throw new RangeError(`a character is unknown and the vocabulary lacks the unk_token "${this.unkToken}"`);
    return id;
  }

  #push(id: number, size: number): void {
    this.#stop += size;
    this.#ids[this.#count] = id;
    this.#stops[this.#count++] = this.#stop;
  }

  #room(more: number): void {
    if (this.#count + more <= this.#ids.length) return;
    const size = Math.max(2 * this.#ids.length, this.#count + more);
    const [ids, stops] = [new Int32Array(size), new Int32Array(size)];
    ids.set(this.#ids.subarray(0, this.#count));
    stops.set(this.#stops.subarray(0, this.#count));
    [this.#ids, this.#stops] = [ids, stops];
  }

  /** Merges the best pair again and again; returns how many symbols are left. */
  #mergeShort(symbols: number): number {
    const ids = this.#ids;
    const firsts = this.#firsts;
    const found = this.#found;
    const ranks = this.#ranks;
    const pairs = this.#pairs;
    let count = symbols;
    const look = (i: number): void => {
      const at = i + 1 < count ? pairs.find(ids[i]!, ids[i + 1]!) : -1;
      found[i] = at;
      ranks[i] = at < 0 ? NONE : pairs.rank(at);
    };
    for (let i = 0; i < count; i++) {
      firsts[i] = i;
      look(i);
    }
    for (;;) {
      let best = NONE;
      let at = 0;
      for (let i = 0; i + 1 < count; i++)
        if (ranks[i]! < best) {
          best = ranks[i]!;
          at = i;
        }
      if (best === NONE) return count;
      ids[at] = pairs.merged(found[at]!);
      count--;
      for (let i = at + 1; i < count; i++) {
        ids[i] = ids[i + 1]!;
        firsts[i] = firsts[i + 1]!;
        found[i] = found[i + 1]!;
        ranks[i] = ranks[i + 1]!;
      }
      if (at > 0) look(at - 1);
      look(at);
    }
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

/** Where the word ends that begins at `from`: before the next ▁ behind another character. */
function wordEnd(bytes: Uint8Array, from: number, end: number): number {
  let blank = true;
  for (let i = from; i < end; i++) {
    const byte = bytes[i]!;
    const isBlank = byte === 0xe2 && bytes[i + 1] === 0x96 && bytes[i + 2] === 0x81 && i + 2 < end;
    if (isBlank) {
      if (!blank) return i;
      i += 2;
    } else blank = false;
  }
  return end;
}
