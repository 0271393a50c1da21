import { classTable, LOWER, MARK, NUMBER, OTHER_LETTER, UPPER } from './unicode.ts';

/** Property → the classes of `unicode.ts` that it has: from `least` to `most`. */
const classes: Readonly<Record<string, readonly [least: number, most: number]>> = {
  L: [UPPER, OTHER_LETTER],
  Ll: [LOWER, LOWER],
  M: [MARK, MARK],
  N: [NUMBER, NUMBER],
};
const made = new Map<string, string>();

/**
 * The members of a general category, as a class in an expression lists them, in the Unicode version of the references and not the
 * engine's; undefined for others than L, Ll, M and N. @param negative Those that do not belong to it instead.
 */
export function pinnedProperty(name: string, negative: boolean): string | undefined {
  const range = Object.hasOwn(classes, name) ? classes[name] : undefined;
  if (!range) return undefined;
  const key = `${negative}${name}`;
  const known = made.get(key);
  if (known !== undefined) return known;
  const table = classTable();
  const has = (code: number): boolean => (table[code]! >= range[0] && table[code]! <= range[1]) !== negative;
  let members = '';
  for (let code = 0; code < table.length; code++) {
    if (!has(code)) continue;
    const first = code;
    while (code + 1 < table.length && has(code + 1)) code++;
    members += `\\u{${first.toString(16)}}-\\u{${code.toString(16)}}`;
  }
  made.set(key, members);
  return members;
}
