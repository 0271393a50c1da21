import { byteCharacters } from '../byte-characters.ts';
import { splitWords } from '../byte-level.ts';
import type { Json, Spec } from '../format.ts';
import { Normalized } from '../normalized.ts';
import { type Normalizer, readNormalizer } from '../normalizers/index.ts';
import { type PreTokenizer, readPreTokenizer } from '../pre-tokenizers/index.ts';
import { SENTENCEPIECE } from './options.ts';

/** Longer texts are counted in parts of about this many units where a cut changes nothing. */
const PART = 2 ** 16;
const BLANK = 0x20;

/** Pre-tokenizers that always split at white space, and normalizers that look at no character beyond it. */
const SPLITTING = new Set(['BertPreTokenizer', 'Whitespace', 'WhitespaceSplit']);
const LOCAL = new Set(['BertNormalizer', 'Lowercase', 'NFC', 'NFD', 'NFKC', 'NFKD', 'StripAccents']);

/** What a text is counted in before the pipeline sees it: nothing smaller, GPT-2's words, or what white space separates. */
type Unit = 'text' | 'word' | 'chunk';

/** Counts the words that a model would be given; keeps every distinct word once, and no text. */
export class WordCounter {
  readonly #normalize: Normalizer | null;
  readonly #split: PreTokenizer | null;
  readonly #unit: Unit;
  readonly #prefixed: boolean;
  readonly #counts = new Counts();

  /** @throws TokenizerFormatError naming a component, or a setting of one, that is wrong. */
  constructor(normalizer: Spec | null, preTokenizer: Spec | null) {
    this.#normalize = normalizer && readNormalizer('normalizer', normalizer);
    this.#split = preTokenizer && readPreTokenizer('pre_tokenizer', preTokenizer, false);
    this.#unit = unitOf(normalizer, preTokenizer);
    this.#prefixed = preTokenizer?.add_prefix_space !== false;
  }

  /** Counts a text; what it yields are the units done, so that a long text need not be counted at one go. */
  *add(raw: string): Generator<number, void> {
    const text = raw.toWellFormed();
    const prefixed = this.#unit === 'word' && this.#prefixed && text !== '' && !text.startsWith(' ');
    const whole = prefixed ? ` ${text}` : text;
    for (let at = 0; at < whole.length; ) {
      const end = this.#unit === 'text' ? whole.length : partEnd(whole, at);
      this.#addPart(at === 0 && end === whole.length ? whole : whole.slice(at, end));
      yield end - at;
      at = end;
    }
  }

  #addPart(text: string): void {
    const counts = this.#counts;
    if (this.#unit === 'text') for (const piece of this.#pieces(text)) counts.add(piece, 1);
    else if (this.#unit === 'word') splitWords(text, (start, end) => counts.add(text.slice(start, end), 1));
    else chunks(text, (start, end) => counts.add(text.slice(start, end), 1));
  }

  #pieces(text: string): string[] {
    const normalized = Normalized.of(text, 0, false);
    this.#normalize?.(normalized);
    const pieces = this.#split ? this.#split(normalized) : [normalized];
    return pieces.map((piece) => piece.text).filter((piece) => piece !== '');
  }

  /** The words with their counts, in the order of their first occurrence; yields how many of the kept units are done. */
  *words(): Generator<number, Map<string, number>> {
    if (this.#unit === 'text') return this.#counts.toMap();
    const words = new Counts();
    let done = 0;
    for (const [unit, count] of this.#counts.toMap()) {
      if (this.#unit === 'word') words.add(inByteCharacters(unit), count);
      else for (const piece of this.#pieces(unit)) words.add(piece, count);
      if (++done % 256 === 0) yield done;
    }
    return words.toMap();
  }
}

/** One look-up for a word that is known. */
class Counts {
  readonly #numbers = new Map<string, number>();
  readonly #counts: number[] = [];

  add(word: string, count: number): void {
    const number = this.#numbers.get(word);
    if (number !== undefined) {
      this.#counts[number]! += count;
      return;
    }
    // A slice would keep its whole text in memory; a new string does not.
    this.#numbers.set(word.length > 12 ? ` ${word}`.slice(1) : word, this.#counts.length);
    this.#counts.push(count);
  }

  toMap(): Map<string, number> {
    const map = new Map<string, number>();
    for (const [word, number] of this.#numbers) map.set(word, this.#counts[number]!);
    return map;
  }
}

function unitOf(normalizer: Spec | null, preTokenizer: Spec | null): Unit {
  if (!preTokenizer) return 'text';
  if (preTokenizer.type === 'ByteLevel') return normalizer || preTokenizer.use_regex === false ? 'text' : 'word';
  if (preTokenizer.type === 'Metaspace') {
    const always = preTokenizer.prepend_scheme === 'always' && preTokenizer.split === true;
    return always && JSON.stringify(normalizer) === JSON.stringify(SENTENCEPIECE) ? 'chunk' : 'text';
  }
  const first = (flat(preTokenizer, 'pretokenizers')[0] as Spec | undefined)?.type ?? '';
  return SPLITTING.has(first) && flat(normalizer, 'normalizers').every((one) => LOCAL.has(String(one.type)))
    ? 'chunk'
    : 'text';
}

/** The stages of a sequence, or a component alone. */
function flat(spec: Spec | null, list: string): Json[] {
  if (!spec) return [];
  return spec.type === 'Sequence' ? (spec[list] as Spec[]).flatMap((one) => flat(one, list)) : [spec];
}

/** A place to cut before a single blank, where both ways of splitting do; the end of the text where there is none. */
function partEnd(text: string, start: number): number {
  if (text.length - start <= PART) return text.length;
  for (let at = start + PART; at + 1 < text.length; at++)
    if (text.charCodeAt(at) === BLANK && plain(text.charCodeAt(at - 1)) && plain(text.charCodeAt(at + 1))) return at;
  return text.length;
}

/** ASCII, and no white space. */
const plain = (code: number): boolean => code > BLANK && code < 0x7f;

/** Calls `chunk` with the bounds of what blanks, tabs and line ends separate. */
function chunks(text: string, chunk: (start: number, end: number) => void): void {
  let start = 0;
  for (let at = 0; at <= text.length; at++) {
    const code = at < text.length ? text.charCodeAt(at) : BLANK;
    if (code > BLANK || (code !== BLANK && code !== 9 && code !== 10 && code !== 13)) continue;
    if (at > start) chunk(start, at);
    start = at + 1;
  }
}

const encoder = new TextEncoder();

function inByteCharacters(word: string): string {
  let result = '';
  for (const byte of encoder.encode(word)) result += byteCharacters[byte]!;
  return result;
}
