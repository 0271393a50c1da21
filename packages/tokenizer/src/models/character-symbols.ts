import { byteToken } from '../byte-token.ts';
import { BLANK, sizeOfLead } from './blanks.ts';
import { CharacterIds } from './character-ids.ts';

export interface CharacterSymbolsOptions {
  readonly vocab: ReadonlyMap<string, number>;
  readonly unkToken: string | null;
  readonly fuseUnk: boolean;
  readonly byteFallback: boolean;
  /** Written before characters that do not start a piece, and behind the last one. */
  readonly prefix: string;
  readonly suffix: string;
}

const encoder = new TextEncoder();

/** What merging begins with: the ids of a piece's characters. */
export class CharacterSymbols {
  /**
   * The symbols of the piece at hand and where each one's text ends, as the reference counts: by lengths that add up, so that
   * dropped characters move what follows to the left.
   */
  ids: Int32Array = new Int32Array(256);
  stops: Int32Array = new Int32Array(256);
  count = 0;
  /** Whether the first of them, or the last, is an unknown token. */
  startsUnknown = false;
  endsUnknown = false;
  /** Whether each of 256 bytes has a token to fall back to. */
  readonly hasAllBytes: boolean;
  /** Byte → id, −1 where the vocabulary lacks it. */
  readonly bytes: Int32Array;
  readonly #options: CharacterSymbolsOptions;
  /** By whether the character does not start its piece (1) and whether it ends it (2). */
  readonly #characters: readonly CharacterIds[];
  readonly #prefix: Uint8Array;
  readonly #suffix: Uint8Array;
  #stop = 0;

  constructor(options: CharacterSymbolsOptions) {
    const { vocab, prefix, suffix } = options;
    this.#options = options;
    const plain = new CharacterIds(vocab, '', '');
    const later = prefix === '' ? plain : new CharacterIds(vocab, prefix, '');
    const last = suffix === '' ? plain : new CharacterIds(vocab, '', suffix);
    const both = prefix === '' ? last : suffix === '' ? later : new CharacterIds(vocab, prefix, suffix);
    this.#characters = [plain, later, last, both];
    this.#prefix = encoder.encode(prefix);
    this.#suffix = encoder.encode(suffix);
    this.bytes = Int32Array.from({ length: 256 }, (_, byte) => {
      return options.byteFallback ? (vocab.get(byteToken(byte)) ?? -1) : -1;
    });
    this.hasAllBytes = this.bytes.every((id) => id >= 0);
  }

  /** Whether the character that begins there has a token. */
  knows(bytes: Uint8Array, at: number): boolean {
    return this.#characters[0]!.find(codeAt(bytes, at)) >= 0;
  }

  /** Reads a piece: UTF-8, where a blank may be one byte. */
  read(bytes: Uint8Array, start: number, end: number): void {
    this.count = 0;
    this.#stop = start;
    this.#room(end - start + this.#prefix.length + this.#suffix.length + 8);
    // An unknown token waits until a known character comes: bytes that stand for a character go before it.
    let unknown = -1;
    let unknownSize = 0;
    this.startsUnknown = false;
    for (let at = start; at < end; ) {
      const size = sizeOfLead(bytes[at]!);
      const code = codeAt(bytes, at);
      const next = at + size;
      const place = (at === start ? 0 : 1) | (next >= end ? 2 : 0);
      const id = this.#characters[place]!.find(code);
      if (id >= 0) {
        if (unknown >= 0) this.#push(unknown, unknownSize);
        unknown = -1;
        this.#push(id, size);
      } else if (!this.#options.byteFallback || !this.#fallBack(bytes, at, next, place)) {
        if (unknown >= 0 && !this.#options.fuseUnk) this.#push(unknown, unknownSize);
        unknownSize = size + (unknown >= 0 && this.#options.fuseUnk ? unknownSize : 0);
        unknown = this.#unknown();
        if (at === start) this.startsUnknown = unknown >= 0;
      }
      at = next;
    }
    if (unknown >= 0) this.#push(unknown, unknownSize);
    this.endsUnknown = unknown >= 0;
  }

  /** Pushes the tokens of a character's bytes, one byte of text each; false where the vocabulary lacks one. */
  #fallBack(bytes: Uint8Array, from: number, to: number, place: number): boolean {
    const before = this.count;
    const stop = this.#stop;
    const put = (source: Uint8Array, start: number, stop: number): boolean => {
      for (let i = start; i < stop; i++) {
        const id = this.bytes[source[i]!]!;
        if (id < 0) return false;
        this.#room(1);
        this.#push(id, 1);
      }
      return true;
    };
    const all =
      ((place & 1) === 0 || put(this.#prefix, 0, this.#prefix.length)) &&
      put(bytes, from, to) &&
      ((place & 2) === 0 || put(this.#suffix, 0, this.#suffix.length));
    if (!all) [this.count, this.#stop] = [before, stop];
    return all;
  }

  /** −1 where unknown characters are dropped. */
  #unknown(): number {
    if (this.#options.unkToken === null) return -1;
    const id = this.#options.vocab.get(this.#options.unkToken);
    if (id === undefined)
      throw new RangeError(`a character is unknown and the vocabulary lacks the unk_token "${this.#options.unkToken}"`);
    return id;
  }

  #push(id: number, size: number): void {
    this.#stop += size;
    this.ids[this.count] = id;
    this.stops[this.count++] = this.#stop;
  }

  #room(more: number): void {
    if (this.count + more <= this.ids.length) return;
    const size = Math.max(2 * this.ids.length, this.count + more);
    const [ids, stops] = [new Int32Array(size), new Int32Array(size)];
    ids.set(this.ids.subarray(0, this.count));
    stops.set(this.stops.subarray(0, this.count));
    [this.ids, this.stops] = [ids, stops];
  }
}

function codeAt(bytes: Uint8Array, at: number): number {
  const lead = bytes[at]!;
  const size = sizeOfLead(lead);
  if (size === 1) return lead === BLANK ? 0x2581 : lead;
  let code = lead & (0xff >> (size + 1));
  for (let i = 1; i < size; i++) code = (code << 6) | (bytes[at + i]! & 0x3f);
  return code;
}
