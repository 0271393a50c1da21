/** What offsets count. */
export type OffsetUnit = 'utf16' | 'codePoints' | 'bytes';

/** Everything known about the tokens of a text; all lists have one entry per token. */
export interface Encoding {
  readonly ids: number[];
  readonly tokens: string[];
  /** Where each token comes from in its text, [start, end); [0, 0] for tokens that were added. */
  readonly offsets: [number, number][];
  readonly typeIds: number[];
  /** 1 for tokens that the post-processor or padding added. */
  readonly specialTokensMask: number[];
  /** 0 for padding. */
  readonly attentionMask: number[];
  /** The number of the piece within its text; null for added tokens. */
  readonly wordIds: (number | null)[];
  /** 0 for the first text, 1 for the second; null for added tokens. */
  readonly sequenceIds: (number | null)[];
  /** What truncation cut off, in parts of the same length. */
  readonly overflowing: Encoding[];
}

/** What `encodeWithOffsets` gives. */
export interface IdsWithOffsets {
  readonly ids: Int32Array;
  /** Two numbers an id: where it comes from in its text, [start, end); 0 and 0 for tokens that were added. */
  readonly offsets: Int32Array;
}

export const inTypedArrays = ({ ids, offsets }: Encoding): IdsWithOffsets => ({
  ids: Int32Array.from(ids),
  offsets: Int32Array.from(offsets.flat()),
});

export const emptyEncoding = (): Encoding => ({
  ids: [],
  tokens: [],
  offsets: [],
  typeIds: [],
  specialTokensMask: [],
  attentionMask: [],
  wordIds: [],
  sequenceIds: [],
  overflowing: [],
});

export function sliceEncoding(e: Encoding, start: number, end: number): Encoding {
  return {
    ids: e.ids.slice(start, end),
    tokens: e.tokens.slice(start, end),
    offsets: e.offsets.slice(start, end),
    typeIds: e.typeIds.slice(start, end),
    specialTokensMask: e.specialTokensMask.slice(start, end),
    attentionMask: e.attentionMask.slice(start, end),
    wordIds: e.wordIds.slice(start, end),
    sequenceIds: e.sequenceIds.slice(start, end),
    overflowing: [],
  };
}

const joined = (a: Encoding, b: Encoding): Encoding => ({
  ids: a.ids.concat(b.ids),
  tokens: a.tokens.concat(b.tokens),
  offsets: a.offsets.concat(b.offsets),
  typeIds: a.typeIds.concat(b.typeIds),
  specialTokensMask: a.specialTokensMask.concat(b.specialTokensMask),
  attentionMask: a.attentionMask.concat(b.attentionMask),
  wordIds: a.wordIds.concat(b.wordIds),
  sequenceIds: a.sequenceIds.concat(b.sequenceIds),
  overflowing: [],
});

/** One behind the other; every overflowing part of one meets the other and all its parts. */
export function mergeEncodings(a: Encoding, b: Encoding): Encoding {
  const overflowing: Encoding[] = [];
  for (const part of a.overflowing) overflowing.push(joined(part, b), ...b.overflowing.map((o) => joined(part, o)));
  overflowing.push(...b.overflowing.map((part) => joined(a, part)));
  return { ...joined(a, b), overflowing };
}

/** Changes offsets from UTF-16 units of the texts to another unit. */
export function convertOffsets(e: Encoding, texts: readonly string[], unit: OffsetUnit): void {
  if (unit === 'utf16') return;
  const tables = texts.map((text) => positionsOf(text, unit));
  const convert = (part: Encoding): void => {
    part.offsets.forEach((offset, i) => {
      const table = tables[part.sequenceIds[i] ?? -1];
      if (table) part.offsets[i] = [table[offset[0]]!, table[offset[1]]!];
    });
    part.overflowing.forEach(convert);
  };
  convert(e);
}

/** UTF-16 unit of a text → its place in another unit; null where that is the same. */
export function positionsOf(text: string, unit: OffsetUnit): Int32Array | null {
  if (unit === 'utf16') return null;
  const table = new Int32Array(text.length + 1);
  for (let i = 0, at = 0; i < text.length; ) {
    const code = text.codePointAt(i)!;
    if (code > 0xffff) table[++i] = at;
    at += unit === 'codePoints' ? 1 : code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    table[++i] = at;
  }
  return table;
}
