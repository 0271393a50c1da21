import { expect } from 'chai';
import fc from 'fast-check';
import { byteLevelAlphabet, byteLevelPreTokenizer } from 'tokenizers';
import { byteCharacters, tokenBytes } from '../src/byte-characters.ts';
import { splitWords } from '../src/index.ts';
import { anyText } from './support/texts.ts';

function words(text: string): string[] {
  const found: string[] = [];
  splitWords(text, (start, end) => found.push(text.slice(start, end)));
  return found;
}

const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

describe('splitWords', () => {
  it('leaves the last space of a run to the word behind it', () => {
    expect(words('a   b')).to.deep.equal(['a', '  ', ' b']);
  });

  it('keeps a run of spaces at the end whole', () => {
    expect(words('a   ')).to.deep.equal(['a', '   ']);
  });

  it('takes contractions off, in lower case only', () => {
    expect(words("it's we'll IT'S")).to.deep.equal(['it', "'s", ' we', "'ll", ' IT', "'", 'S']);
  });

  it('takes U+0085 for white space and U+FEFF not', () => {
    expect(words('a\u0085b\ufeffc')).to.deep.equal(['a', '\u0085', 'b', '\ufeff', 'c']);
  });

  it('gives the pieces of the reference', () => {
    const reference = byteLevelPreTokenizer(false, true);
    fc.assert(
      fc.property(anyText, (text) => {
        const expected = reference.preTokenizeString(text).map(([piece]) => decoder.decode(tokenBytes(piece)));
        expect(words(text)).to.deep.equal(expected);
      }),
      { numRuns: 1000 },
    );
  });
});

describe('byteCharacters', () => {
  it('is the alphabet of the reference', () => {
    expect([...byteCharacters].sort()).to.deep.equal(byteLevelAlphabet().sort());
  });

  it('is undone by tokenBytes', () => {
    expect([...tokenBytes(byteCharacters.join(''))]).to.deep.equal(Array.from({ length: 256 }, (_, byte) => byte));
  });
});
