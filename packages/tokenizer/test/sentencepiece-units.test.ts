import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import {
  compileTokenizer,
  type Tokenizer,
  tokenizerFromCompiled,
  tokenizerFromSentencePiece,
  tokenizerToJSON,
} from '../src/index.ts';
import { generatedText, randomOf } from './support/generated.ts';

interface Fixture {
  readonly model: string;
  readonly cases: readonly { readonly text: string; readonly ids: readonly number[] }[];
}

/** Written by tools/reference/sentencepiece_units.py. */
const fixture: Readonly<Record<string, Fixture>> = JSON.parse(
  readFileSync(new URL('fixtures/sentencepiece-units.json', import.meta.url), 'utf8'),
);
const load = (name: string): Tokenizer =>
  tokenizerFromSentencePiece(Uint8Array.from(atob(fixture[name]!.model), (char) => char.charCodeAt(0)));

describe('SentencePiece models of words, of characters, and with unused pieces', () => {
  for (const [name, { cases }] of Object.entries(fixture))
    it(`give the ids of the C++ library: ${name}`, () => {
      const tokenizer = load(name);
      const again = tokenizerFromCompiled(compileTokenizer(tokenizer));
      for (const { text, ids } of cases) {
        expect([...tokenizer.encode(text)], JSON.stringify(text)).to.deep.equal(ids);
        expect([...again.encode(text)], JSON.stringify(text)).to.deep.equal(ids);
        const { ids: same, offsets } = tokenizer.encodeWithOffsets(text);
        expect([...same], JSON.stringify(text)).to.deep.equal(ids);
        for (let i = 2; i < offsets.length; i += 2) expect(offsets[i]).to.be.at.least(offsets[i - 2]!);
      }
    });

  it('are streamed where ids do not depend on what is far away', () => {
    const tokenizer = load('char');
    const random = randomOf(2);
    for (let i = 0; i < 20; i++) {
      const text = generatedText(random, 'the cat sat on the mat').toWellFormed();
      const stream = tokenizer.encodeStream();
      const ids = text.match(/[\s\S]{1,5}/gu)?.flatMap((part) => [...stream.push(part)]) ?? [];
      expect([...ids, ...stream.end()], JSON.stringify(text)).to.deep.equal([...tokenizer.encode(text)]);
    }
    expect(() => load('word').encodeStream()).to.throw(RangeError, 'joins unknown words');
    expect(() => load('bpe, all unused').encodeStream()).to.throw(RangeError, 'unused pieces');
  });

  it('say what they do not have', () => {
    expect(() => load('word').nBest('a', 2)).to.throw(RangeError, 'no unigram model');
    expect(() => load('char').encode('a', { sampling: { alpha: 1 } })).to.throw(RangeError, 'no unigram model');
    expect(() => load('word').encode('a', { dropout: 0.5 })).to.throw(RangeError, 'no BPE');
    expect(() => tokenizerToJSON(load('word'))).to.throw('tokenizer.json has no word models');
    expect(() => tokenizerToJSON(load('bpe, all unused'))).to.throw('unused pieces of a BPE model');
  });
});
