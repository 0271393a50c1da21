import type { IdBuffer } from '../id-buffer.ts';
import { BLANK, compact } from './blanks.ts';

/** Bytes behind the text that may be read with it. */
export const PADDING = 16;

/** A buffer for text with blanks of one byte: bytes, and a view that reads four of them at once. */
export class CompactText {
  bytes: Uint8Array<ArrayBuffer> = new Uint8Array(1024);
  view: DataView<ArrayBuffer> = new DataView(this.bytes.buffer);
  length = 0;

  /** Makes room for `more` bytes behind those that are there. */
  reserve(more: number): void {
    const wanted = this.length + more + PADDING;
    if (wanted <= this.bytes.length) return;
    const grown = new Uint8Array(Math.max(2 * this.bytes.length, wanted));
    grown.set(this.bytes.subarray(0, this.length));
    this.bytes = grown;
    this.view = new DataView(grown.buffer);
  }

  /** Takes the place of what was there. */
  set(bytes: Uint8Array, start: number, end: number): void {
    this.length = 0;
    this.reserve(end - start);
    this.length = compact(bytes, start, end, this.bytes, 0);
  }
}

/**
 * Turns places in text with blanks of one byte into places in UTF-8.
 * @param ends rising; those from `first` on are turned.
 * @param start where the text begins in the UTF-8.
 */
export function expandEnds(bytes: Uint8Array, ends: IdBuffer, first: number, start: number): void {
  const { values, length } = ends;
  let [at, more] = [0, start];
  for (let i = first; i < length; i++) {
    for (const end = values[i]!; at < end; at++) if (bytes[at] === BLANK) more += 2;
    values[i]! += more;
  }
}
