import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { expect } from 'chai';
import {
  compileTokenizer,
  loadTokenizer,
  SentencePieceFormatError,
  tokenizerFromCompiled,
  tokenizerFromJSON,
  tokenizerFromSentencePiece,
  tokenizerToJSON,
} from '../src/index.ts';
import { generatedText, randomOf } from './support/generated.ts';
import { referenceIds, referenceOf, sharedBytes, sharedText } from './support/reference.ts';
import { sentencePieceReference } from './support/sentencepiece.ts';

interface Fixture {
  readonly texts: readonly string[];
  /** By model and text: ids with where they begin and end, in bytes. */
  readonly offsets: Readonly<Record<string, readonly (readonly (readonly [number, number, number])[])[]>>;
  readonly nbestTexts: readonly string[];
  /** By model and text: ids and score of the likeliest ways. */
  readonly nbest: Readonly<Record<string, readonly (readonly (readonly [readonly number[], number])[])[]>>;
}
/** tools/reference/sentencepiece_parity.py */
const fixture: Fixture = JSON.parse(readFileSync(new URL('./fixtures/sentencepiece.json', import.meta.url), 'utf8'));

const folder = new URL('../../../../shared/tokenizers/sentencepiece/', import.meta.url);
const files = existsSync(folder) ? readdirSync(folder).filter((name) => name.endsWith('.model')) : [];

/** The reference's binding drops a byte order mark at the beginning of longer texts that it decodes. */
const withoutMark = (text: string, reference: string): string => (text === `\ufeff${reference}` ? reference : text);

/** Seed 5; `npm run fuzz -- tokenizer` makes more. */
const TEXTS = 250;

describe('SentencePiece models', () => {
  if (files.length === 0) it('(skipped: ../shared/tokenizers/sentencepiece is absent)');

  for (const file of files) {
    it(`${file}: ids and texts as of the C++ library`, async function () {
      const url = new URL(file, folder);
      const reference = await sentencePieceReference(url);
      const tokenizer = await loadTokenizer(url);
      const source = sharedText(this, 'data/text/tinyshakespeare/input.txt');
      const random = randomOf(5);
      const fixed = ['', ' ', '  a  b ', '▁', '<s> </s> <unk>', '<0x41>', 'é'.normalize('NFD'), '好'.repeat(300), 'a'.repeat(700), ' '.repeat(400)]; // biome-ignore format: one thought
      const texts = [...fixed, ...Array.from({ length: TEXTS }, () => generatedText(random, source))];
      for (const text of texts) {
        const ids = reference.encodeIds(text);
        expect([...tokenizer.encode(text)], JSON.stringify(text)).to.deep.equal(ids);
        const decoded = reference.decodeIds(ids);
        expect(withoutMark(tokenizer.decode(ids), decoded), JSON.stringify(text)).to.equal(decoded);
      }
    });
  }

  it('long texts, where rounding decides between paths that are nearly as good', async function () {
    const texts = ['tinyshakespeare/input.txt', 'xiyouji/xiyouji.txt'].map((file) =>
      sharedText(this, `data/text/${file}`).slice(200_000, 260_000),
    );
    for (const file of ['nai-t5.model', 'xlnet_base_cased.model', 'llama2.model']) {
      const url = new URL(file, folder);
      const [reference, tokenizer] = [await sentencePieceReference(url), await loadTokenizer(url)];
      for (const text of texts)
        for (const part of [text.slice(0, 5000), text])
          expect(tokenizer.encode(part)).to.deep.equal(Int32Array.from(reference.encodeIds(part)));
    }
  });

  it('decode as they come, and any ids as the C++ library does', async function () {
    sharedBytes(this, 'tokenizers/sentencepiece/llama2.model');
    for (const file of files) {
      const url = new URL(file, folder);
      const [reference, tokenizer] = [await sentencePieceReference(url), await loadTokenizer(url)];
      const random = randomOf(9);
      for (let i = 0; i < 200; i++) {
        const ids = Array.from({ length: 1 + Math.floor(random() * 12) }, () =>
          Math.floor(random() * (i % 2 ? tokenizer.vocabSize : Math.min(300, tokenizer.vocabSize))),
        );
        const text = reference.decodeIds(ids);
        expect(withoutMark(tokenizer.decode(ids), text), `${file} ${ids}`).to.equal(text);
        const stream = tokenizer.decodeStream();
        expect(withoutMark(ids.map((id) => stream.push(id)).join('') + stream.end(), text)).to.equal(text);
      }
    }
  });

  it('tell offsets as the C++ library does', async function () {
    sharedBytes(this, 'tokenizers/sentencepiece/llama2.model');
    for (const [file, expected] of Object.entries(fixture.offsets)) {
      const tokenizer = await loadTokenizer(new URL(file, folder));
      for (const [i, text] of fixture.texts.entries()) {
        const { ids, offsets } = tokenizer.encoding(text, { offsets: 'bytes' });
        expect(
          ids.map((id, k) => [id, ...offsets[k]!]),
          `${file} ${JSON.stringify(text)}`,
        ).to.deep.equal(expected[i]);
        expect([...tokenizer.encode(text)]).to.deep.equal(ids);
        // In characters, each begins and ends where it does in bytes.
        const bytesOf = (units: number): number => new TextEncoder().encode(text.slice(0, units)).length;
        expect(tokenizer.encoding(text).offsets.map((pair) => pair.map(bytesOf))).to.deep.equal(offsets);
      }
    }
  });

  it('encode texts in parts of any cut as they encode the whole', async function () {
    const source = sharedText(this, 'data/text/tinyshakespeare/input.txt');
    for (const file of files) {
      const tokenizer = await loadTokenizer(new URL(file, folder));
      const random = randomOf(21);
      const texts = ['', '  ', ' a  b ', ...Array.from({ length: 40 }, () => generatedText(random, source))];
      for (const text of [...texts, source.slice(5000, 25_000)]) {
        const stream = tokenizer.encodeStream();
        const ids: number[] = [];
        for (let at = 0; at < text.length; ) {
          const size = 1 + Math.floor(random() * 40);
          ids.push(...stream.push(text.slice(at, at + size)));
          at += size;
        }
        ids.push(...stream.end());
        expect(ids, `${file} ${JSON.stringify(text)}`).to.deep.equal([...tokenizer.encode(text)]);
      }
      const early = tokenizer.encodeStream();
      expect(early.push('the first words of a text ').length, file).to.be.above(4);
    }
  });

  it('list the likeliest ways as the C++ library does', async function () {
    sharedBytes(this, 'tokenizers/sentencepiece/llama2.model');
    for (const [file, expected] of Object.entries(fixture.nbest)) {
      const tokenizer = await loadTokenizer(new URL(file, folder));
      for (const [i, text] of fixture.nbestTexts.entries()) {
        const found = tokenizer.nBest(text, 8);
        expect(found.map(({ ids }) => [...ids])).to.deep.equal(expected[i]!.map(([ids]) => ids));
        for (const [k, { score }] of found.entries()) expect(score).to.be.closeTo(expected[i]![k]![1], 1e-4);
        expect(found[0]!.ids).to.deep.equal(tokenizer.encode(text));
      }
    }
  });

  it('draw ways as often as their probabilities say', function () {
    const tokenizer = tokenizerFromSentencePiece(sharedBytes(this, 'tokenizers/sentencepiece/nai-t5.model'));
    const text = 'total';
    const alpha = 0.3;
    const ways = tokenizer.nBest(text, 1024);
    expect(ways.length).to.equal(10);
    for (const nbestSize of [undefined, 3]) {
      const listed = ways.slice(0, nbestSize);
      const weights = listed.map(({ score }) => Math.exp(alpha * score));
      const total = weights.reduce((sum, weight) => sum + weight, 0);
      const counts = new Map<string, number>();
      const draws = 4000;
      for (let seed = 0; seed < draws; seed++) {
        const options = { sampling: nbestSize ? { alpha, nbestSize } : { alpha }, seed };
        const key = tokenizer.encode(text, options).join();
        counts.set(key, (counts.get(key) ?? 0) + 1);
      }
      let chiSquare = 0;
      for (const [i, { ids }] of listed.entries()) {
        const wanted = (draws * weights[i]!) / total;
        chiSquare += ((counts.get(ids.join()) ?? 0) - wanted) ** 2 / wanted;
        counts.delete(ids.join());
      }
      expect(counts.size, 'ways that are none').to.equal(0);
      // Below this in 999 of 1000 cases (the approximation of Wilson and Hilferty).
      const degrees = listed.length - 1;
      const limit = degrees * (1 - 2 / (9 * degrees) + 3.09 * Math.sqrt(2 / (9 * degrees))) ** 3;
      expect(chiSquare).to.be.below(limit);
    }
    const long = 'Shall we go on? 😀'.repeat(20);
    const drawn = tokenizer.encode(long, { sampling: { alpha: 0.2 }, seed: 3 });
    expect(drawn).to.deep.equal(tokenizer.encode(long, { sampling: { alpha: 0.2 }, seed: 3 }));
    expect(drawn).not.to.deep.equal(tokenizer.encode(long));
    expect(tokenizer.decode(drawn)).to.equal(tokenizer.decode(tokenizer.encode(long)));
  });

  it('leave merges out at random', function () {
    const tokenizer = tokenizerFromSentencePiece(sharedBytes(this, 'tokenizers/sentencepiece/llama2.model'));
    const text = `  Some words, 你好 and ${'x'.repeat(600)}`;
    expect(tokenizer.encode('Some words 你', { dropout: 0 })).to.deep.equal(tokenizer.encode('Some words 你'));
    expect(tokenizer.encode('abc', { dropout: 1 }).length).to.equal(4);
    const half = tokenizer.encode(text, { dropout: 0.5, seed: 4 });
    expect(half).to.deep.equal(tokenizer.encode(text, { dropout: 0.5, seed: 4 }));
    expect(half.length).to.be.above(tokenizer.encode(text).length);
    expect(tokenizer.decode(half)).to.equal(text);
  });

  it('are written as tokenizer.json, which the Rust tokenizers read with the same ids, and compiled', async function () {
    const source = sharedText(this, 'data/text/tinyshakespeare/input.txt').slice(0, 9000);
    for (const file of ['llama2.model', 'nai-t5.model']) {
      const tokenizer = tokenizerFromSentencePiece(sharedBytes(this, `tokenizers/sentencepiece/${file}`));
      const converted = tokenizerFromJSON(tokenizerToJSON(tokenizer));
      const reference = referenceOf(tokenizer);
      const compiled = tokenizerFromCompiled(compileTokenizer(tokenizer));
      for (const text of [...source.split('\n'), ' a  b ', 'ﬁne ① 你好 😀', '']) {
        const ids = [...tokenizer.encode(text)];
        expect(await referenceIds(reference, text), `${file} ${JSON.stringify(text)}`).to.deep.equal(ids);
        expect([...converted.encode(text)]).to.deep.equal(ids);
        expect([...compiled.encode(text)]).to.deep.equal(ids);
        expect(compiled.decode(ids)).to.equal(tokenizer.decode(ids));
      }
    }
  });

  it('take start and end tokens from a tokenizer_config.json', async function () {
    const bytes = sharedBytes(this, 'tokenizers/sentencepiece/llama2.model');
    const load = async (config: object): Promise<number[]> => [
      ...(await loadTokenizer(bytes, { config })).encode('a b'),
    ];
    const ids = await load({});
    expect(await load({ tokenizer_class: 'LlamaTokenizer', bos_token: '<s>' })).to.deep.equal([1, ...ids]);
    expect(await load({ add_bos_token: true, add_eos_token: true })).to.deep.equal([1, ...ids, 2]);
    expect(await load({ tokenizer_class: 'LlamaTokenizer', add_bos_token: false })).to.deep.equal(ids);
    const both = tokenizerFromSentencePiece(bytes, { addBos: true, addEos: true });
    expect(await referenceIds(referenceOf(both), 'a b')).to.deep.equal([1, ...ids, 2]);
    const stream = both.encodeStream();
    expect([...stream.push('a '), ...stream.push('b'), ...stream.end()]).to.deep.equal([1, ...ids, 2]);
    expect(() => tokenizerFromSentencePiece(bytes, { addEos: true, eosToken: '<end>' })).to.throw(
      SentencePieceFormatError,
      'there is no "<end>"',
    );
  });

  it('refuse what they do not do, by name', function () {
    const bytes = sharedBytes(this, 'tokenizers/sentencepiece/llama2.model');
    const tokenizer = tokenizerFromSentencePiece(bytes);
    expect(() => tokenizer.encode('a', { sampling: { alpha: 1 } })).to.throw(RangeError, 'no unigram model');
    expect(() => tokenizer.nBest('a', 2)).to.throw(RangeError, 'no unigram model');
    expect(() => tokenizer.nBest('a', 0)).to.throw(RangeError, 'from 1 to 1024');
    const unigram = tokenizerFromSentencePiece(sharedBytes(this, 'tokenizers/sentencepiece/nai-t5.model'));
    expect(() => unigram.encode('a', { dropout: 0.5 })).to.throw(RangeError, 'no BPE');
    expect(() => unigram.encode('a', { sampling: { alpha: -1 } })).to.throw(RangeError, 'sampling.alpha');
    expect(() => unigram.encode('a', { sampling: { alpha: 1, nbestSize: 0 } })).to.throw(RangeError, 'nbestSize');
    expect(() => unigram.encode('a', { sampling: { alpha: 1 }, seed: 0.5 })).to.throw(RangeError, 'seed');
    expect(() => tokenizerFromSentencePiece(bytes.subarray(0, 3000))).to.throw(SentencePieceFormatError);
  });
});
