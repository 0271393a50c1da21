import { type Encoding, emptyEncoding } from './encoding.ts';
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
  const overflowing = overflowToo ? e.overflowing.map((part) => withType(part, typeId, true)) : e.overflowing;
  return { ...e, typeIds: e.typeIds.map(() => typeId), overflowing };
}
