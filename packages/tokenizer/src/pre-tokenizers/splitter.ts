import type { Normalized } from '../normalized.ts';
import type { Splitter } from '../splitters.ts';

export type { Splitter };

/** The pieces that a splitter over UTF-8 makes; what an expression does not match is left out, as in tiktoken. */
export function cutWith(text: Normalized, splitter: Splitter | RegExp): Normalized[] {
  if (splitter instanceof RegExp)
    return [...text.text.matchAll(splitter)].map(({ 0: piece, index }) => text.slice(index, index + piece.length));
  const bytes = new TextEncoder().encode(text.text);
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  const pieces: Normalized[] = [];
  for (let at = 0, unit = 0; at < bytes.length; ) {
    const end = splitter(bytes, at, bytes.length);
    const { length } = decoder.decode(bytes.subarray(at, end));
    pieces.push(text.slice(unit, unit + length));
    unit += length;
    at = end;
  }
  return pieces;
}
