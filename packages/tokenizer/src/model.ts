import type { Dropout } from './bpe-dropout.ts';
import type { IdBuffer } from './id-buffer.ts';
import type { Sampling } from './sampling.ts';

/** How a text is split by chance, for training. */
export interface Draw {
  readonly dropout?: Dropout | null;
  readonly sampling?: Sampling | null;
}

/** The stage between pre-tokenizer and post-processor: one piece of text becomes ids. */
export interface Model {
  /** The highest id plus one. */
  readonly vocabSize: number;
  /** True where ids come about by joining neighbours alone: where no token reaches over, a text may then be cut. */
  readonly joinsNeighbours?: boolean;
  /** True where an unknown token is told as the text that it stands for. */
  readonly spellsUnknown?: boolean;
  /** The unknown token's id, where `spellsUnknown`. */
  readonly unkId?: number | null;
  /**
   * Appends the ids of one piece: the UTF-8 bytes `[start, end)`. Byte-level models see the text's own bytes, all others
   * the UTF-8 of the normalized text.
   * @param ends When given, receives beside each id the offset in `bytes` at which its text ends.
   */
  encode(bytes: Uint8Array, start: number, end: number, ids: IdBuffer, ends?: IdBuffer): void;
  /** Of a BPE: the same with merges left out at random. */
  encodeWithDropout?(
    bytes: Uint8Array,
    start: number,
    end: number,
    dropout: Dropout,
    ids: IdBuffer,
    ends?: IdBuffer,
  ): void;
  /**
   * Where a model normalizes by itself: the same, with the bytes that each id stands for, which need not follow one another.
   * @param begins receives where each one's text begins, `ends` where it ends.
   * @throws RangeError for a way of drawing that the model does not have.
   */
  encodeSpans?(
    bytes: Uint8Array,
    start: number,
    end: number,
    ids: IdBuffer,
    begins: IdBuffer,
    ends: IdBuffer,
    draw?: Draw,
  ): void;
  tokenToId(token: string): number | undefined;
  /** The token as the vocabulary writes it. */
  idToToken(id: number): string | undefined;
}
