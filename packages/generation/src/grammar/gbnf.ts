import { choice, type Expression, literal, quantifierBounds, repeat, rule, sequence } from './expression.ts';
import { parseRegex } from './regex.ts';

const TOKEN =
  /[ \t\r\n]+|#[^\n]*|(?<name>[A-Za-z][\w-]*)|(?<is>::=)|(?<text>"(?:[^"\\\n]|\\.)*")|(?<set>\[(?:[^\]\\\n]|\\.)*\])|(?<sign>[|()*+?.]|\{\d+(?:,\d*)?\})/gy;

interface Token {
  readonly kind: 'name' | 'is' | 'text' | 'set' | 'sign';
  readonly text: string;
  readonly line: number;
}

/**
 * Reads a grammar in llama.cpp's notation (GBNF): `name ::= "text" [a-z] other-rule (a | b) c* d+ e? f{2,3} # comment`. The rule
 * `root` is the whole text; a rule goes on until the next name with `::=`.
 * @throws SyntaxError with the line.
 */
export function parseGrammar(text: string): Map<string, Expression> {
  const tokens = tokenize(text);
  let at = 0;
  const fail = (what: string): never => {
    throw new SyntaxError(`grammar, line ${tokens[at]?.line ?? text.split('\n').length}: ${what}`);
  };
  const isSign = (sign: string): boolean => tokens[at]?.kind === 'sign' && tokens[at]?.text === sign;

  const alternatives = (): Expression => {
    const parts = [concatenation()];
    while (isSign('|')) {
      at++;
      parts.push(concatenation());
    }
    return choice(parts);
  };

  const concatenation = (): Expression => {
    const parts: Expression[] = [];
    while (at < tokens.length && tokens[at + 1]?.kind !== 'is' && !isSign('|') && !isSign(')'))
      parts.push(quantified(atom()));
    return sequence(parts);
  };

  const atom = (): Expression => {
    const token = tokens[at]!;
    at++;
    if (token.kind === 'name') return rule(token.text);
    if (token.kind === 'text') return literal(quoted(token));
    if (token.kind === 'set' || token.text === '.') return parseRegex(token.text);
    if (token.text === '(') {
      const inner = alternatives();
      if (!isSign(')')) return fail('a ( without )');
      at++;
      return inner;
    }
    at--;
    return fail(`unexpected ${token.text}`);
  };

  const quantified = (part: Expression): Expression => {
    const sign = tokens[at]?.kind === 'sign' ? tokens[at]!.text : '';
    const bounds = quantifierBounds(sign);
    if (!bounds) return part;
    at++;
    return quantified(repeat(part, ...bounds));
  };

  const rules = new Map<string, Expression>();
  while (at < tokens.length) {
    const { kind, text: name } = tokens[at]!;
    if (kind !== 'name' || tokens[at + 1]?.kind !== 'is') fail('expected a rule, name ::= …');
    if (rules.has(name)) fail(`the rule '${name}' is there twice`);
    at += 2;
    rules.set(name, alternatives());
    if (isSign(')')) fail('a ) without (');
  }
  return rules;
}

function tokenize(text: string): Token[] {
  const tokens: Token[] = [];
  TOKEN.lastIndex = 0;
  let line = 1;
  while (TOKEN.lastIndex < text.length) {
    const from = TOKEN.lastIndex;
    const match = TOKEN.exec(text);
    if (!match)
      throw new SyntaxError(`grammar, line ${line}: cannot read ${JSON.stringify(text.slice(from, from + 20))}`);
    for (const kind of ['name', 'is', 'text', 'set', 'sign'] as const)
      if (match.groups![kind] !== undefined) tokens.push({ kind, text: match[0], line });
    line += match[0].split('\n').length - 1;
  }
  return tokens;
}

function quoted({ text, line }: Token): string {
  return text.slice(1, -1).replace(/\\(?:x([\da-f]{2})|u([\da-f]{4})|(.))/gi, (_, hex, long, char) => {
    if (hex ?? long) return String.fromCodePoint(Number.parseInt(hex ?? long, 16));
    const known: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t', '"': '"', '\\': '\\' };
    const found = known[char];
    if (found === undefined) throw new SyntaxError(`grammar, line ${line}: \\${char} is no escape`);
    return found;
  });
}
