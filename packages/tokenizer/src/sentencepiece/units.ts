import { DoubleArray, longest } from '../double-array.ts';
import { BLANK, compactBytes, sizeOfLead } from '../models/blanks.ts';
import type { Unknown } from '../models/likeliest-words.ts';
import type { Segment } from './bpe.ts';

export interface UnitOptions {
  /** Piece → id of what a text may have: no control pieces, no bytes. */
  readonly ids: ReadonlyMap<string, number>;
  /** Takes a run of units that no piece is. */
  readonly unknown: Unknown;
}

/** A model of whole words: each begins with a blank, and is a piece or unknown. */
export function wordSegment(options: UnitOptions): Segment {
  return segment(options, (bytes, at, end) => {
    let stop = at + 1;
    while (stop < end && bytes[stop] !== BLANK) stop++;
    return stop;
  });
}

/** A model of characters, beside which what users define (`own`, with blanks of one byte) stays whole. */
export function characterSegment(options: UnitOptions, own: DoubleArray | null): Segment {
  return segment(options, (bytes, at, end) => {
    const size = own ? longest(own, bytes, at, end)[0] : 0;
    return at + (size || sizeOfLead(bytes[at]!));
  });
}

function segment(
  { ids, unknown }: UnitOptions,
  unitEnd: (bytes: Uint8Array, at: number, end: number) => number,
): Segment {
  const pieces = new DoubleArray([...ids].map(([piece, id]) => [compactBytes(piece), id]));
  return ({ bytes }, start, end, out, ends) => {
    let from = start;
    const flush = (at: number): void => {
      if (from < at) unknown(bytes, from, at, out, ends);
    };
    for (let at = start; at < end; ) {
      const stop = unitEnd(bytes, at, end);
      const [length, id] = longest(pieces, bytes, at, stop);
      if (length === stop - at) {
        flush(at);
        out.push(id);
        ends?.push(stop);
        from = stop;
      }
      at = stop;
    }
    flush(end);
    return 0;
  };
}
