/** Classes of characters that GPT-2's split tells apart. */
export const OTHER = 0;
export const LETTER = 1;
export const NUMBER = 2;
export const SPACE = 3;

const UNKNOWN = 255;
/** Filled on demand: most texts use few of the 1,114,112 code points. */
const classes: Uint8Array = new Uint8Array(0x110000).fill(UNKNOWN);

/** Unicode's White_Space, as Rust's regular expressions mean `\s`: JavaScript's differs in U+0085 and U+FEFF. */
const isSpace = (code: number): boolean =>
  (code >= 0x09 && code <= 0x0d) ||
  code === 0x20 ||
  code === 0x85 ||
  code === 0xa0 ||
  code === 0x1680 ||
  (code >= 0x2000 && code <= 0x200a) ||
  code === 0x2028 ||
  code === 0x2029 ||
  code === 0x202f ||
  code === 0x205f ||
  code === 0x3000;

/** The class of a code point. `\p{L}` and `\p{N}` are those of the JavaScript engine's Unicode version. */
export function classOf(code: number): number {
  const known = classes[code]!;
  if (known !== UNKNOWN) return known;
  const kind = classify(code);
  classes[code] = kind;
  return kind;
}

function classify(code: number): number {
  if (isSpace(code)) return SPACE;
  const character = String.fromCodePoint(code);
  if (/\p{L}/u.test(character)) return LETTER;
  return /\p{N}/u.test(character) ? NUMBER : OTHER;
}

export function isWhiteSpace(code: number): boolean {
  return classOf(code) === SPACE;
}
