import { array, type Json, type Spec } from '../format.ts';
import { BLANK, LINE, PUNCTUATION, STOP } from './pieces.ts';

const ALL = BLANK | LINE | STOP;

/**
 * Where a normalizer treats the two sides of a cut as it treats the whole text; the side behind goes through `continuing`.
 */
export function normalizerCuts(spec: Json | null): number {
  switch (spec?.type) {
    case undefined:
    case 'BertNormalizer':
    case 'NFC':
    case 'NFD':
    case 'NFKC':
    case 'NFKD':
    case 'Lowercase':
    case 'StripAccents':
    case 'Nmt':
    case 'Precompiled':
    case 'Prepend':
    case 'Strip':
      return ALL;
    case 'Sequence':
      return array('normalizer.normalizers', spec!.normalizers).reduce<number>(
        (cuts, part) => cuts & normalizerCuts(part as Json),
        ALL,
      );
    case 'Replace':
      return replaceCuts(spec!.pattern as { String?: string; Regex?: string });
    default:
      return 0;
  }
}

/** Runs of white space lie behind a cut as a whole; a longer word must not reach over one. */
function replaceCuts({ String: word, Regex: regex }: { String?: string; Regex?: string }): number {
  if (word === undefined) return /^(?:\\s|\[\\s\]| |\\n|\\r|\\t)(?:\+|\{\d+(?:,\d*)?\})?$/.test(regex ?? '') ? ALL : 0;
  let cuts = ALL;
  for (const character of [...word].slice(1))
    if (character === ' ') cuts &= ~BLANK;
    else if (character === '\n') cuts &= ~LINE;
    else if (PUNCTUATION.includes(character)) cuts &= ~STOP;
  return cuts;
}

/** The same normalizer for text that goes on: nothing is put before it, its white space at the start stays. Null: none is left. */
export function continuing(spec: Spec | null): Spec | null {
  switch (spec?.type) {
    case 'Prepend':
      return null;
    case 'Strip':
      return { ...spec, strip_left: false };
    case 'Sequence':
      return {
        ...spec,
        normalizers: (spec.normalizers as Spec[]).map(continuing).filter((part) => part !== null),
      };
    default:
      return spec;
  }
}
