import { expect } from 'chai';
import fc from 'fast-check';
import { Tokenizer as Reference } from 'tokenizers';
import { tokenizerFromJSON, tokenizerToJSON } from '../src/index.ts';
import { expectSame } from './support/encodings.ts';
import { sharedText } from './support/reference.ts';
import { anyText } from './support/texts.ts';

const files = [
  'bert_base_cased',
  'gte',
  'gpt2',
  'gpt_neox',
  'modernbert',
  'mpt',
  'llama2',
  'mistral01',
  'mistral03',
  'clip_base',
];
const specials = fc.constantFrom(
  '[CLS]',
  '[MASK]',
  '<|endoftext|>',
  '<|padding|>',
  '     ',
  "don't do not",
  'Ünïcödé Ǆ ﬁ',
);
const text = fc.array(fc.oneof(anyText, specials), { maxLength: 3 }).map((parts) => parts.join(' '));

describe('the pipeline of tokenizer.json', () => {
  for (const file of files)
    it(`gives the reference's ids, tokens, offsets and masks: ${file}`, async function () {
      const json = sharedText(this, `tokenizers/hf/${file}.json`);
      const ours = tokenizerFromJSON(json);
      const reference = Reference.fromString(json);
      await fc.assert(
        fc.asyncProperty(text, fc.option(text), async (sample, pair) => {
          const expected = await reference.encode(sample, pair, { addSpecialTokens: true });
          const input = pair === null ? sample : { text: sample, pair };
          const got = ours.encoding(input, { offsets: 'codePoints' });
          expectSame(got, expected);
          expect(got.wordIds).to.deep.equal(expected.getWordIds().map((word) => word ?? null));
          const ids = got.ids;
          if (!ours.padding) expect([...ours.encode(input)]).to.deep.equal(ids);
          for (const skip of [true, false])
            expect(ours.decode(ids, { skipSpecialTokens: skip })).to.equal(await reference.decode(ids, skip));
        }),
        { numRuns: 100, seed: 1 },
      );
    });

  for (const file of files)
    it(`is written back so that the reference gives the same ids: ${file}`, async function () {
      const ours = tokenizerFromJSON(sharedText(this, `tokenizers/hf/${file}.json`));
      const written = tokenizerToJSON(ours);
      expect(tokenizerToJSON(tokenizerFromJSON(written))).to.equal(written);
      const sample = "Hello wörld, don't 12 中文 <|endoftext|>[MASK]";
      const ids = (await Reference.fromString(written).encode(sample)).getIds();
      expect(ours.encoding(sample).ids).to.deep.equal(ids);
    });
});
