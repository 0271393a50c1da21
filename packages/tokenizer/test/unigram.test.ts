import { expect } from 'chai';
import fc from 'fast-check';
import { Tokenizer as Reference } from 'tokenizers';
import { TokenizerFormatError, tokenizerFromJSON, tokenizerToJSON, trainTokenizer } from '../src/index.ts';
import { generatedText, randomOf } from './support/generated.ts';
import { sharedText } from './support/reference.ts';

const bytes = Array.from({ length: 256 }, (_, i) => `<0x${i.toString(16).padStart(2, '0').toUpperCase()}>`);
const pieces: [string, number][] = [
  ['<unk>', 0],
  ['a', -2],
  ['b', -2.5],
  ['ab', -3.9],
  ['aa', -4],
  ['aab', -6.1],
  ['abc', -7],
  ['é', -5],
  ['éa', -4.5],
  ['😀', -6],
  ['xy', -90], // so unlikely that two unknown characters win, which are then found as this piece
];
const withBytes: [string, number][] = [...pieces, ...bytes.map((token): [string, number] => [token, -11])];

const variants: Record<string, object> = {
  plain: {},
  'a byte for every unknown character': { vocab: withBytes, byte_fallback: true },
  'some bytes': { vocab: withBytes.slice(0, 180), byte_fallback: true },
  'equal scores': { vocab: pieces.map(([piece]) => [piece, -3]) },
  'the same piece twice': { vocab: [...pieces, ['ab', -1]] },
};

const fileOf = (model: object): string =>
  JSON.stringify({ version: '1.0', truncation: null, padding: null, added_tokens: [], normalizer: null, pre_tokenizer: null, post_processor: null, decoder: null, model: { type: 'Unigram', unk_id: 0, vocab: pieces, byte_fallback: false, ...model } }); // biome-ignore format: one thought

describe('Unigram', () => {
  for (const [name, model] of Object.entries(variants))
    it(`${name}: ids, tokens and offsets as of the reference`, async () => {
      const json = fileOf(model);
      const [ours, reference] = [tokenizerFromJSON(json), Reference.fromString(json)];
      const text = fc.string({ unit: fc.constantFrom('a', 'b', 'c', 'é', '😀', 'x', 'y', 'z', '中'), maxLength: 40 });
      await fc.assert(
        fc.asyncProperty(text, async (sample) => {
          const expected = await reference.encode(sample);
          const found = ours.encoding(sample, { offsets: 'codePoints' });
          expect(found.ids).to.deep.equal(expected.getIds());
          expect(found.tokens).to.deep.equal(expected.getTokens());
          expect(found.offsets).to.deep.equal(expected.getOffsets());
          expect([...ours.encode(sample)]).to.deep.equal(found.ids);
        }),
        { seed: 3, numRuns: 300 },
      );
    });

  it('cuts at equal scores where the last bit of the numbers read says', async () => {
    const scores: [string, number][] = [['_', -2.1267833709716797], ['r', -7.8619232177734375], ['rr', -11.265965461730957], ['s', -1e-7]]; // biome-ignore format: one thought
    const json = fileOf({ vocab: scores });
    const reference = Reference.fromString(json);
    for (const text of ['_rrr', '_rrrs', 's_rrr'])
      expect([...tokenizerFromJSON(json).encode(text)], text).to.deep.equal((await reference.encode(text)).getIds());
  });

  it('is written as it was read', () => {
    const json = fileOf({ byte_fallback: true });
    expect(JSON.parse(tokenizerToJSON(tokenizerFromJSON(json))).model).to.deep.equal(JSON.parse(json).model);
  });

  it('xlnet: ids and tokens of generated texts as of the reference', async function () {
    const json = sharedText(this, 'tokenizers/hf/xlnet_base_cased.json');
    const [ours, reference] = [tokenizerFromJSON(json), Reference.fromString(json)];
    const source = sharedText(this, 'data/text/tinyshakespeare/input.txt');
    const random = randomOf(4);
    for (let i = 0; i < 800; i++) {
      const text = generatedText(random, source);
      const expected = await reference.encode(text);
      const found = ours.encoding(text, { offsets: 'codePoints' });
      expect(found.ids, JSON.stringify(text)).to.deep.equal(expected.getIds());
      expect(found.tokens, JSON.stringify(text)).to.deep.equal(expected.getTokens());
      expect(found.offsets, JSON.stringify(text)).to.deep.equal(expected.getOffsets());
    }
  });

  it('xlnet: lines of real texts, with its normalizer', async function () {
    const json = sharedText(this, 'tokenizers/hf/xlnet_base_cased.json');
    const [ours, reference] = [tokenizerFromJSON(json), Reference.fromString(json)];
    for (const file of ['data/text/tinyshakespeare/input.txt', 'data/text/cmn-eng/cmn.txt']) {
      for (const line of sharedText(this, file).split('\n').slice(0, 600))
        expect([...ours.encode(line)], line).to.deep.equal((await reference.encode(line)).getIds());
    }
  });

  it('encodes with what training gives', async function () {
    const source = sharedText(this, 'data/text/tinyshakespeare/input.txt').slice(0, 100_000);
    const tokenizer = await trainTokenizer(source.split('\n'), { model: 'Unigram', vocabSize: 500 });
    const reference = Reference.fromString(tokenizerToJSON(tokenizer));
    const text = source.slice(0, 20_000);
    const ids = [...tokenizer.encode(text)];
    expect(ids).to.deep.equal((await reference.encode(text)).getIds());
    expect(ids.length).to.be.below(text.length / 2);
  });

  it('refuses a file that is wrong, with the field', () => {
    const wrong = (model: object, message: RegExp): void => {
      expect(() => tokenizerFromJSON(fileOf(model))).to.throw(TokenizerFormatError, message);
    };
    wrong({ vocab: [['a', 'b']] }, /model\.vocab\[0\]: expected a piece and its score/);
    wrong({ vocab: [['a', null]] }, /model\.vocab\[0\]/);
    wrong({ vocab: [] }, /the vocabulary is empty/);
    wrong({ unk_id: 99 }, /unk_id is 99, but the vocabulary has 11 pieces/);
    wrong({ unk_id: -1 }, /unk_id/);
    expect(() => tokenizerFromJSON(fileOf({ unk_id: null })).encode('z')).to.throw(RangeError, 'no unk_id');
  });
});
