import {
  choice,
  complement,
  type Expression,
  MAX_CODE_POINT,
  oneOf,
  quantifierBounds,
  type Range,
  repeat,
  sequence,
} from './expression.ts';

const DIGIT: Range[] = [[0x30, 0x39]];
const WORD: Range[] = [[0x30, 0x39], [0x41, 0x5a], [0x5f, 0x5f], [0x61, 0x7a]]; // biome-ignore format: a table
const SPACE: Range[] = [[9, 13], [0x20, 0x20], [0xa0, 0xa0], [0x1680, 0x1680], [0x2000, 0x200a], [0x2028, 0x2029], [0x202f, 0x202f], [0x205f, 0x205f], [0x3000, 0x3000], [0xfeff, 0xfeff]]; // biome-ignore format: a table
const NEWLINE: Range[] = [
  [10, 10],
  [13, 13],
  [0x2028, 0x2029],
];
const CONTROL: Readonly<Record<string, number>> = { n: 10, r: 13, t: 9, f: 12, v: 11, '0': 0 };

/**
 * Reads a regular expression in JavaScript's notation with the flag u, for the whole text: ^ and $ may stand at its ends.
 * @throws SyntaxError for what is not regular or not supported (look-around, back references, \b, \p), with the position.
 */
export function parseRegex(pattern: string): Expression {
  const chars = Array.from(pattern);
  let at = 0;
  const fail = (what: string): never => {
    throw new SyntaxError(`regular expression /${pattern}/: ${what} at character ${at}`);
  };

  const alternatives = (): Expression => {
    const parts = [concatenation()];
    while (chars[at] === '|') {
      at++;
      parts.push(concatenation());
    }
    return choice(parts);
  };

  const concatenation = (): Expression => {
    const parts: Expression[] = [];
    while (at < chars.length && chars[at] !== '|' && chars[at] !== ')') {
      if (chars[at] === '^' && at === 0) at++;
      else if (chars[at] === '$' && at === chars.length - 1) at++;
      else parts.push(quantified(atom()));
    }
    return sequence(parts);
  };

  const quantified = (part: Expression): Expression => {
    let sign = chars[at] ?? '';
    if (sign === '{') sign = /^\{\d+(,\d*)?\}/.exec(chars.slice(at).join(''))?.[0] ?? fail('{ without numbers');
    const bounds = quantifierBounds(sign);
    if (!bounds) return part;
    if (bounds[0] > bounds[1]) return fail('bounds out of order');
    at += sign.length;
    if (chars[at] === '?') at++; // lazy or not: the same texts match
    if (['*', '+', '?', '{'].includes(chars[at] ?? '')) return fail('a second quantifier');
    return repeat(part, ...bounds);
  };

  const atom = (): Expression => {
    const char = chars[at]!;
    if (char === '(') {
      if (chars[at + 1] === '?') {
        if (chars[at + 2] === ':') at += 2;
        else if (chars[at + 2] === '<' && /[\p{L}_$]/u.test(chars[at + 3] ?? '')) at = chars.indexOf('>', at);
        else return fail('look-around or an unknown group');
      }
      at++;
      const inner = alternatives();
      if (chars[at] !== ')') return fail('a group without )');
      at++;
      return inner;
    }
    if (char === '[') return oneOf(classRanges());
    if (char === '.') {
      at++;
      return oneOf(complement(NEWLINE));
    }
    if (char === '\\') return oneOf(escaped());
    if ('*+?{}]^$'.includes(char)) return fail(`unexpected ${char}`);
    at++;
    return oneOf([[char.codePointAt(0)!, char.codePointAt(0)!]]);
  };

  const classRanges = (): Range[] => {
    at++;
    const negated = chars[at] === '^';
    if (negated) at++;
    const ranges: Range[] = [];
    while (chars[at] !== ']') {
      if (at >= chars.length) return fail('a class without ]');
      const low = classMember();
      if (chars[at] === '-' && chars[at + 1] !== ']' && at + 1 < chars.length) {
        at++;
        const high = classMember();
        const [from, to] = [low[0]![0], high[0]![1]];
        if (low.length > 1 || high.length > 1 || low[0]![0] !== low[0]![1] || from > to)
          return fail('a range out of order');
        ranges.push([from, to]);
      } else ranges.push(...low);
    }
    at++;
    return negated ? complement(ranges) : ranges;
  };

  const classMember = (): Range[] => {
    if (chars[at] === '\\') return escaped();
    const code = chars[at++]!.codePointAt(0)!;
    return [[code, code]];
  };

  /** What follows a backslash, and it. */
  const escaped = (): Range[] => {
    const char = chars[at + 1];
    if (char === undefined) return fail('a backslash at the end');
    const sets: Readonly<Record<string, Range[]>> = { d: DIGIT, w: WORD, s: SPACE };
    const set = Object.hasOwn(sets, char.toLowerCase()) ? sets[char.toLowerCase()] : undefined;
    if (set) {
      at += 2;
      return char === char.toLowerCase() ? set : complement(set);
    }
    const hex = /^\\(?:x([\da-f]{2})|u([\da-f]{4})|u\{([\da-f]+)\})/i.exec(chars.slice(at).join(''));
    if (hex) {
      const code = Number.parseInt(hex[1] ?? hex[2] ?? hex[3]!, 16);
      if (code > MAX_CODE_POINT) return fail('a code point above 10FFFF');
      at += hex[0].length;
      return [[code, code]];
    }
    if (Object.hasOwn(CONTROL, char)) {
      at += 2;
      return [[CONTROL[char]!, CONTROL[char]!]];
    }
    if (/[\p{L}\p{N}]/u.test(char)) return fail(`\\${char}, which is not supported,`);
    at += 2;
    return [[char.codePointAt(0)!, char.codePointAt(0)!]];
  };

  const whole = alternatives();
  if (at < chars.length) fail(`unexpected ${chars[at]}`);
  return whole;
}
