import { expect } from 'chai';
import fc from 'fast-check';
import { Tokenizer as Reference } from 'tokenizers';
import { compileTokenizer, tokenizerFromCompiled, tokenizerFromJSON } from '../src/index.ts';
import { sharedText } from './support/reference.ts';

const vocabOf = (tokens: readonly string[]): Record<string, number> =>
  Object.fromEntries(tokens.map((token, id) => [token, id]));
const plain = ['<unk>', 'a', 'b', 'c', '😀', 'ab', 'bc', 'abc', 'aa', 'aaaa', 'é', '😀a'];
const bytes = Array.from({ length: 256 }, (_, i) => `<0x${i.toString(16).padStart(2, '0').toUpperCase()}>`);
const merges = [
  ['a', 'b'],
  ['b', 'c'],
  ['a', 'a'],
  ['a', 'bc'],
  ['aa', 'aa'],
  ['😀', 'a'],
];

/** Settings of the model that differ from the plain ones. */
const variants: Record<string, object> = {
  plain: {},
  'an unknown token': { unk_token: '<unk>' },
  'fused unknown tokens': { unk_token: '<unk>', fuse_unk: true },
  'a byte for every unknown one': { vocab: vocabOf([...plain, ...bytes]), byte_fallback: true },
  'some bytes, unknown tokens fused': {
    vocab: vocabOf([...plain, ...bytes.slice(0, 180)]),
    unk_token: '<unk>',
    byte_fallback: true,
    fuse_unk: true,
  },
  'whole pieces first': { ignore_merges: true, vocab: vocabOf([...plain, 'cab', 'b😀']) },
  'a suffix': {
    end_of_word_suffix: '</w>',
    unk_token: '<unk>',
    vocab: vocabOf([...plain, 'b</w>', 'c</w>', 'ab</w>', 'bc</w>']),
    merges: [...merges, ['a', 'b</w>'], ['b', 'c</w>']],
  },
  'a prefix': {
    continuing_subword_prefix: '##',
    unk_token: '<unk>',
    vocab: vocabOf([...plain, '##a', '##b', '##c', '##bc', '##é']),
    merges: [
      ['a', '##b'],
      ['##b', '##c'],
      ['a', '##bc'],
    ],
  },
  'the last of equal merges': { merges: [...merges, ['a', 'b']] },
};

describe('BPE over characters', () => {
  const withoutMerges = Object.entries(variants).map(
    ([name, model]) => [`${name}, all merges left out`, { ...model, dropout: 1 }] as const,
  );
  for (const [name, model] of [...Object.entries(variants), ...withoutMerges])
    it(`gives the ids, tokens and offsets of the reference: ${name}`, async () => {
      const json = JSON.stringify({
        version: '1.0',
        added_tokens: [],
        pre_tokenizer: { type: 'WhitespaceSplit' },
        decoder: { type: 'Fuse' },
        model: { type: 'BPE', vocab: vocabOf(plain), merges, ...model },
      });
      const ours = tokenizerFromJSON(json);
      const again = tokenizerFromCompiled(compileTokenizer(ours));
      const reference = Reference.fromString(json);
      const unit = fc.constantFrom('a', 'a', 'b', 'c', 'é', '😀', 'x', 'ÿ', '中', ' ', 'abc');
      await fc.assert(
        fc.asyncProperty(fc.array(unit, { maxLength: 120 }), async (parts) => {
          const text = parts.join('');
          const expected = await reference.encode(text);
          const got = ours.encoding(text, { offsets: 'codePoints' });
          expect(got.ids).to.deep.equal(expected.getIds());
          expect(got.tokens).to.deep.equal(expected.getTokens());
          expect(got.offsets).to.deep.equal(expected.getOffsets());
          expect([...again.encode(text)]).to.deep.equal(got.ids);
        }),
        { numRuns: 150 },
      );
    });

  it('says which token it lacks for unknown characters', () => {
    const model = { type: 'BPE', vocab: vocabOf(['a']), merges: [], unk_token: '?' };
    const ours = tokenizerFromJSON({ model });
    expect([...ours.encode('a')]).to.deep.equal([0]);
    expect(() => ours.encode('ab')).to.throw(RangeError, 'the vocabulary lacks the unk_token "?"');
  });

  it('gives the ids of the reference for long texts in one piece', async function () {
    for (const path of ['tokenizers/hf/llama2.json', 'data/checkpoints/stories260K/tokenizer.json']) {
      const json = sharedText(this, path);
      const ours = tokenizerFromJSON(json);
      const reference = Reference.fromString(json);
      const texts = ['tinyshakespeare/input.txt', 'xiyouji/xiyouji.txt'].map((file) =>
        sharedText(this, `data/text/${file}`).slice(0, 60_000),
      );
      for (const text of [...texts, 'a'.repeat(20_000), 'ab '.repeat(5000), '\u{10ffff}'.repeat(3000)]) {
        const ids = ours.encode(text);
        expect(ids).to.deep.equal(Int32Array.from((await reference.encode(text)).getIds()));
        expect(ours.decode(ids)).to.equal(await reference.decode([...ids], true));
      }
    }
  });
});
