import { splitWords } from '../byte-level.ts';
import { characterSet } from '../character-set.ts';
import { array, boolean, character, choice, count, type Json, object, refuse } from '../format.ts';
import type { Normalized } from '../normalized.ts';
import { byteLevel } from '../normalizers/characters.ts';
import { finder } from '../pattern.ts';
import { isWhiteSpace } from '../unicode.ts';
import { punctuation } from '../unicode-sets.ts';
import { behaviors, cut, type Find, findCharacters } from './split.ts';
import { splitScripts } from './unicode-scripts.ts';

/** Cuts a text into pieces that a model sees one by one; empty pieces are dropped. */
export type PreTokenizer = (text: Normalized) => Normalized[];

const SUPPORTED =
  'Sequence, ByteLevel, BertPreTokenizer, Whitespace, WhitespaceSplit, Punctuation, Digits, Split, Metaspace, CharDelimiterSplit, UnicodeScripts, FixedLength';

const isSpace = findCharacters(isWhiteSpace);
const marks = characterSet(punctuation);
const isPunctuation = findCharacters((code) => marks.test(String.fromCodePoint(code)));
const isNumeric = findCharacters((code) => /\p{N}/u.test(String.fromCodePoint(code)));

/**
 * @param rawBytes whether a ByteLevel at the end leaves the text's own characters, for a model that takes its bytes.
 * @throws TokenizerFormatError naming the field.
 */
export function readPreTokenizer(field: string, value: unknown, rawBytes: boolean): PreTokenizer {
  const json = object(field, value);
  switch (json.type) {
    case 'Sequence': {
      const list = array(`${field}.pretokenizers`, json.pretokenizers);
      const stages = list.map((stage, i) =>
        readPreTokenizer(`${field}.pretokenizers[${i}]`, stage, rawBytes && i === list.length - 1),
      );
      return (text) => stages.reduce((pieces, stage) => pieces.flatMap(stage), [text]);
    }
    case 'ByteLevel':
      return byteLevelPieces(field, json, rawBytes);
    case 'BertPreTokenizer':
      return (text) => cut(text, isSpace, 'Removed').flatMap((word) => cut(word, isPunctuation, 'Isolated'));
    case 'Whitespace': {
      const find = finder(field, {
        Regex:
          '[\\p{Alphabetic}\\p{M}\\p{Nd}\\p{Pc}\\x{200c}\\x{200d}]+|[^\\p{Alphabetic}\\p{M}\\p{Nd}\\p{Pc}\\x{200c}\\x{200d}\\s]+',
      });
      return (text) => cut(text, find, 'Removed', true);
    }
    case 'WhitespaceSplit':
      return (text) => cut(text, isSpace, 'Removed');
    case 'Punctuation': {
      const behavior = choice(`${field}.behavior`, json.behavior, behaviors, 'Isolated');
      return (text) => cut(text, isPunctuation, behavior);
    }
    case 'Digits': {
      const behavior = boolean(`${field}.individual_digits`, json.individual_digits, false) ? 'Isolated' : 'Contiguous';
      return (text) => cut(text, isNumeric, behavior);
    }
    case 'Split': {
      const find = finder(`${field}.pattern`, json.pattern);
      const behavior = choice(`${field}.behavior`, json.behavior, behaviors);
      const invert = boolean(`${field}.invert`, json.invert, false);
      return (text) => cut(text, find, behavior, invert);
    }
    case 'Metaspace':
      return metaspace(field, json);
    case 'CharDelimiterSplit': {
      const code = character(`${field}.delimiter`, json.delimiter).codePointAt(0)!;
      const find = findCharacters((c) => c === code);
      return (text) => cut(text, find, 'Removed');
    }
    case 'UnicodeScripts':
      return splitScripts;
    case 'FixedLength': {
      const length = count(`${field}.length`, json.length);
      if (length === 0) return () => [];
      const find = finder(field, { Regex: `(?:.|\\n){1,${length}}` });
      return (text) => cut(text, find, 'Isolated');
    }
    default:
      return refuse(field, value, SUPPORTED);
  }
}

function byteLevelPieces(field: string, json: Json, rawBytes: boolean): PreTokenizer {
  const prefix = boolean(`${field}.add_prefix_space`, json.add_prefix_space, true);
  const words = boolean(`${field}.use_regex`, json.use_regex, true);
  return (text) => {
    if (prefix && !text.text.startsWith(' ')) text.prepend(' ');
    const pieces: Normalized[] = [];
    if (words) splitWords(text.text, (start, end) => pieces.push(text.slice(start, end)));
    else pieces.push(text);
    if (!rawBytes) for (const piece of pieces) byteLevel(piece);
    return pieces;
  };
}

export type PrependScheme = 'always' | 'first' | 'never';

/** Older files say add_prefix_space where newer ones say prepend_scheme. */
export function prependScheme(field: string, json: Json): PrependScheme {
  const scheme = choice(
    `${field}.prepend_scheme`,
    json.prepend_scheme,
    ['always', 'first', 'never'] as const,
    'always',
  );
  return boolean(`${field}.add_prefix_space`, json.add_prefix_space, true) ? scheme : 'never';
}

function metaspace(field: string, json: Json): PreTokenizer {
  const replacement = character(`${field}.replacement`, json.replacement);
  const scheme = prependScheme(field, json);
  const split = boolean(`${field}.split`, json.split, true);
  const blanks = finder(field, { String: ' ' });
  const find: Find = finder(field, { String: replacement });
  return (text) => {
    if (text.text.includes(' ')) text.replace(blanks(text.text), replacement);
    const wanted = scheme === 'always' || (scheme === 'first' && text.origin === 0);
    if (wanted && !text.text.startsWith(replacement)) text.prepend(replacement);
    return split ? cut(text, find, 'MergedWithNext') : [text];
  };
}
