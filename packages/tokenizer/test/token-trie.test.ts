import { expect } from 'chai';
import { TokenBytes } from '../src/token-bytes.ts';
import { randomOf } from './support/generated.ts';

const random = randomOf(3);
const below = (n: number): number => Math.floor(random() * n);
const bytesBelow = (longest: number, letters: number): Uint8Array =>
  Uint8Array.from({ length: below(longest + 1) }, () => below(letters));

/** Vocabularies from dense to sparse: few letters make lists and chains, many arrays. */
const vocabularies = [2, 4, 30, 256].flatMap((letters) =>
  [5, 60, 2000].map((size) => ({
    letters,
    tokens: Array.from({ length: size }, () => bytesBelow(letters < 30 ? 9 : 3, letters)),
  })),
);

/** One character a byte, so that strings can be compared in their place. */
const spell = (bytes: Uint8Array): string => String.fromCharCode(...bytes);

describe('a trie of tokens', () => {
  it('finds tokens, the longest that begins a text, and those that begin others', () => {
    for (const { letters, tokens } of vocabularies) {
      const { trie } = TokenBytes.from(tokens);
      const ids = new Map<string, number>();
      for (const [id, token] of tokens.map(spell).entries()) if (token !== '' && !ids.has(token)) ids.set(token, id);
      /** The longest token of up to so many bytes that a text begins with. */
      const longest = (text: string, most: number): number => {
        for (let length = most; length > 0; length--)
          if (ids.has(text.slice(0, length))) return ids.get(text.slice(0, length))!;
        return -1;
      };
      const texts = [...tokens, ...Array.from({ length: 200 }, () => bytesBelow(12, letters))];
      for (const bytes of texts.filter(({ length }) => length > 0)) {
        const text = spell(bytes);
        expect(trie.find(bytes, 0, bytes.length)).to.equal(ids.get(text) ?? -1);
        expect(trie.longest(bytes, 0, bytes.length)).to.equal(longest(text, text.length));
      }
      const hidden = tokens.flatMap((token, id) => (token.length > 0 && ids.get(spell(token)) !== id ? [id] : []));
      expect([...trie.hidden].sort((a, b) => a - b)).to.deep.equal(hidden);
      for (const [id, token] of tokens.entries())
        if (token.length > 0) expect(trie.prefixes[id]).to.equal(longest(spell(token), token.length - 1));
    }
  });

  it('holds tokens that begin one another a thousand times', () => {
    const tokens = Array.from({ length: 1000 }, (_, i) => new Uint8Array(i + 1).fill(97));
    const { trie } = TokenBytes.from(tokens);
    expect(trie.longest(new Uint8Array(2000).fill(97), 0, 2000)).to.equal(999);
    expect(trie.find(tokens[500]!, 0, 501)).to.equal(500);
  });
});
