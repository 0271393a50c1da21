import { readFileSync } from 'node:fs';
import { BLEU, type BLEUOptions, type BLEUScore, corpusBLEU } from '@rivulet/training';
import { expect } from 'chai';
import fc from 'fast-check';

interface Fixture {
  readonly sacrebleu: string;
  readonly lines: string[];
  /** How many words every line has. */
  readonly lengths: Record<'13a' | 'none' | 'zh' | 'char', number[]>;
  readonly cases: (Required<BLEUOptions> & {
    readonly name: string;
    readonly hypotheses: string[];
    readonly references: string[][];
    readonly expected: BLEUScore;
  })[];
}

/** Written by tools/reference/bleu.py with the real sacreBLEU. */
const fixture = JSON.parse(readFileSync(new URL('./fixtures/bleu.json', import.meta.url), 'utf8')) as Fixture;

function expectSame(actual: BLEUScore, expected: BLEUScore): void {
  expect(actual.score).to.be.closeTo(expected.score, 1e-9);
  expect(actual.precisions).to.have.length(expected.precisions.length);
  expected.precisions.forEach((precision, i) => {
    expect(actual.precisions[i]).to.be.closeTo(precision, 1e-9);
  });
  expect(actual.brevityPenalty).to.be.closeTo(expected.brevityPenalty, 1e-12);
  expect(actual.hypothesisLength).to.equal(expected.hypothesisLength);
  expect(actual.referenceLength).to.equal(expected.referenceLength);
  expect(actual.signature).to.equal(expected.signature);
}

describe('BLEU tokenization', () => {
  for (const tokenize of ['13a', 'none', 'zh', 'char'] as const)
    it(`makes as many words as sacreBLEU: ${tokenize}`, () => {
      const counts = fixture.lines.map((line) => corpusBLEU([line], [line], { tokenize }).hypothesisLength);
      expect(counts).to.deep.equal(fixture.lengths[tokenize]);
    });
});

describe('corpusBLEU', () => {
  for (const { name, tokenize, lowercase, hypotheses, references, expected } of fixture.cases)
    it(`agrees with sacreBLEU: ${name}, ${tokenize}${lowercase ? ', lower case' : ''}`, () => {
      const options = { tokenize, lowercase };
      expectSame(corpusBLEU(hypotheses, references, options), expected);
      if (references.length === 1) expectSame(corpusBLEU(hypotheses, references[0]!, options), expected);
    });

  it('gives 100 for a corpus that is its own reference and has four words in a sentence', () => {
    const word = fc.constantFrom('a', 'b', 'cat', 'dog,', '3.5', '狗');
    const sentence = fc.array(word, { minLength: 4, maxLength: 12 }).map((words) => words.join(' '));
    fc.assert(
      fc.property(fc.array(sentence, { minLength: 1, maxLength: 5 }), (corpus) => {
        expect(corpusBLEU(corpus, corpus).score).to.be.closeTo(100, 1e-9);
      }),
    );
  });

  it('stays between 0 and 100 for any text', () => {
    const text = fc.string({ unit: 'grapheme', maxLength: 30 });
    fc.assert(
      fc.property(fc.array(fc.tuple(text, text), { maxLength: 5 }), (pairs) => {
        const { score } = corpusBLEU(
          pairs.map(([guess]) => guess),
          pairs.map(([, truth]) => truth),
        );
        expect(score).to.be.within(0, 100 + 1e-9);
      }),
    );
  });

  it('gives 0 for an empty corpus', () => {
    expect(corpusBLEU([], []).score).to.equal(0);
  });

  it('refuses lists of different lengths', () => {
    expect(() => corpusBLEU(['a', 'b'], ['a'])).to.throw(RangeError, '2 hypotheses for 1 references');
    expect(() => corpusBLEU(['a'], [['a'], []])).to.throw(RangeError, '1 hypotheses for 0 references');
  });
});

describe('BLEU', () => {
  it('gives the same sentence by sentence as at once', () => {
    for (const { tokenize, lowercase, hypotheses, references, expected } of fixture.cases) {
      const bleu = new BLEU({ tokenize, lowercase });
      hypotheses.forEach((hypothesis, i) => {
        const truths = references.map((list) => list[i]!);
        bleu.update(hypothesis, truths.length === 1 ? truths[0]! : truths);
      });
      expectSame(bleu.compute(), expected);
    }
  });

  it('can be asked between sentences', () => {
    const bleu = new BLEU();
    expect(bleu.compute().score).to.equal(0);
    bleu.update('the cat sat down', 'the cat sat down');
    expect(bleu.compute().score).to.be.closeTo(100, 1e-9);
    bleu.update('no', 'yes');
    expect(bleu.compute().score).to.be.lessThan(100);
  });

  it('starts anew when reset', () => {
    const bleu = new BLEU();
    bleu.update('a b c', ['a', 'b']);
    bleu.reset();
    expect(bleu.compute()).to.deep.equal(new BLEU().compute());
  });

  it("says 'var' where sentences have different numbers of references", () => {
    const bleu = new BLEU();
    bleu.update('a', 'a');
    bleu.update('a', ['a', 'b']);
    expect(bleu.compute().signature).to.match(/^nrefs:var\|/);
  });

  it('refuses a sentence without a reference', () => {
    expect(() => new BLEU().update('a', [])).to.throw(RangeError, 'needs a reference');
  });
});
