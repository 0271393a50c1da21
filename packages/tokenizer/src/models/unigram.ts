import { byteToken } from '../byte-token.ts';
import { DoubleArray } from '../double-array.ts';
import type { IdBuffer } from '../id-buffer.ts';
import type { Model } from '../model.ts';
import { UNKNOWN_PENALTY } from './best-path.ts';
import { BLANK, compactBytes, expand } from './blanks.ts';
import { CompactText, expandEnds } from './compact-text.ts';
import { Junctions } from './junctions.ts';
import { LikeliestWords, type Unknown } from './likeliest-words.ts';
import { readDecimal } from './read-decimal.ts';

export interface UnigramOptions {
  /** Pieces with their log probabilities; the place is the id. */
  readonly vocab: readonly (readonly [piece: string, score: number])[];
  /** What characters become that no piece has. Null: they are an error. */
  readonly unkId: number | null;
  /** Unknown characters become the pieces of their bytes, such as `<0x0A>`, where all of these exist. Default false. */
  readonly byteFallback?: boolean;
}

/** The likeliest pieces by their probabilities alone (https://arxiv.org/abs/1804.10959), as in tokenizer.json. */
export class Unigram implements Model {
  readonly vocab: UnigramOptions['vocab'];
  readonly unkId: number | null;
  readonly byteFallback: boolean;
  readonly vocabSize: number;
  readonly spellsUnknown: boolean = true;
  readonly #ids: ReadonlyMap<string, number>;
  readonly #bytes: Int32Array;
  readonly #words: LikeliestWords;
  /** The same for texts of several pieces, each beginning with a blank. */
  readonly #pieces: LikeliestWords;
  readonly #text = new CompactText();
  readonly #decoder = new TextDecoder('utf-8', { ignoreBOM: true });

  /** @throws RangeError where `unkId` is not in the vocabulary, or there is none. */
  constructor({ vocab, unkId, byteFallback = false }: UnigramOptions) {
    if (vocab.length === 0) throw new RangeError('the vocabulary is empty');
    if (unkId !== null && unkId >= vocab.length)
      throw new RangeError(`unk_id is ${unkId}, but the vocabulary has ${vocab.length} pieces`);
    this.vocab = vocab;
    this.unkId = unkId;
    this.byteFallback = byteFallback;
    this.vocabSize = vocab.length;
    this.#ids = new Map(vocab.map(([piece], id) => [piece, id]));
    this.#bytes = Int32Array.from({ length: 256 }, (_, byte) => this.#ids.get(byteToken(byte)) ?? -1);
    const pieces = [...this.#ids].map(([piece, id]) => [compactBytes(piece), id] as const);
    const scores = Float64Array.from(vocab, ([, score]) => readDecimal(score));
    const options = {
      trie: new DoubleArray(pieces),
      scores,
      unknownScore: scores.reduce((least, score) => Math.min(least, score)) - UNKNOWN_PENALTY,
      single: false,
      unkId: unkId ?? -1,
      unknown: (...run: Parameters<Unknown>) => this.#unknown(...run),
    };
    this.#words = new LikeliestWords({ ...options, junctions: Junctions.of(pieces) });
    this.#pieces = new LikeliestWords({ ...options, junctions: Junctions.of(pieces).cutBefore(BLANK), restarts: true });
  }

  /** Appends the ids of a text of several pieces, each beginning with a blank of one byte. */
  encodeWords(text: CompactText, ids: IdBuffer): void {
    this.#pieces.encode(text, 0, text.length, ids);
  }

  encode(bytes: Uint8Array, start: number, end: number, ids: IdBuffer, ends?: IdBuffer): void {
    const text = this.#text;
    text.set(bytes, start, end);
    const first = ends?.length ?? 0;
    this.#words.encode(text, 0, text.length, ids, ends);
    if (ends) expandEnds(text.bytes, ends, first, start);
  }

  #unknown(compact: Uint8Array, from: number, to: number, ids: IdBuffer, ends?: IdBuffer): void {
    // Put together, they may be a piece that was too unlikely to be chosen.
    const bytes = expand(compact, from, to);
    const whole = this.#ids.get(this.#decoder.decode(bytes));
    if (this.byteFallback && whole === undefined && bytes.every((byte) => this.#bytes[byte]! >= 0))
      for (const byte of bytes) {
        ids.push(this.#bytes[byte]!);
        ends?.push(to); // each byte's token has the text of all, as in the reference
      }
    else {
      const id = whole ?? this.unkId;
      if (id === null) throw new RangeError('the text has a character that is no piece, and the model has no unk_id');
      ids.push(id);
      ends?.push(to);
    }
  }

  tokenToId(token: string): number | undefined {
    return this.#ids.get(token);
  }

  idToToken(id: number): string | undefined {
    return this.vocab[id]?.[0];
  }
}
