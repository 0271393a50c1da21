import { expect } from 'chai';
import fc from 'fast-check';
import { Automaton } from '../src/grammar/automaton.ts';
import { parseRegex } from '../src/grammar/regex.ts';
import { utf8Ranges } from '../src/grammar/utf8.ts';
import {
  type Constraint,
  generate,
  grammarConstraint,
  jsonSchemaConstraint,
  regexConstraint,
  Vocabulary,
} from '../src/index.ts';
import { collect, summary } from './support/collect.ts';
import { tableModel } from './support/table-model.ts';

/** Token 0 ends the text; the others are characters, parts of characters and longer pieces. */
const texts: (string | Uint8Array | null)[] = [null, ...'abc0123456789+-*/(){}[]":, .eEtrufalsn\\'];
texts.push('ab', 'true', '": ', '"a', '12', Uint8Array.of(0xc3), Uint8Array.of(0xa9), 'é', '', '), (', 'nul');
const vocabulary = new Vocabulary(texts);

/** A text under the constraint, from random logits that like the end token less at first. */
async function write(
  constraint: Constraint,
  seed: number,
  maxNewTokens = 60,
): Promise<{ text: string; whole: boolean }> {
  let state = seed;
  const model = tableModel({ vocabSize: texts.length }, () =>
    texts.map(() => {
      state = (Math.imul(state, 1664525) + 1013904223) | 0;
      return (state >>> 8) / 2 ** 22;
    }),
  );
  const { end } = summary(await collect(generate(model, [1], { constraint, maxNewTokens })));
  const parts = end.tokens.map((id) => texts[id] ?? '');
  const bytes = parts.flatMap((part) => [...(typeof part === 'string' ? new TextEncoder().encode(part) : part)]);
  return { text: new TextDecoder().decode(Uint8Array.from(bytes)), whole: end.reason === 'eos' };
}

function accepts(automaton: Automaton, text: string): boolean {
  let state: ReturnType<Automaton['advance']> = automaton.start;
  for (const byte of new TextEncoder().encode(text)) state = state && automaton.advance(state, byte);
  return state?.complete ?? false;
}

const automatonOf = (pattern: string): Automaton => new Automaton(new Map([['root', parseRegex(pattern)]]), 'root');

describe('constraints', () => {
  it('spell ranges of code points in UTF-8 as the platform does', () => {
    const code = fc.oneof(fc.nat(0x10ffff), fc.constantFrom(0x7f, 0x80, 0x7ff, 0x800, 0xd7ff, 0xe000, 0xffff, 0x10000));
    fc.assert(
      fc.property(code, code, code, (a, b, c) => {
        const [from, to] = [Math.min(a, b), Math.max(a, b)];
        for (const point of [from, to, c]) {
          if (point >= 0xd800 && point <= 0xdfff) continue;
          const bytes = [...new TextEncoder().encode(String.fromCodePoint(point))];
          const hits = utf8Ranges([from, to]).filter(
            (ranges) =>
              ranges.length === bytes.length && ranges.every(([low, high], i) => bytes[i]! >= low && bytes[i]! <= high),
          );
          expect(hits).to.have.length(point >= from && point <= to ? 1 : 0);
        }
      }),
    );
  });

  it('accept what JavaScript’s regular expressions match', () => {
    const { tree } = fc.letrec((tie) => ({
      tree: fc.oneof(
        { maxDepth: 4 },
        fc.constantFrom('a', 'b', 'é', '[ab]', '[^a]', '.', String.raw`\d`, '[b-z]', '€'),
        tie('more'),
      ),
      more: fc.oneof(
        fc.tuple(tie('tree'), tie('tree')).map(([a, b]) => `${a}${b}`),
        fc.tuple(tie('tree'), tie('tree')).map(([a, b]) => `(${a}|${b})`),
        fc.tuple(tie('tree'), fc.constantFrom('*', '+', '?', '{2}', '{1,2}', '{2,}')).map(([a, q]) => `(?:${a})${q}`),
      ),
    }));
    const strings = fc.array(fc.array(fc.constantFrom('a', 'b', 'é', '€', '1', '\n'), { maxLength: 6 }), {
      minLength: 20,
      maxLength: 20,
    });
    fc.assert(
      fc.property(tree, strings, (pattern, candidates) => {
        const automaton = automatonOf(String(pattern));
        const regex = new RegExp(`^(?:${pattern})$`, 'u');
        for (const chars of candidates)
          expect(accepts(automaton, chars.join('')), `${pattern} ${chars}`).to.equal(regex.test(chars.join('')));
      }),
    );
  });

  for (const pattern of ['[ab]{2,5}é+', '-?(0|[1-9][0-9]*)(\\.[0-9]{2})?', '(true|false)( [abc]*)?', '"[^"]*"'])
    it(`make a model write what matches /${pattern}/`, async () => {
      for (let seed = 1; seed < 20; seed++) {
        const { text, whole } = await write(regexConstraint(pattern, vocabulary), seed);
        if (whole) expect(text).to.match(new RegExp(`^(?:${pattern})$`, 'u'));
      }
      expect((await write(regexConstraint('a{3}', vocabulary), 1)).text).to.equal('aaa');
    });

  for (const pattern of ['(?=a)b', '(a)\\1', 'a(?!b)', '\\bword', '[b-a]', 'a**', '(a', '\\p{L}', 'a{3,2}'])
    it(`refuse /${pattern}/ with its place`, () => {
      expect(() => regexConstraint(pattern, vocabulary)).to.throw(SyntaxError, /at character \d/);
    });

  const schema = {
    type: 'object',
    properties: {
      a: { type: 'integer' },
      b: { type: 'array', items: { type: ['boolean', 'null'] }, minItems: 1, maxItems: 3 },
      c: { type: 'string', maxLength: 3 },
      es: { enum: ['a', 1, null] },
      tree: { $ref: '#/$defs/tree' },
    },
    required: ['a', 'tree'],
    additionalProperties: false,
    $defs: { tree: { anyOf: [{ type: 'null' }, { type: 'array', items: { $ref: '#/$defs/tree' }, maxItems: 2 }] } },
  };

  it('make a model write JSON by a schema', async () => {
    let whole = 0;
    for (let seed = 1; seed < 60; seed++) {
      const written = await write(jsonSchemaConstraint(schema, vocabulary), seed, 150);
      if (!written.whole) continue;
      whole++;
      const value = JSON.parse(written.text);
      expect(Object.keys(schema.properties)).to.include.members(Object.keys(value));
      expect(Number.isInteger(value.a)).to.equal(true);
      if ('b' in value) expect(value.b.length).to.be.within(1, 3);
      if ('c' in value) expect(value.c.length).to.be.at.most(3);
      if ('es' in value) expect(['a', 1, null]).to.include(value.es);
      expect(value).to.have.property('tree');
    }
    expect(whole).to.be.above(10);
  });

  it('accept the JSON that a schema describes, and no other', () => {
    const spaces = (value: unknown): string => JSON.stringify(value);
    const constraint = jsonSchemaConstraint(schema, byteVocabulary);
    for (const [value, ok] of [
      [{ a: 1, tree: null }, true],
      [{ a: -20, b: [true, null], c: 'x"é', es: 1, tree: [[null], null] }, true],
      [{ a: 1.5, tree: null }, false],
      [{ tree: null }, false],
      [{ a: 1, b: [], tree: null }, false],
      [{ a: 1, c: 'abcd', tree: null }, false],
      [{ a: 1, tree: [null, null, null] }, false],
      [{ a: 1, tree: null, z: 1 }, false],
      [[], false],
    ] as const)
      expect(reads(constraint, spaces(value)), spaces(value)).to.equal(ok);
    const any = jsonSchemaConstraint(true, byteVocabulary);
    fc.assert(
      fc.property(fc.json({ maxDepth: 3 }), (text) => {
        fc.pre(!/\d{17}|e[+-]\d{4}/.test(text)); // longer numbers than the grammar has
        expect(reads(any, JSON.stringify(JSON.parse(text))), text).to.equal(true);
      }),
      { numRuns: 50 },
    );
    const pattern = jsonSchemaConstraint({ type: 'string', pattern: '^[^x]b' }, byteVocabulary);
    expect([reads(pattern, '"abc"'), reads(pattern, '""b"'), reads(pattern, '"cab"')]).to.deep.equal([
      true,
      false,
      false,
    ]);
  });

  for (const [bad, message] of [
    [{ type: 'integer', minimum: 3 }, /minimum/],
    [{ type: 'object', properties: { a: { not: {} } } }, /properties\/a.*'not'/],
    [{ type: 'thing' }, /thing/],
    [{ $ref: '#/$defs/none' }, /none/],
    [{ type: 'object', required: ['x'] }, /'x'/],
    [{ type: 'array', minItems: 3, maxItems: 1 }, /minItems/],
  ] as const)
    it(`refuse the schema ${JSON.stringify(bad)} by name`, () => {
      expect(() => jsonSchemaConstraint(bad, vocabulary)).to.throw(RangeError, message);
    });

  const sums = `
    root ::= term (("+" | "-") term)*   # a sum
    term ::= factor (("*" | "/") factor)*
    factor ::= [0-9]{1,3} | "(" root ")"`;

  it('make a model write the texts of a context-free grammar', async () => {
    let whole = 0;
    for (let seed = 1; seed < 60; seed++) {
      const written = await write(grammarConstraint(sums, vocabulary), seed, 40);
      if (!written.whole) continue;
      whole++;
      // Octal-looking numbers are the grammar's, not JavaScript's.
      expect(() => new Function(`return ${written.text.replace(/\b0+(?=\d)/g, '')}`)()).to.not.throw();
    }
    expect(whole).to.be.above(10);
  });

  it('follow nested rules to any depth', () => {
    const balanced = grammarConstraint('root ::= "(" root ")" root | ""', byteVocabulary);
    const check = (text: string): boolean => {
      let depth = 0;
      for (const char of text) {
        depth += char === '(' ? 1 : -1;
        if (depth < 0) return false;
      }
      return depth === 0;
    };
    fc.assert(
      fc.property(fc.array(fc.constantFrom('(', ')'), { maxLength: 10 }), (chars) => {
        expect(reads(balanced, chars.join(''))).to.equal(check(chars.join('')));
      }),
    );
    expect(reads(balanced, '('.repeat(500) + ')'.repeat(500))).to.equal(true);
  });

  for (const [bad, message] of [
    ['root ::= root "a" | "b"', /begins with itself/],
    ['root ::= x* root', /no rule 'x'/],
    ['root ::= ("a"', /line 1/],
    ['root ::= "a"\nroot ::= "b"', /line 2.*twice/],
    ['a ::= "b"', /root/],
    ['root ::= "a" ;', /line 1/],
  ] as const)
    it(`refuse the grammar ${JSON.stringify(bad)}`, () => {
      expect(() => grammarConstraint(bad, vocabulary)).to.throw(message);
    });

  it('tell where no token goes on', async () => {
    const error = await write(regexConstraint('axb', vocabulary), 1).catch((e: unknown) => e);
    expect(error)
      .to.be.instanceOf(RangeError)
      .with.property('message')
      .that.matches(/constraint.*no token in step 2/);
  });

  it('end a text that cannot go on where the model has no end token', async () => {
    const model = tableModel({ vocabSize: texts.length, eosTokenIds: [] }, () => texts.map(() => 0));
    const constraint = regexConstraint('ab', vocabulary);
    expect(summary(await collect(generate(model, [1], { constraint }))).end.reason).to.equal('stop');
  });

  it('refuse a model with another vocabulary', async () => {
    const model = tableModel({ vocabSize: 5 }, () => [0, 0, 0, 0, 0]);
    const error = await collect(generate(model, [1], { constraint: regexConstraint('a', vocabulary) })).catch(
      (e: unknown) => e,
    );
    expect(error).to.be.instanceOf(RangeError);
  });
});

const byteVocabulary = new Vocabulary(Array.from({ length: 256 }, (_, byte) => Uint8Array.of(byte)));

/** Whether a constraint over single bytes allows the text and its end. */
function reads(constraint: Constraint, text: string): boolean {
  let state = constraint.start(256);
  for (const byte of new TextEncoder().encode(text)) {
    if (state.allowed[byte] === 0) return false;
    state = state.advance(byte);
  }
  return state.complete;
}
