import type { OperatorFunction } from 'rxjs';
import { checkWhole } from './check.ts';
import { pullOperator } from './pull.ts';
import { filterItems, mapItems, SKIP, stepOperator } from './step.ts';
import type { TokenizedText } from './text.ts';

export interface NormalizeOptions {
  /** Unicode's form. Default NFC. */
  readonly form?: 'NFC' | 'NFD' | 'NFKC' | 'NFKD';
  /** Runs of white space become one space, ends are trimmed. Default true. */
  readonly collapseSpace?: boolean;
  /** Default false. */
  readonly lowerCase?: boolean;
}

/**
 * Texts in one Unicode form. Window: 1.
 *
 *     source:     --" a  b"--|
 *     normalize:  --"a b"----|
 */
export function normalize({
  form = 'NFC',
  collapseSpace = true,
  lowerCase = false,
}: NormalizeOptions = {}): OperatorFunction<string, string> {
  return mapItems((text: string) => {
    const normal = text.normalize(form);
    const spaced = collapseSpace ? normal.replace(/\s+/gu, ' ').trim() : normal;
    return lowerCase ? spaced.toLowerCase() : spaced;
  });
}

/**
 * The sentences of every text by Unicode's rules (`Intl.Segmenter`), trimmed, blank ones left out. Window: 1 text.
 *
 *     source:     --"A. B."------|
 *     sentences:  --"A."-"B."----|
 */
export function sentences(locale = 'en'): OperatorFunction<string, string> {
  const segmenter = new Intl.Segmenter(locale, { granularity: 'sentence' });
  return pullOperator(async function* (source) {
    for await (const text of source)
      for (const { segment } of segmenter.segment(text)) {
        const sentence = segment.trim();
        if (sentence !== '') yield sentence;
      }
  });
}

export interface TokenWindow {
  /** The number of the text, from 0. */
  readonly index: number;
  /** Where the window begins in the text, tokens. */
  readonly offset: number;
  readonly ids: Int32Array;
}

/**
 * Windows of at most `size` tokens, each `stride` after the one before; the last ends where its text ends. Window: 1 text.
 *
 *     source:                   --{abcd}---------|
 *     windows, size 3 stride 2: --{abc}-{cd}-----|
 */
export function windows({
  size,
  stride = size,
}: {
  size: number;
  stride?: number;
}): OperatorFunction<TokenizedText, TokenWindow> {
  checkWhole('size', size);
  checkWhole('stride', stride);
  if (stride > size) throw new RangeError(`stride ${stride} is larger than size ${size}: tokens would be lost`);
  return pullOperator(async function* (source) {
    for await (const { index, ids } of source)
      for (let offset = 0; offset < ids.length; offset += stride) {
        yield { index, offset, ids: ids.slice(offset, offset + size) };
        if (offset + size >= ids.length) break;
      }
  });
}

export interface DeduplicateOptions<T> {
  /** What makes items the same. Default: the item. */
  readonly keyOf?: (item: T) => unknown;
  /** How many keys are remembered; the oldest is forgotten. Default 1,000,000. */
  readonly memory?: number;
}

/**
 * Leaves out items whose key was seen among the last `memory` different keys. Window: 1.
 *
 *     source:       --a--b--a--|
 *     deduplicate:  --a--b-----|
 */
export function deduplicate<T>({
  keyOf = (item) => item,
  memory = 1_000_000,
}: DeduplicateOptions<T> = {}): OperatorFunction<T, T> {
  checkWhole('memory', memory);
  return stepOperator(() => {
    const seen = new Set<unknown>();
    return {
      next(item: T) {
        const key = keyOf(item);
        if (seen.has(key)) return SKIP;
        seen.add(key);
        if (seen.size > memory) seen.delete(seen.values().next().value); // the oldest
        return item;
      },
    };
  });
}

/**
 * Keeps texts of `min` to `max` UTF-16 units. Window: 1.
 *
 *     source:            --"a"--"abc"--|
 *     ofLength, max 2:   --"a"---------|
 */
export function ofLength({
  min = 0,
  max = Infinity,
}: {
  min?: number;
  max?: number;
}): OperatorFunction<string, string> {
  return filterItems((text: string) => text.length >= min && text.length <= max);
}

/**
 * Keeps texts of which at least `share` of the letters belong to a Unicode script, such as `Latin` or `Han`. It tells scripts apart,
 * not the languages that share one. A text without letters is left out. Window: 1.
 *
 *     source:           --"hello"--"你好"--|
 *     ofScript('Han'):  -----------"你好"--|
 */
export function ofScript(script: string, { share = 0.5 }: { share?: number } = {}): OperatorFunction<string, string> {
  if (!(share > 0 && share <= 1)) throw new RangeError(`share must be over 0 and at most 1, got ${share}`);
  let wanted: RegExp;
  try {
    wanted = new RegExp(`\\p{Script=${script}}`, 'gu');
  } catch {
    throw new RangeError(`script ${JSON.stringify(script)} is not one of Unicode's`);
  }
  return filterItems((text: string) => {
    const letters = text.match(/\p{L}/gu) ?? [];
    return letters.length > 0 && (letters.join('').match(wanted)?.length ?? 0) >= share * letters.length;
  });
}

/**
 * Keeps texts in one of some languages, as a detector of your choice names them (such as `franc` of the package franc-min, with ISO
 * 639-3 codes). Window: 1.
 *
 *     source:                      --"hello there"--"guten Morgen"--|
 *     ofLanguage(['deu'], franc):  -----------------"guten Morgen"--|
 */
export function ofLanguage(
  languages: Iterable<string>,
  detect: (text: string) => string | Promise<string>,
): OperatorFunction<string, string> {
  const wanted = new Set(languages);
  if (wanted.size === 0) throw new RangeError('ofLanguage needs one language or more: it would keep nothing');
  return filterItems((text: string) => {
    const found = detect(text);
    return typeof found === 'string' ? wanted.has(found) : found.then((language) => wanted.has(language));
  });
}
