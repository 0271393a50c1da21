import { expect } from 'chai';
import fc from 'fast-check';
import type { Tokenizer } from '../src/index.ts';
import { referenceIds, referenceOf } from './support/reference.ts';
import { anyText, smallTokenizer } from './support/texts.ts';

describe('Tokenizer', () => {
  const tokenizer: Tokenizer = smallTokenizer();

  it('gives the ids of the reference', async () => {
    const reference = referenceOf(tokenizer);
    await fc.assert(
      fc.asyncProperty(anyText, async (text) => {
        expect([...tokenizer.encode(text)]).to.deep.equal(await referenceIds(reference, text));
      }),
      { numRuns: 500 },
    );
  });

  it('gives back every well-formed text', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        expect(tokenizer.decode(tokenizer.encode(text), { skipSpecialTokens: false })).to.equal(text);
      }),
      { numRuns: 500 },
    );
  });

  it('takes lone surrogates for U+FFFD', () => {
    expect(tokenizer.decode(tokenizer.encode('a\ud800b\udc00'))).to.equal('a\ufffdb\ufffd');
  });

  it('gives no ids for no text', () => {
    expect(tokenizer.encode('')).to.deep.equal(new Int32Array(0));
    expect(tokenizer.decode([])).to.equal('');
  });

  it('finds special tokens in a text and leaves them out when decoding', () => {
    const ids = tokenizer.encode('Hello</s> the');
    expect([...ids].filter((id) => id === tokenizer.tokenToId('</s>'))).to.have.length(1);
    expect(tokenizer.decode(ids)).to.equal('Hello the');
    expect(tokenizer.decode(ids, { skipSpecialTokens: false })).to.equal('Hello</s> the');
  });

  it('puts the template around a text only when asked', async () => {
    const framed = smallTokenizer(['<s>', null, '</s>']);
    const reference = referenceOf(framed);
    for (const addSpecialTokens of [true, false])
      expect([...framed.encode('Hello', { addSpecialTokens })]).to.deep.equal(
        await referenceIds(reference, 'Hello', addSpecialTokens),
      );
    expect([...framed.encode('')]).to.deep.equal([0, 1]);
  });

  it('knows its tokens by id and by name', () => {
    for (let id = 0; id < tokenizer.vocabSize; id++) expect(tokenizer.tokenToId(tokenizer.idToToken(id)!)).to.equal(id);
    expect(tokenizer.tokenToId('no such token')).to.equal(undefined);
    expect(tokenizer.idToToken(tokenizer.vocabSize)).to.equal(undefined);
  });

  it('names an id that it does not have, and the size of the vocabulary', () => {
    const last = tokenizer.vocabSize - 1;
    for (const id of [-1, last + 1, 1.5])
      expect(() => tokenizer.decode([id])).to.throw(RangeError, new RegExp(`token ${id}\\b.*0 to ${last}$`));
  });

  it('encodes a line of 100,000 equal characters in well under a second, as the reference does', async () => {
    const reference = referenceOf(tokenizer);
    for (const character of ['l', ' ', '中', '\u0000']) {
      const line = character.repeat(100_000);
      const begin = performance.now();
      const ids = tokenizer.encode(line);
      expect(performance.now() - begin).to.be.below(2000); // a quadratic merge takes minutes
      expect(ids).to.deep.equal(Int32Array.from(await referenceIds(reference, line)));
    }
  });
});

describe('decodeStream', () => {
  const tokenizer: Tokenizer = smallTokenizer();
  const anyIds = fc.array(fc.integer({ min: 0, max: tokenizer.vocabSize - 1 }), { maxLength: 40 });

  it('gives, joined, what the reference decodes from any ids', async () => {
    const reference = referenceOf(tokenizer);
    await fc.assert(
      fc.asyncProperty(anyIds, fc.boolean(), async (ids, skipSpecialTokens) => {
        const stream = tokenizer.decodeStream({ skipSpecialTokens });
        const text = ids.map((id) => stream.push(id)).join('') + stream.end();
        expect(text).to.equal(await reference.decode(ids, skipSpecialTokens));
        expect(text).to.equal(tokenizer.decode(ids, { skipSpecialTokens }));
      }),
      { numRuns: 500 },
    );
  });

  it('never splits a character', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        const stream = tokenizer.decodeStream({ skipSpecialTokens: false });
        let done = '';
        for (const id of tokenizer.encode(text)) {
          done += stream.push(id);
          expect(text.startsWith(done) && done.isWellFormed()).to.equal(true);
        }
        expect(done + stream.end()).to.equal(text);
      }),
    );
  });

  it('gives U+FFFD at the end for a character that never came', () => {
    const [first, second] = tokenizer.encode('😀');
    const stream = tokenizer.decodeStream();
    expect([stream.push(first!), stream.push(second!), stream.end()]).to.deep.equal(['', '', '\ufffd']);
  });
});
