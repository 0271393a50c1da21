import { TokenizerFormatError } from './format.ts';
import { pinnedProperty } from './pinned-properties.ts';

/** White_Space of Unicode: JavaScript's `\s` differs in U+0085 and U+FEFF. */
const SPACE = '\\t-\\r\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000';
const WORD = '\\p{Alphabetic}\\p{M}\\p{Nd}\\p{Pc}';
const POSIX: Readonly<Record<string, string>> = {
  alpha: '\\p{Alphabetic}',
  digit: '\\p{Nd}',
  alnum: '\\p{Alphabetic}\\p{Nd}',
  upper: '\\p{Lu}',
  lower: '\\p{Ll}',
  space: SPACE,
  punct: '\\p{P}$+<=>^`|~',
  word: WORD,
  blank: '\\p{Zs}\\t',
  cntrl: '\\p{Cc}',
  xdigit: '0-9a-fA-F',
};

/**
 * A regular expression as tokenizer.json writes them (Oniguruma's Ruby syntax) as one of JavaScript's: possessive and atomic
 * groups become a look-ahead with a back-reference, `(?i:…)` is spelled out, classes follow Unicode.
 * @throws TokenizerFormatError naming the field, for what has no counterpart.
 */
export function pattern(field: string, source: string): RegExp {
  try {
    return new RegExp(new Translator(source).all(), 'gu');
  } catch (error) {
    throw new TokenizerFormatError(
      field,
      `the pattern ${JSON.stringify(source)} is not understood: ${(error as Error).message}`,
    );
  }
}

class Translator {
  readonly #source: string;
  #at = 0;
  #atomic = 0;

  constructor(source: string) {
    this.#source = source;
  }

  all(): string {
    const out = this.#alternatives(false);
    if (this.#at < this.#source.length) throw new Error(`an unmatched ) at ${this.#at}`);
    return out;
  }

  #take(token: string): boolean {
    if (!this.#source.startsWith(token, this.#at)) return false;
    this.#at += token.length;
    return true;
  }

  #next(): string {
    const code = this.#source.codePointAt(this.#at);
    if (code === undefined) throw new Error('it ends too early');
    const text = String.fromCodePoint(code);
    this.#at += text.length;
    return text;
  }

  #alternatives(fold: boolean): string {
    let out = '';
    let folding = fold;
    while (this.#at < this.#source.length && this.#source[this.#at] !== ')') {
      if (this.#take('|')) {
        out += '|';
        continue;
      }
      if (this.#take('(?i)')) {
        folding = true;
        continue;
      }
      if (this.#take('(?-i)')) {
        folding = false;
        continue;
      }
      out += this.#quantified(this.#atom(folding));
    }
    return out;
  }

  #quantified(atom: string): string {
    let out = atom;
    for (;;) {
      const quantifier = /^(?:[?*+]|\{\d+(?:,\d*)?\}|\{,\d+\})/.exec(this.#source.slice(this.#at))?.[0];
      if (!quantifier) return out;
      this.#at += quantifier.length;
      if (out !== atom) out = `(?:${out})`; // a quantified atom quantified again
      out += quantifier.startsWith('{,') ? `{0${quantifier.slice(1)}` : quantifier;
      if (this.#take('?')) out += '?';
      else if (!quantifier.startsWith('{') && this.#take('+')) out = this.#atomicGroup(out);
    }
  }

  #atomicGroup(body: string): string {
    const name = `atomic${this.#atomic++}`;
    return `(?:(?=(?<${name}>${body}))\\k<${name}>)`;
  }

  #atom(fold: boolean): string {
    if (this.#take('[')) return this.#class(fold);
    if (this.#take('(')) return this.#group(fold);
    if (this.#take('\\')) return this.#escape(false, fold);
    const text = this.#next();
    if (text === '.') return '[^\\n]';
    if (text === '^') return '(?<=^|\\n)';
    if (text === '$') return '(?=$|\\n)';
    return literal(text, fold);
  }

  #group(fold: boolean): string {
    const body = (folding = fold): string => {
      const inner = this.#alternatives(folding);
      if (!this.#take(')')) throw new Error('an unclosed (');
      return inner;
    };
    for (const open of ['?:', '?=', '?!', '?<=', '?<!']) if (this.#take(open)) return `(${open}${body()})`;
    if (this.#take('?>')) return this.#atomicGroup(body());
    if (this.#take('?i:')) return `(?:${body(true)})`;
    if (this.#take('?-i:')) return `(?:${body(false)})`;
    if (this.#source[this.#at] === '?') throw new Error(`the group at ${this.#at}`);
    return `(?:${body()})`;
  }

  #escape(inClass: boolean, fold: boolean): string {
    const letter = this.#next();
    const wrap = (members: string): string => (inClass ? members : `[${members}]`);
    switch (letter) {
      case 's':
        return wrap(SPACE);
      case 'S':
        return inClass ? complement(SPACE) : `[^${SPACE}]`;
      case 'w':
        return wrap(WORD);
      case 'W':
        return inClass ? complement(WORD) : `[^${WORD}]`;
      case 'd':
        return '\\p{Nd}';
      case 'D':
        return '\\P{Nd}';
      case 'h':
        return wrap('0-9a-fA-F');
      case 'A':
        return '^';
      case 'z':
        return '$';
      case 'Z':
        return '(?=\\n?$)';
      case 'R':
        return '(?:\\r\\n|[\\n-\\r\\x85\\u2028\\u2029])';
      case 'b':
        return inClass ? '\\x08' : `(?:(?<=[${WORD}])(?![${WORD}])|(?<![${WORD}])(?=[${WORD}]))`;
      case 'p':
      case 'P': {
        const body = /^\{\^?[\w=:\s]+\}/.exec(this.#source.slice(this.#at))?.[0];
        if (!body) throw new Error(`the property at ${this.#at}`);
        this.#at += body.length;
        const negative = (letter === 'P') !== body.startsWith('{^');
        const name = body.replace(/[{}^\s]/g, '');
        const posix = POSIX[name.toLowerCase()];
        if (posix && !/^[A-Z]/.test(name))
          return negative ? (inClass ? complement(posix) : `[^${posix}]`) : wrap(posix);
        const pinned = pinnedProperty(name, negative);
        if (pinned !== undefined) return wrap(pinned);
        return `\\${negative ? 'P' : 'p'}{${propertyName(name)}}`;
      }
      case 'x': {
        const hex = /^(?:\{([\da-fA-F]+)\}|([\da-fA-F]{1,2}))/.exec(this.#source.slice(this.#at));
        if (!hex) throw new Error(`the escape at ${this.#at}`);
        this.#at += hex[0].length;
        return `\\u{${hex[1] ?? hex[2]}}`;
      }
      case 'u': {
        const hex = /^[\da-fA-F]{4}/.exec(this.#source.slice(this.#at))?.[0];
        if (!hex) throw new Error(`the escape at ${this.#at}`);
        this.#at += 4;
        return `\\u{${hex}}`;
      }
      case 'a':
        return '\\x07';
      case 'e':
        return '\\x1b';
      case 'n':
      case 'r':
      case 't':
      case 'f':
      case 'v':
        return `\\${letter}`;
      default:
        if (/[A-Za-z1-9]/.test(letter)) throw new Error(`the escape \\${letter}`);
        return inClass ? classLiteral(letter, fold) : literal(letter, fold);
    }
  }

  #class(fold: boolean): string {
    let out = this.#take('^') ? '[^' : '[';
    for (let first = true; ; first = false) {
      if (!first && this.#take(']')) return `${out}]`;
      const posix = /^\[:(\^?)(\w+):\]/.exec(this.#source.slice(this.#at));
      if (posix) {
        const members = POSIX[posix[2]!];
        if (!members) throw new Error(`the class ${posix[0]}`);
        this.#at += posix[0].length;
        out += posix[1] ? complement(members) : members;
        continue;
      }
      if (this.#take('[')) {
        const inner = this.#class(fold);
        if (inner.startsWith('[^')) throw new Error('a negated class inside a class');
        out += inner.slice(1, -1);
        continue;
      }
      if (this.#take('&&')) throw new Error('an intersection of classes');
      if (this.#take('\\')) out += this.#escape(true, fold);
      else {
        const text = this.#next();
        const range = this.#source[this.#at] === '-' && this.#source[this.#at + 1] !== ']';
        if (text === '-') out += '\\-';
        else if (range) {
          this.#at++;
          const end = this.#take('\\') ? this.#escape(true, false) : classLiteral(this.#next(), false);
          out += `${classLiteral(text, false)}-${end}`;
          if (fold && /[A-Za-z]/.test(text) && /[A-Za-z]/.test(end))
            out += `${text.toLowerCase()}-${end.toLowerCase()}${text.toUpperCase()}-${end.toUpperCase()}`;
        } else out += classLiteral(text, fold);
      }
    }
  }
}

/** All members but these, inside a class: only single properties and the two lists used here have one. */
function complement(members: string): string {
  if (members === SPACE)
    return '\\0-\\x08\\x0e-\\x1f\\x21-\\x84\\x86-\\x9f\\xa1-\\u167f\\u1681-\\u1fff\\u200b-\\u2027\\u202a-\\u202e\\u2030-\\u205e\\u2060-\\u2fff\\u3001-\\u{10ffff}';
  const single = /^\\p(\{\w+\})$/.exec(members);
  if (!single) throw new Error('a negated class inside a class');
  return `\\P${single[1]}`;
}

const literal = (text: string, fold: boolean): string => {
  const cases = fold ? casesOf(text) : [text];
  return cases.length > 1 ? `[${cases.map(escaped).join('')}]` : escaped(text);
};

const classLiteral = (text: string, fold: boolean): string => (fold ? casesOf(text) : [text]).map(escaped).join('');

/** A letter in all the cases that match it when case is ignored; ſ is an s and K (Kelvin) a k. */
function casesOf(text: string): string[] {
  const lower = text.toLowerCase();
  const extra = lower === 's' ? ['ſ'] : lower === 'k' ? ['\u212a'] : [];
  return [...new Set([text, lower, text.toUpperCase(), ...extra])].filter((c) => [...c].length === 1);
}

const escaped = (text: string): string => `\\u{${text.codePointAt(0)!.toString(16)}}`;

/** Oniguruma writes scripts without `Script=`. */
function propertyName(name: string): string {
  try {
    new RegExp(`\\p{${name}}`, 'u');
    return name;
  } catch {
    new RegExp(`\\p{Script=${name}}`, 'u');
    return `Script=${name}`;
  }
}

/** Bounds of all matches. An empty match right behind another match does not count. */
export function matchesOf(regex: RegExp, text: string): [number, number][] {
  const found: [number, number][] = [];
  let last = -1;
  regex.lastIndex = 0;
  for (let match = regex.exec(text); match; match = regex.exec(text)) {
    const end = match.index + match[0].length;
    if (match[0] !== '' || match.index !== last) found.push([match.index, end]);
    if (match[0] === '') regex.lastIndex += text.codePointAt(end)! > 0xffff ? 2 : 1;
    last = end;
  }
  return found;
}

/** `{ String }` or `{ Regex }`: what a component looks for. */
export function finder(field: string, value: unknown): (text: string) => [number, number][] {
  const spec = value as { String?: unknown; Regex?: unknown } | null | undefined;
  if (typeof spec?.Regex === 'string') {
    const regex = pattern(`${field}.Regex`, spec.Regex);
    return (text) => matchesOf(regex, text);
  }
  if (typeof spec?.String !== 'string') throw new TokenizerFormatError(field, 'expected { String } or { Regex }');
  const word = spec.String;
  return (text) => {
    const found: [number, number][] = [];
    if (word === '') return found;
    for (let at = text.indexOf(word); at >= 0; at = text.indexOf(word, at + word.length))
      found.push([at, at + word.length]);
    return found;
  };
}
