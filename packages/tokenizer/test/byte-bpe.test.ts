import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import { tokenizerFromTiktoken } from '../src/index.ts';
import { splitPattern } from '../src/split-pattern.ts';
import { pairOf, tiktokenPatterns, vocabularies } from './support/byte-level-references.ts';
import { generatedText, randomOf } from './support/generated.ts';
import { sharedText } from './support/reference.ts';

const source = readFileSync(new URL(import.meta.url), 'utf8');
const bytesInOrder = Array.from({ length: 256 }, (_, byte) => `${btoa(String.fromCharCode(byte))} ${byte}`);
const load = (lines: readonly string[], pattern = 'cl100k') =>
  tokenizerFromTiktoken(new TextEncoder().encode(lines.join('\n')), { pattern });

describe('byte-level BPE', () => {
  for (const [name, path] of Object.entries(vocabularies))
    it(`gives the ids of the reference for ${name} on generated texts, and the text back`, async function () {
      const { ours, reference } = pairOf(name, sharedText(this, path));
      const random = randomOf(2026);
      for (let i = 0; i < 400; i++) {
        const text = generatedText(random, source).toWellFormed();
        const ids = ours.encode(text);
        expect([...ids], JSON.stringify(text)).to.deep.equal(Array.from(await reference(text)));
        expect(ours.decode(ids, { skipSpecialTokens: false })).to.equal(text);
      }
    });

  it('takes lone surrogates as U+FFFD', () => {
    const tokenizer = load(bytesInOrder);
    expect(tokenizer.decode(tokenizer.encode('a\ud800b'))).to.equal('a\ufffdb');
  });

  it('cuts long texts into chunks without a trace', function () {
    const { ours } = pairOf('cl100k', sharedText(this, vocabularies.cl100k!));
    const sentence = "The quick brown fox isn't here;\n\n  it left 1234 times. ";
    const whole = ours.encode(sentence.repeat(2000));
    const once = ours.encode(sentence + sentence).length - ours.encode(sentence).length;
    expect(whole.length).to.equal(ours.encode(sentence).length + 1999 * once);
  });
});

describe('tokenizerFromTiktoken', () => {
  it('splits by a pattern of the caller as by the same one written by hand', () => {
    const lines = [...bytesInOrder, `${btoa('ab')} 256`, `${btoa(' ab')} 257`, `${btoa("'S")} 258`];
    const [byHand, byPattern] = [load(lines), load(lines, tiktokenPatterns.cl100k)];
    const random = randomOf(3);
    for (let i = 0; i < 300; i++) {
      const text = generatedText(random, 'ab ab abab').replace(/[^\p{ASCII}\u0085\ufeffſ中文好]/gu, '');
      expect([...byPattern.encode(text)]).to.deep.equal([...byHand.encode(text)]);
    }
  });

  it('refuses a file with a wrong line, a rank twice, a missing byte, nothing', () => {
    expect(() => load([...bytesInOrder, '!!! 256'])).to.throw('line 257');
    expect(() => load([...bytesInOrder, 'YWI= x'])).to.throw('line 257');
    expect(() => load([...bytesInOrder, 'YWI= 99999999999'])).to.throw('line 257');
    expect(() => load([...bytesInOrder, 'YWI= 7'])).to.throw('the rank 7');
    expect(() => load(bytesInOrder.slice(1))).to.throw('the byte 0');
    expect(() => load([])).to.throw('empty');
  });

  it('refuses a pattern that JavaScript cannot read', () => {
    expect(() => splitPattern('(')).to.throw('no equal');
  });
});
