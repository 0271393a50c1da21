import type { Normalized } from '../normalized.ts';

const NAMES =
  'Common Inherited Latin Greek Cyrillic Han Hiragana Katakana Hangul Arabic Hebrew Thai Devanagari Bengali Tamil Telugu Gujarati Gurmukhi Kannada Malayalam Oriya Sinhala Lao Tibetan Myanmar Georgian Armenian Ethiopic Cherokee Canadian_Aboriginal Ogham Runic Khmer Mongolian Bopomofo Yi Old_Italic Gothic Deseret Tagalog Hanunoo Buhid Tagbanwa Limbu Tai_Le Linear_B Ugaritic Shavian Osmanya Cypriot Braille Buginese Coptic New_Tai_Lue Glagolitic Tifinagh Syloti_Nagri Old_Persian Kharoshthi Balinese Cuneiform Phoenician Phags_Pa Nko Sundanese Lepcha Ol_Chiki Vai Saurashtra Kayah_Li Rejang Lycian Carian Lydian Cham Tai_Tham Tai_Viet Avestan Egyptian_Hieroglyphs Samaritan Lisu Bamum Javanese Meetei_Mayek Imperial_Aramaic Old_South_Arabian Inscriptional_Parthian Inscriptional_Pahlavi Old_Turkic Kaithi Batak Brahmi Mandaic Chakma Meroitic_Cursive Meroitic_Hieroglyphs Miao Sharada Sora_Sompeng Takri Syriac Thaana'.split(
    ' ',
  );
const ANY = -1;
const scripts = NAMES.map((name) => new RegExp(`\\p{Script=${name}}`, 'u'));
const HAN = NAMES.indexOf('Han');
const KANA = [NAMES.indexOf('Hiragana'), NAMES.indexOf('Katakana')];
const known = new Map<number, number>();

/** A number for the script that SentencePiece takes a character to be of; blanks are of any, −1. */
export function scriptOf(code: number): number {
  if (code === 0x20) return ANY;
  if (code === 0x30fc) return HAN;
  let script = known.get(code);
  if (script === undefined) {
    const character = String.fromCodePoint(code);
    script = scripts.findIndex((regex) => regex.test(character));
    if (KANA.includes(script)) script = HAN; // Japanese mixes the three
    known.set(code, script);
  }
  return script;
}

/** Splits where the script changes, as SentencePiece does; blanks belong to what is before them. */
export function splitScripts(text: Normalized): Normalized[] {
  const pieces: Normalized[] = [];
  let [start, last] = [-1, ANY]; // blanks before the first script are dropped, as in the reference
  for (let i = 0; i < text.text.length; ) {
    const code = text.text.codePointAt(i)!;
    const script = scriptOf(code);
    if (script !== ANY && last !== ANY && script !== last) {
      pieces.push(text.slice(start, i));
      start = i;
    }
    if (script !== ANY) {
      if (start < 0) start = i;
      last = script;
    }
    i += code > 0xffff ? 2 : 1;
  }
  if (start >= 0) pieces.push(text.slice(start, text.text.length));
  return pieces;
}
