import { expect } from 'chai';
import fc from 'fast-check';
import type { JsEncoding as Theirs } from 'tokenizers';
import type { Encoding } from '../../src/index.ts';

export const vocab: Readonly<Record<string, number>> = Object.fromEntries(
  ['[UNK]', '[CLS]', '[SEP]', '[PAD]', 'a', 'b', 'c', 'd'].map((token, i) => [token, i]),
);

export const special = (id: string, type: number): object => ({ SpecialToken: { id, type_id: type } });
export const sequence = (id: string, type: number): object => ({ Sequence: { id, type_id: type } });

/** Texts between [CLS] and [SEP], as BERT has them. */
export const template = {
  type: 'TemplateProcessing',
  single: [special('[CLS]', 0), sequence('A', 0), special('[SEP]', 0)],
  pair: [special('[CLS]', 0), sequence('A', 0), special('[SEP]', 0), sequence('B', 1), special('[SEP]', 1)],
  special_tokens: {
    '[CLS]': { id: '[CLS]', ids: [1], tokens: ['[CLS]'] },
    '[SEP]': { id: '[SEP]', ids: [2], tokens: ['[SEP]'] },
  },
};

/** Texts of up to so many words of `vocab`, or of an unknown one. */
export const words = (most: number): fc.Arbitrary<string> =>
  fc.array(fc.constantFrom('a', 'b', 'c', 'd', 'x'), { minLength: 1, maxLength: most }).map((list) => list.join(' '));

/** What both say of an encoding, but for what overflows and the numbers of words and sequences. */
export function expectSame(ours: Encoding, theirs: Theirs): void {
  expect(ours.ids).to.deep.equal(theirs.getIds());
  expect(ours.tokens).to.deep.equal(theirs.getTokens());
  expect(ours.offsets).to.deep.equal(theirs.getOffsets());
  expect(ours.typeIds).to.deep.equal(theirs.getTypeIds());
  expect(ours.attentionMask).to.deep.equal(theirs.getAttentionMask());
  expect(ours.specialTokensMask).to.deep.equal(theirs.getSpecialTokensMask());
}
