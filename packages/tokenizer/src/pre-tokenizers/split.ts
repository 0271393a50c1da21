import type { Normalized } from '../normalized.ts';

/** Bounds of what a text is split at, in order. */
export type Find = (text: string) => readonly (readonly [number, number])[];

/** What becomes of the matches that a text is split at. */
export const behaviors = ['Removed', 'Isolated', 'MergedWithPrevious', 'MergedWithNext', 'Contiguous'] as const;
export type Behavior = (typeof behaviors)[number];

/** Every character of a class is a match of its own. */
export function findCharacters(matches: (code: number) => boolean): Find {
  const known = new Uint8Array(0x110000); // 0 unknown, 1 no, 2 yes
  return (text) => {
    const found: [number, number][] = [];
    for (let i = 0; i < text.length; ) {
      const code = text.codePointAt(i)!;
      const size = code > 0xffff ? 2 : 1;
      if (known[code] === 0) known[code] = matches(code) ? 2 : 1;
      if (known[code] === 2) found.push([i, i + size]);
      i += size;
    }
    return found;
  };
}

interface Range {
  start: number;
  end: number;
  match: boolean;
}

/** @param invert whether what lies between the matches counts as the matches. */
export function cut(text: Normalized, find: Find, behavior: Behavior, invert = false): Normalized[] {
  const ranges: Range[] = [];
  let done = 0;
  for (const [start, end] of find(text.text)) {
    if (done < start) ranges.push({ start: done, end: start, match: invert });
    ranges.push({ start, end, match: !invert });
    done = end;
  }
  if (done < text.text.length) ranges.push({ start: done, end: text.text.length, match: invert });
  const pieces: Normalized[] = [];
  for (const { start, end } of joined(ranges, behavior)) if (start < end) pieces.push(text.slice(start, end));
  return pieces;
}

function joined(ranges: Range[], behavior: Behavior): Range[] {
  if (behavior === 'Isolated') return ranges;
  if (behavior === 'Removed') return ranges.filter(({ match }) => !match);
  const backwards = behavior === 'MergedWithNext';
  const result: Range[] = [];
  let before = false;
  for (const range of backwards ? ranges.toReversed() : ranges) {
    const last = result.at(-1);
    const joins = behavior === 'Contiguous' ? range.match === before : range.match && !before;
    if (!joins || !last) result.push({ ...range });
    else if (backwards) last.start = range.start;
    else last.end = range.end;
    before = range.match;
  }
  return backwards ? result.reverse() : result;
}
