import { expect } from 'chai';
import fc from 'fast-check';
import { Tokenizer as Reference } from 'tokenizers';
import {
  compileTokenizer,
  tokenizerFromCompiled,
  tokenizerFromJSON,
  tokenizerFromWordPieceVocab,
  tokenizerToJSON,
} from '../src/index.ts';
import { anyText, smallTokenizer } from './support/texts.ts';

const text = "Hello, the hello world's cats the end";

describe('encode with dropout', () => {
  const tokenizer = smallTokenizer(['<s>', null, '</s>']);

  it('gives the usual ids at a rate of 0, and single bytes at 1', () => {
    fc.assert(
      fc.property(anyText, (sample) => {
        expect(tokenizer.encode(sample, { dropout: 0 })).to.deep.equal(tokenizer.encode(sample));
      }),
    );
    const bytes = tokenizer.encode('Hello, 中', { dropout: 1, addSpecialTokens: false });
    expect(bytes.length).to.equal(new TextEncoder().encode('Hello, 中').length);
  });

  it('gives the same ids for the same seed, and ids of the same text for any', () => {
    const plain = smallTokenizer();
    const ids = new Set<string>();
    for (let seed = 0; seed < 30; seed++) {
      const encoded = plain.encode(text, { dropout: 0.4, seed });
      expect(encoded).to.deep.equal(plain.encode(text, { dropout: 0.4, seed }));
      expect(plain.decode(encoded)).to.equal(text);
      ids.add(encoded.join());
    }
    expect(ids.size).to.be.greaterThan(25);
  });

  it('leaves out as many merges as the reference', async () => {
    const json = JSON.parse(tokenizerToJSON(smallTokenizer()));
    const ours = tokenizerFromJSON(json);
    for (const dropout of [0.1, 0.5]) {
      const reference = Reference.fromString(JSON.stringify({ ...json, model: { ...json.model, dropout } }));
      let [own, other] = [0, 0];
      for (let seed = 0; seed < 1600; seed++) {
        own += ours.encode(text, { dropout, seed }).length;
        other += (await reference.encode(text)).getIds().length;
      }
      // each mean is of 1,600 counts with a spread of some 2 tokens out of some 20.
      expect(own / other).to.be.within(0.98, 1.02);
    }
  });

  it('is the default of a file that asks for it, as in the reference', async () => {
    const json = JSON.parse(tokenizerToJSON(smallTokenizer(['<s>', null, '</s>'])));
    const fileOf = (dropout: unknown): string => JSON.stringify({ ...json, model: { ...json.model, dropout } });
    const all = tokenizerFromJSON(fileOf(1));
    const reference = Reference.fromString(fileOf(1));
    const half = tokenizerFromJSON(fileOf(0.5));
    const drawn = tokenizer.encode(text, { dropout: 0.5, seed: 7 });
    expect([...all.encode(text)]).to.deep.equal((await reference.encode(text)).getIds());
    expect(all.encodeWithOffsets(text).ids).to.deep.equal(all.encode(text));
    expect(all.encoding(text).ids).to.deep.equal([...all.encode(text)]);
    for (const ours of [half, tokenizerFromJSON(tokenizerToJSON(half)), tokenizerFromCompiled(compileTokenizer(half))])
      expect(ours.encode(text, { seed: 7 })).to.deep.equal(drawn);
    expect(half.encode(text, { dropout: 0 })).to.deep.equal(tokenizer.encode(text));
    expect(() => half.encodeStream()).to.throw(RangeError, 'a text in parts is encoded without; set it to 0');
    const stream = half.encodeStream({ dropout: 0 });
    expect([...stream.push(text), ...stream.end()]).to.deep.equal([...tokenizer.encode(text)]);
    for (const dropout of [2, -0.1, '0.1', true])
      expect(() => tokenizerFromJSON(fileOf(dropout)))
        .to.throw('model.dropout')
        .with.property('field', 'model.dropout');
  });

  it('is a field of BPE alone: of other models it says nothing', async () => {
    const model = { type: 'WordLevel', vocab: { a: 0, '[UNK]': 1 }, unk_token: '[UNK]', dropout: 0.5 };
    const json = JSON.stringify({ version: '1.0', added_tokens: [], model });
    const expected = (await Reference.fromString(json).encode('a')).getIds();
    expect([...tokenizerFromJSON(json).encode('a')]).to.deep.equal(expected);
  });

  it('leaves out as many merges of characters as the reference', async () => {
    const vocab = Object.fromEntries(['a', 'b', 'ab', 'abab', 'ba'].map((token, id) => [token, id]));
    const merges = ['a b', 'ab ab', 'b a'];
    const json = JSON.stringify({
      version: '1.0',
      added_tokens: [],
      model: { type: 'BPE', vocab, merges, dropout: 0.3 },
    });
    const [ours, reference] = [tokenizerFromJSON(json), Reference.fromString(json)];
    const sample = 'ababbababaab'.repeat(3);
    let [own, other] = [0, 0];
    for (let seed = 0; seed < 1600; seed++) {
      own += ours.encode(sample, { seed }).length;
      other += (await reference.encode(sample)).getIds().length;
    }
    expect(own / other).to.be.within(0.98, 1.02); // means of 1,600 counts, spread by some 2 of 17 tokens
  });

  it('tells where tokens come from, and takes long pieces in time', () => {
    const { offsets, ids } = tokenizer.encoding(text, { dropout: 0.5, seed: 3, addSpecialTokens: false });
    offsets.forEach(([start, end], i) => {
      expect(tokenizer.decode([ids[i]!])).to.equal(text.slice(start, end));
    });
    expect(tokenizer.encode('l'.repeat(100_000), { dropout: 0.1 }).length).to.be.greaterThan(1000);
  });

  it('refuses other rates, seeds and models, and text in parts', () => {
    expect(() => tokenizer.encode('a', { dropout: 2 })).to.throw(RangeError, 'dropout: expected a number from 0 to 1');
    expect(() => tokenizer.encode('a', { dropout: 0.1, seed: 0.5 })).to.throw(RangeError, 'seed: expected a whole');
    const words = tokenizerFromWordPieceVocab('[UNK]\na\n');
    expect(() => words.encode('a', { dropout: 0.1 })).to.throw(RangeError, 'the model is no BPE');
    expect(() => tokenizer.encodeStream({ dropout: 0.1 })).to.throw(RangeError, 'dropout');
  });
});
