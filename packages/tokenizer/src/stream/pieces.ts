import { BPE } from '../bpe.ts';
import type { Json, Spec } from '../format.ts';
import type { Model } from '../model.ts';
import { splitterName } from '../named-splitters.ts';
import { splitPattern } from '../split-pattern.ts';
import type { Splitter } from '../splitters.ts';

/**
 * Places in a normalized text where it may be cut, as bits. Before each stands a letter, an ASCII digit or (BLANK alone) a number
 * or an ASCII symbol: never white space, never a mark.
 */
export const BLANK = 1;
/** Before a line feed. */
export const LINE = 2;
/** Before one of `PUNCTUATION`. */
export const STOP = 4;
const ALL: number = BLANK | LINE | STOP;

/** Neither apostrophes nor underscores, which belong to words here and there. */
export const PUNCTUATION = ',.;:!?()，。；：！？、（）「」『』《》';

/** What a pre-tokenizer does at each kind of place. */
interface Behavior {
  /** A piece always ends there, and the next one does not depend on what was before. */
  readonly ends: number;
  /** If a piece does not end there, nothing changes but that piece when the text is cut. */
  readonly leaves: number;
}

const NOTHING: Behavior = { ends: 0, leaves: 0 };

/** Split patterns that are known to end pieces at all these places. */
const known: ReadonlySet<string> = new Set([
  String.raw`'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`,
  String.raw`<\|startoftext\|>|<\|endoftext\|>|'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+`,
  String.raw`'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+`,
  ...['\\p{N}', '\\p{N}{1,3}'].flatMap((digits) =>
    ['', '+'].map(
      (possessive) =>
        `(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?${possessive}\\p{L}+|${digits}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+`,
    ),
  ),
  [
    String.raw`[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?`,
    String.raw`[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?`,
    String.raw`\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+`,
  ].join('|'),
]);

/**
 * Where a text may be cut without a change of ids.
 * @param blank what the normalizer makes of a blank.
 */
export function pieceCuts(
  splitter: Splitter | RegExp | undefined,
  preTokenizer: Spec | null,
  model: Model,
  blank: string,
): number {
  if (splitter) return isKnown(splitter) ? ALL : 0;
  const { ends, leaves } = preTokenizer ? behavior(preTokenizer, blank) : { ends: 0, leaves: ALL };
  const open = leaves & ~ends;
  return ends | (open && open & modelCuts(model, replacementOf(preTokenizer) ?? blank));
}

/** A split of a published vocabulary, by its name or by its pattern. */
function isKnown(splitter: Splitter | RegExp): boolean {
  if (!(splitter instanceof RegExp)) return splitterName(splitter) !== undefined;
  return [...known].some((pattern) => splitPattern(pattern).source === splitter.source);
}

function behavior(spec: Json, blank: string): Behavior {
  const plain = blank === ' ';
  switch (spec.type) {
    case 'Sequence': {
      let [ends, leaves] = [0, ALL];
      for (const [i, part] of (spec.pretokenizers as Json[]).entries()) {
        if (i > 0 && part.prepend_scheme === 'first') return NOTHING;
        const next = behavior(part, blank);
        ends |= leaves & next.ends;
        leaves &= next.ends | next.leaves;
      }
      return { ends, leaves };
    }
    case 'ByteLevel': {
      // Where a blank is put before a text, only one that begins with a blank stays as it is.
      const cuts = spec.add_prefix_space === false ? ALL : BLANK;
      if (spec.use_regex === false) return { ends: 0, leaves: plain ? cuts : 0 };
      return plain ? { ends: cuts, leaves: 0 } : NOTHING;
    }
    case 'BertPreTokenizer':
    case 'Whitespace':
      return plain ? { ends: ALL, leaves: 0 } : NOTHING;
    case 'WhitespaceSplit':
      return plain ? { ends: BLANK | LINE, leaves: ALL } : NOTHING;
    case 'Punctuation': {
      const merges = spec.behavior === 'MergedWithPrevious' || spec.behavior === 'MergedWithNext';
      return merges ? NOTHING : { ends: STOP, leaves: ALL };
    }
    case 'Digits':
      return { ends: 0, leaves: ALL };
    case 'Metaspace': {
      if (!plain && blank !== spec.replacement) return NOTHING;
      const never = spec.prepend_scheme === 'never' || spec.add_prefix_space === false;
      return { ends: spec.split === false ? 0 : BLANK, leaves: never ? ALL : BLANK };
    }
    case 'CharDelimiterSplit':
      return { ends: spec.delimiter === blank ? BLANK : 0, leaves: ALL };
    case 'Split':
      return splitBehavior(spec, blank);
    default:
      return NOTHING;
  }
}

function splitBehavior({ pattern, behavior: kind, invert }: Json, blank: string): Behavior {
  const { String: word, Regex: regex } = pattern as { String?: string; Regex?: string };
  if (regex !== undefined) {
    const whole = (kind === 'Isolated' && !invert) || (kind === 'Removed' && invert);
    return blank === ' ' && whole && known.has(regex) ? { ends: ALL, leaves: 0 } : NOTHING;
  }
  if (invert || word === undefined || [...word].length !== 1 || kind === 'MergedWithPrevious') return NOTHING;
  if (kind === 'MergedWithNext') return word === blank ? { ends: BLANK, leaves: 0 } : NOTHING;
  return { ends: word === blank ? BLANK : 0, leaves: ALL };
}

/** What Metaspace, alone, writes for a blank. */
function replacementOf(spec: Spec | null): string | null {
  return spec?.type === 'Metaspace' ? String(spec.replacement) : null;
}

/** Where no token of a model that joins neighbours reaches over, so that nothing is joined across. */
function modelCuts(model: Model, blank: string): number {
  if (!model.joinsNeighbours) return 0;
  const bytes = model instanceof BPE;
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  const across: [number, RegExp][] = [
    [BLANK, new RegExp(`[^\\s${blank}]${blank}`, 'u')],
    [LINE, /[^\s]\n/u],
    [STOP, new RegExp(`[^\\s][${PUNCTUATION}]`, 'u')],
  ];
  let cuts = ALL;
  if (!bytes) {
    // Unknown characters that follow each other may become one token, so what stands behind a cut has to be known.
    const known = (characters: string): boolean => [...characters].every((c) => model.tokenToId(c) !== undefined);
    for (const [cut, characters] of [
      [BLANK, blank],
      [LINE, '\n'],
      [STOP, PUNCTUATION],
    ] as const)
      if (!known(characters)) cuts &= ~cut;
  }
  for (let id = 0; id < model.vocabSize && cuts !== 0; id++) {
    const token = bytes ? decoder.decode(model.tokenBytes(id)) : model.idToToken(id);
    if (!token || token.length < 2) continue;
    for (const [cut, pattern] of across) if (pattern.test(token)) cuts &= ~cut;
  }
  return cuts;
}
