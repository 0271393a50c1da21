import { expect } from 'chai';
import { Tiktoken } from 'tiktoken';
import { Tokenizer as Reference } from 'tokenizers';
import { byteCharacters } from '../src/byte-characters.ts';
import { type Tokenizer, tokenizerFromJSON, tokenizerFromTiktoken } from '../src/index.ts';
import { tiktokenPatterns } from './support/byte-level-references.ts';
import { randomOf } from './support/generated.ts';
import { referenceIds } from './support/reference.ts';

const random = randomOf(8);
const below = (n: number): number => Math.floor(random() * n);
/** Of few letters, so that merges meet. */
const word = (longest: number): string => Array.from({ length: 1 + below(longest) }, () => 'abc'[below(3)]).join('');
const texts = Array.from({ length: 150 }, () => word(40));

function tiktokenPair(tokens: readonly string[]): { ours: Tokenizer; reference: Tiktoken } {
  const bytes = Array.from({ length: 256 }, (_, byte) => Buffer.of(byte).toString('base64'));
  const ranks = [...bytes, ...tokens.map((token) => btoa(token))].map((token, id) => `${token} ${id}`).join('\n');
  const ours = tokenizerFromTiktoken(new TextEncoder().encode(ranks), { pattern: 'p50k' });
  return { ours, reference: new Tiktoken(ranks, {}, tiktokenPatterns.p50k) };
}

const distinct = (make: () => string, count: number): string[] => [
  ...new Set(Array.from({ length: count }, make).filter((token) => token.length > 1)),
];

const byteLevel = { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: true };

/** With `merges` in their order and their tokens as a vocabulary. */
function jsonOf(merges: readonly (readonly [string, string])[], ignoreMerges: boolean): object {
  const tokens = new Set([...byteCharacters, ...merges.flatMap(([a, b]) => [a, b, a + b])]);
  return {
    version: '1.0',
    added_tokens: [],
    pre_tokenizer: byteLevel,
    decoder: byteLevel,
    model: {
      type: 'BPE',
      vocab: Object.fromEntries([...tokens].map((token, id) => [token, id])),
      merges,
      ignore_merges: ignoreMerges,
    },
  };
}

describe('byte-level BPE', () => {
  it('with ranks in any order gives the ids of tiktoken', () => {
    for (let run = 0; run < 20; run++) {
      const tokens = distinct(() => word(5), 60);
      // By length parts mostly come first; otherwise a token may have a lower rank than its parts.
      if (run % 2) tokens.sort((a, b) => a.length - b.length);
      const { ours, reference } = tiktokenPair(tokens);
      for (const text of texts)
        expect([...ours.encode(text)], `${text} by ${tokens}`).to.deep.equal([...reference.encode(text, [], [])]);
      reference.free();
    }
  });

  it('with merges in any order, some to one token, gives the ids of the reference', async () => {
    for (let run = 0; run < 20; run++) {
      const tokens = [...'abc', ...distinct(() => word(4), 40)];
      const merges = distinct(() => `${tokens[below(tokens.length)]} ${tokens[below(tokens.length)]}`, 60).map(
        (pair) => pair.split(' ') as [string, string],
      );
      if (run % 2) merges.sort((a, b) => a.join('').length - b.join('').length);
      const json = jsonOf(merges, run % 4 > 1);
      const [ours, reference] = [tokenizerFromJSON(json), Reference.fromString(JSON.stringify(json))];
      for (const text of texts.slice(0, 80))
        expect([...ours.encode(text)], `${text} by ${merges.join(' ')}`).to.deep.equal(
          await referenceIds(reference, text),
        );
    }
  });

  it('takes a megabyte in one piece', () => {
    const { ours } = tiktokenPair(['aa', 'aaaa', 'ab', 'ba', 'aba']);
    for (const letter of ['a', 'ab', 'b']) {
      const text = letter.repeat(1e6 / letter.length);
      expect(ours.decode(ours.encode(text)) === text).to.equal(true);
    }
  });
});
