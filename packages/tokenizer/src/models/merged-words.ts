import type { Dropout } from '../bpe-dropout.ts';
import { IdBuffer } from '../id-buffer.ts';
import type { PairTable } from '../pair-table.ts';
import { compactBytes, sizeOfLead } from './blanks.ts';
import type { CharacterSymbols } from './character-symbols.ts';
import type { CompactText } from './compact-text.ts';
import { Junctions } from './junctions.ts';
import { MatchedMerges } from './matched-merges.ts';
import { mergeSymbols } from './merge-symbols.ts';
import { mergeWithDropout } from './merge-with-dropout.ts';
import { LONGEST, PackedWords } from './packed-words.ts';

export interface MergedWordsOptions {
  readonly vocab: ReadonlyMap<string, number>;
  readonly merges: readonly (readonly [string, string])[];
  readonly pairs: PairTable;
  readonly symbols: CharacterSymbols;
  readonly fuseUnk: boolean;
}

/** Byte-pair encoding word by word: nothing is merged over a junction, so that words that were seen before need no merging. */
export class MergedWords {
  readonly #options: MergedWordsOptions;
  readonly #junctions: Junctions;
  readonly #words = new PackedWords();
  #matched: MatchedMerges | null = null;
  /** Ends that nobody asked for. */
  readonly #stops = new IdBuffer();
  #firsts: Int32Array = new Int32Array(256);
  /** Id plus one of characters of three bytes that are a word and a token, by their code; Chinese is hardly anything else. */
  readonly #characters = new Int32Array(0x10000);
  /** Whether what was encoded last ends with an unknown token. */
  #unknown = false;

  constructor(options: MergedWordsOptions) {
    this.#options = options;
    const tokens = options.merges.map(([left, right]) => [compactBytes(left + right), 0] as const);
    this.#junctions = Junctions.of(tokens);
  }

  /** Appends the ids of bytes `[start, end)` and, where `ends` is given, where the text of each ends. */
  encode(text: CompactText, start: number, end: number, ids: IdBuffer, ends?: IdBuffer): void {
    const { bytes, view } = text;
    const { joined } = this.#junctions;
    const words = this.#words;
    this.#unknown = false;
    ids.reserve((end - start) >> 2);
    for (let from = start, to = start; from < end; from = to) {
      let before = bytes[from]!;
      for (to = from + 1; to < end; to++) {
        const byte = bytes[to]!;
        if (joined[(before << 8) | byte] === 0) break;
        before = byte;
      }
      const length = to - from;
      if (length === 3 && bytes[from]! >> 4 === 0xe) {
        const own = this.#characters[codeOf(bytes, from)]!;
        if (own > 0) {
          this.#unknown = false;
          ids.push(own - 1);
          ends?.push(to);
          continue;
        }
      }
      if (length > LONGEST || !words.find(view, from, length)) {
        this.#split(bytes, from, to, ids, ends);
        continue;
      }
      this.#unknown = false;
      const { entries, count, at } = words;
      if (ids.length + count > ids.values.length) ids.reserve(count);
      const { values } = ids;
      let place = ids.length;
      for (let i = at; i < at + count; i++) {
        const entry = entries[i]!;
        values[place++] = entry >>> 4;
        if (ends) ends.push(from + (entry & 15) + 1);
      }
      ids.length = place;
    }
  }

  /** The same with merges left out at random; at most `MOST` bytes are merged together. */
  encodeWithDropout(
    text: CompactText,
    start: number,
    end: number,
    dropout: Dropout,
    ids: IdBuffer,
    ends: IdBuffer,
  ): void {
    const { bytes } = text;
    const { joined } = this.#junctions;
    this.#unknown = false;
    for (let from = start, to = start; from < end; from = to) {
      for (to = from + 1; to < end && joined[(bytes[to - 1]! << 8) | bytes[to]!] !== 0; ) {
        const inside = bytes[to]! >= 0x80 && bytes[to]! < 0xc0;
        if (to - from >= MOST && !inside) break;
        to++;
      }
      this.#mergeSymbols(bytes, from, to, ids, ends, dropout);
    }
  }

  /** A word that is not kept. */
  #split(bytes: Uint8Array, from: number, to: number, ids: IdBuffer, ends: IdBuffer | undefined): void {
    const first = ids.length;
    const stops = ends ?? this.#stops;
    const firstStop = stops.length;
    this.#matched ??= this.#match();
    if (this.#matched.encode(bytes, from, to, ids, stops)) {
      this.#unknown = false;
      if (to - from === 3 && bytes[from]! >> 4 === 0xe && ids.length === first + 1)
        this.#characters[codeOf(bytes, from)] = ids.values[first]! + 1;
      else if (to - from <= LONGEST)
        this.#words.keep(ids.values, stops.values, first, firstStop, ids.length - first, from);
    } else {
      // Unknown characters stay alone.
      let known = from;
      for (let at = from; at < to; ) {
        const next = Math.min(to, at + sizeOfLead(bytes[at]!));
        if (!this.#options.symbols.knows(bytes, at)) {
          if (known < at) this.#merge(bytes, known, at, ids, stops);
          this.#merge(bytes, at, next, ids, stops);
          known = next;
        }
        at = next;
      }
      if (known < to) this.#merge(bytes, known, to, ids, stops);
      const alone = to - from <= 4 && !this.#unknown; // one character that became its bytes
      if (alone) this.#words.keep(ids.values, stops.values, first, firstStop, ids.length - first, from);
    }
    this.#stops.clear();
  }

  #merge(bytes: Uint8Array, from: number, to: number, ids: IdBuffer, ends: IdBuffer): void {
    if (this.#matched!.encode(bytes, from, to, ids, ends)) {
      this.#unknown = false;
      return;
    }
    this.#mergeSymbols(bytes, from, to, ids, ends);
  }

  #mergeSymbols(bytes: Uint8Array, from: number, to: number, ids: IdBuffer, ends: IdBuffer, dropout?: Dropout): void {
    const { symbols, pairs, fuseUnk } = this.#options;
    symbols.read(bytes, from, to);
    const { count, stops } = symbols;
    if (this.#firsts.length < count) this.#firsts = new Int32Array(2 * count);
    const firsts = this.#firsts;
    const left = dropout
      ? mergeWithDropout(symbols.ids, count, pairs, firsts, dropout)
      : mergeSymbols(symbols.ids, count, pairs, firsts);
    for (let i = 0; i < left; i++) {
      const end = stops[(i + 1 < left ? firsts[i + 1]! : count) - 1]!;
      if (i === 0 && fuseUnk && this.#unknown && symbols.startsUnknown) ends.values[ends.length - 1] = end;
      else {
        ids.push(symbols.ids[i]!);
        ends.push(end);
      }
    }
    this.#unknown = symbols.endsUnknown;
  }

  #match(): MatchedMerges {
    const { vocab, merges, pairs, symbols } = this.#options;
    const texts = new Set(merges.map(([left, right]) => left + right));
    const tokens = [...vocab].filter(([token]) => texts.has(token) || isOneCharacter(token));
    return new MatchedMerges({
      tokens: tokens.map(([token, id]) => [compactBytes(token), id]),
      pairs,
      charactersOf: (bytes) => {
        symbols.read(bytes, 0, bytes.length);
        return symbols.ids.slice(0, symbols.count);
      },
    });
  }
}

/** Of a character of three bytes. */
const codeOf = (bytes: Uint8Array, at: number): number =>
  ((bytes[at]! & 15) << 12) | ((bytes[at + 1]! & 63) << 6) | (bytes[at + 2]! & 63);

/** Every merge with dropout looks at the whole word, so that a longer one is taken in parts. */
const MOST = 256;

const isOneCharacter = (token: string): boolean =>
  token !== '' && token.length === (token.codePointAt(0)! > 0xffff ? 2 : 1);
