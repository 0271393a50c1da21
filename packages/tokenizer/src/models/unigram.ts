import { byteToken } from '../byte-token.ts';
import { DoubleArray } from '../double-array.ts';
import type { IdBuffer } from '../id-buffer.ts';
import type { Model } from '../model.ts';
import { BestPath, UNKNOWN_PENALTY } from './best-path.ts';
import { WordCache } from './word-cache.ts';

export interface UnigramOptions {
  /** Pieces with their log probabilities; the place is the id. */
  readonly vocab: readonly (readonly [piece: string, score: number])[];
  /** What characters become that no piece has. Null: they are an error. */
  readonly unkId: number | null;
  /** Unknown characters become the pieces of their bytes, such as `<0x0A>`, where all of these exist. Default false. */
  readonly byteFallback?: boolean;
}

const encoder = new TextEncoder();

/** The likeliest pieces by their probabilities alone (https://arxiv.org/abs/1804.10959), as in tokenizer.json. */
export class Unigram implements Model {
  readonly vocab: UnigramOptions['vocab'];
  readonly unkId: number | null;
  readonly byteFallback: boolean;
  readonly vocabSize: number;
  readonly spellsUnknown: boolean = true;
  readonly #ids: ReadonlyMap<string, number>;
  readonly #bytes: Int32Array;
  readonly #path: BestPath;
  readonly #cache = new WordCache();
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
    this.#path = new BestPath({
      trie: new DoubleArray([...this.#ids].map(([piece, id]) => [encoder.encode(piece), id])),
      scores: Float64Array.from(vocab, ([, score]) => score),
      unknownScore:
        vocab.reduce((least, [, score]) => Math.min(least, score), Number.POSITIVE_INFINITY) - UNKNOWN_PENALTY,
      single: false,
    });
  }

  encode(bytes: Uint8Array, start: number, end: number, ids: IdBuffer, ends?: IdBuffer): void {
    this.#cache.encode(bytes, start, end, ids, ends, (found, stops) => this.#split(bytes, start, end, found, stops));
  }

  #split(bytes: Uint8Array, start: number, end: number, ids: IdBuffer, ends: IdBuffer): void {
    const path = this.#path;
    path.find(bytes, start, end);
    const { begins, pieces } = path;
    const bounds: number[] = []; // from the last piece to the first, each with its begin, end and id
    for (let to = end - start; to > 0; ) {
      let from = begins[to]!;
      const piece = pieces[to]!;
      if (piece >= 0 && piece !== this.unkId) bounds.push(piece, to, from);
      else {
        // Unknown characters that follow one another are one token.
        while (from > 0 && (pieces[from]! < 0 || pieces[from] === this.unkId)) from = begins[from]!;
        bounds.push(-1, to, from);
      }
      to = from;
    }
    for (let i = bounds.length - 3; i >= 0; i -= 3) {
      const [id, to, from] = [bounds[i]!, start + bounds[i + 1]!, start + bounds[i + 2]!];
      if (id < 0) this.#unknown(bytes, from, to, ids, ends);
      else {
        ids.push(id);
        ends.push(to);
      }
    }
  }

  #unknown(bytes: Uint8Array, from: number, to: number, ids: IdBuffer, ends: IdBuffer): void {
    // Put together, they may be a piece that was too unlikely to be chosen.
    const whole = this.#ids.get(this.#decoder.decode(bytes.subarray(from, to)));
    let all = this.byteFallback && whole === undefined;
    for (let i = from; i < to && all; i++) all = this.#bytes[bytes[i]!]! >= 0;
    if (all)
      for (let i = from; i < to; i++) {
        ids.push(this.#bytes[bytes[i]!]!);
        ends.push(to); // each byte's token has the text of all, as in the reference
      }
    else {
      const id = whole ?? this.unkId;
      if (id === null) throw new RangeError('the text has a character that is no piece, and the model has no unk_id');
      ids.push(id);
      ends.push(to);
    }
  }

  tokenToId(token: string): number | undefined {
    return this.#ids.get(token);
  }

  idToToken(id: number): string | undefined {
    return this.vocab[id]?.[0];
  }
}
