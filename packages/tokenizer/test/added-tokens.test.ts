import { expect } from 'chai';
import fc from 'fast-check';
import { type AddedToken, Tokenizer } from '../src/index.ts';
import { referenceIds, referenceOf } from './support/reference.ts';
import { smallTokenizer } from './support/texts.ts';

const base = smallTokenizer();

function withTokens(...tokens: readonly (Partial<AddedToken> & { content: string })[]): Tokenizer {
  const plain = { singleWord: false, lstrip: false, rstrip: false, normalized: false, special: false };
  const added = tokens.map((token, i) => ({ ...plain, id: base.vocabSize + i, ...token }));
  const { model, preTokenizer, decoder, addedTokens } = base;
  return new Tokenizer({ model, preTokenizer, decoder, addedTokens: [...addedTokens, ...added] });
}

const text = fc
  .array(
    fc.constantFrom(
      '[x]',
      '[xy]',
      '[x]y',
      '[',
      'qz',
      'a',
      'é',
      '1',
      '٣',
      '_',
      '-',
      '中',
      '😀',
      ' ',
      '  ',
      '\n',
      '\u0085',
      '\u3000',
      '<s>',
    ),
    { maxLength: 8 },
  )
  .map((parts) => parts.join(''));

describe('added tokens', () => {
  const cases: Record<string, Tokenizer> = {
    'the longest of several': withTokens({ content: '[x]' }, { content: '[xy]' }, { content: '[x]y' }),
    'white space before (lstrip)': withTokens({ content: '[x]', lstrip: true }),
    'white space behind (rstrip)': withTokens({ content: '[x]', rstrip: true }),
    'white space on both sides': withTokens({ content: '[x]', lstrip: true, rstrip: true }),
    'whole words (single_word)': withTokens({ content: 'qz', singleWord: true }),
    'content beyond ASCII': withTokens({ content: '中😀' }, { content: 'é1' }),
  };
  for (const [name, tokenizer] of Object.entries(cases))
    it(`are found as the reference finds them: ${name}`, async () => {
      const reference = referenceOf(tokenizer);
      await fc.assert(
        fc.asyncProperty(text, async (sample) => {
          const ids = [...tokenizer.encode(sample)];
          expect(ids).to.deep.equal(await referenceIds(reference, sample));
          for (const skipSpecialTokens of [true, false])
            expect(tokenizer.decode(ids, { skipSpecialTokens })).to.equal(
              await reference.decode(ids, skipSpecialTokens),
            );
        }),
        { numRuns: 300 },
      );
    });

  it('are kept when decoding unless they are special', () => {
    const tokenizer = withTokens({ content: '[x]' }, { content: '[y]', special: true });
    expect(tokenizer.decode(tokenizer.encode('a[x]b[y]c'))).to.equal('a[x]bc');
  });
});
