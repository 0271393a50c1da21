import { type Encoding, emptyEncoding } from './encoding.ts';
import type { IdBuffer } from './id-buffer.ts';
import type { TemplatePart } from './post-processors/index.ts';

/** Byte of the UTF-8 → UTF-16 unit: the first of its character for the first byte, the last for the others. */
export function unitsOfBytes(text: string): Int32Array {
  const units: number[] = [];
  for (let i = 0; i < text.length; ) {
    const code = text.codePointAt(i)!;
    units.push(i);
    const last = code > 0xffff ? i + 1 : i;
    for (let bytes = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4; bytes > 1; bytes--) units.push(last);
    i = last + 1;
  }
  units.push(text.length);
  return Int32Array.from(units);
}

export interface TextIds {
  readonly ids: IdBuffer;
  /** Two numbers an id. */
  readonly offsets: IdBuffer;
  /** The number of the piece that each id belongs to. */
  readonly words: IdBuffer;
  /** 0 for the first text, 1 for the second. */
  readonly sequence: number;
  readonly tokenOf: (id: number) => string;
}

/** Everything known about the ids of a text. */
export function encodingOf({ ids, offsets, words, sequence, tokenOf }: TextIds): Encoding {
  const { length } = ids;
  const bounds = offsets.values;
  const filled = (value: number): number[] => new Array<number>(length).fill(value);
  const e = {
    ids: filled(0),
    tokens: new Array<string>(length),
    offsets: new Array<[number, number]>(length),
    typeIds: filled(sequence),
    specialTokensMask: filled(0),
    attentionMask: filled(1),
    wordIds: filled(0),
    sequenceIds: filled(sequence),
    overflowing: [],
  };
  for (let i = 0; i < length; i++) {
    const id = ids.values[i]!;
    e.ids[i] = id;
    e.tokens[i] = tokenOf(id);
    e.offsets[i] = [bounds[2 * i]!, bounds[2 * i + 1]!];
    e.wordIds[i] = words.values[i]!;
  }
  return e;
}

export function specialEncoding(part: Extract<TemplatePart, { ids: readonly number[] }>): Encoding {
  const e = emptyEncoding();
  part.ids.forEach((id, i) => {
    e.ids.push(id);
    e.tokens.push(part.tokens[i]!);
    e.offsets.push([0, 0]);
    e.typeIds.push(part.typeId);
    e.specialTokensMask.push(1);
    e.attentionMask.push(1);
    e.wordIds.push(null);
    e.sequenceIds.push(null);
  });
  return e;
}

export function withType(e: Encoding, typeId: number, overflowToo: boolean): Encoding {
  if (e.overflowing.length === 0 && e.typeIds.every((own) => own === typeId)) return e;
  const overflowing = overflowToo ? e.overflowing.map((part) => withType(part, typeId, true)) : e.overflowing;
  return { ...e, typeIds: e.typeIds.map(() => typeId), overflowing };
}
