/**
 * SentencePiece writes blanks as ▁ (U+2581), which is three bytes of UTF-8. Inside of models it is one byte that no UTF-8 has:
 * pieces are shorter that way, and a byte tells where words begin.
 */
export const BLANK = 0xff;

const encoder = new TextEncoder();

/** A piece's UTF-8 with blanks of one byte. */
export function compactBytes(piece: string): Uint8Array {
  const bytes = encoder.encode(piece);
  const out = new Uint8Array(bytes.length);
  return out.subarray(0, compact(bytes, 0, bytes.length, out, 0));
}

/** Whether ▁ stands there. */
export const isBlank = (bytes: Uint8Array, at: number): boolean =>
  bytes[at] === 0xe2 && bytes[at + 1] === 0x96 && bytes[at + 2] === 0x81;

/** Copies UTF-8 to `out` from `to` on, with blanks of one byte; returns where the copy ends. */
export function compact(bytes: Uint8Array, start: number, end: number, out: Uint8Array, to: number): number {
  let length = to;
  for (let at = start; at < end; at++) {
    const byte = bytes[at]!;
    if (byte === 0xe2 && at + 2 < end && isBlank(bytes, at)) {
      out[length++] = BLANK;
      at += 2;
    } else out[length++] = byte;
  }
  return length;
}

/** Bytes of the character that begins with this one. */
export const sizeOfLead = (lead: number): number =>
  lead < 0x80 || lead === BLANK ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;

/** UTF-8 again. */
export function expand(bytes: Uint8Array, from: number, to: number): Uint8Array {
  const out: number[] = [];
  for (let i = from; i < to; i++)
    if (bytes[i] === BLANK) out.push(0xe2, 0x96, 0x81);
    else out.push(bytes[i]!);
  return Uint8Array.from(out);
}
