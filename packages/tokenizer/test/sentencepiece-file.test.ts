import { expect } from 'chai';
import {
  PrecompiledCharsmap,
  readSentencePieceFile,
  SentencePieceFormatError,
  SentencePieceNormalizer,
} from '../src/index.ts';
import { sharedBytes } from './support/reference.ts';

const models: readonly (readonly [string, string, number])[] = [
  ['llama2', 'bpe', 32000],
  ['mistral01', 'bpe', 32000],
  ['nai-t5', 'unigram', 32100],
  ['xlnet_base_cased', 'unigram', 32000],
];

function normalize(file: Uint8Array, text: string): string {
  const normalizer = new SentencePieceNormalizer(readSentencePieceFile(file).normalizer);
  const bytes = new TextEncoder().encode(text);
  normalizer.normalize(bytes, bytes.length);
  return new TextDecoder('utf-8', { ignoreBOM: true }).decode(normalizer.bytes.subarray(0, normalizer.length));
}

describe('SentencePiece file', () => {
  for (const [name, modelType, count] of models)
    it(`reads ${name}`, function () {
      const file = readSentencePieceFile(sharedBytes(this, `tokenizers/sentencepiece/${name}.model`));
      expect(file.modelType).to.equal(modelType);
      expect(file.pieces.length).to.equal(count);
      expect(file.pieces[0]!.score).to.equal(0);
    });

  it('says what is wrong with a file that is cut off anywhere', function () {
    const bytes = sharedBytes(this, 'tokenizers/sentencepiece/nai-t5.model');
    for (let end = 0; end < 400; end++)
      try {
        readSentencePieceFile(bytes.subarray(0, end));
      } catch (error) {
        expect(error).to.be.instanceOf(SentencePieceFormatError);
      }
    expect(() => readSentencePieceFile(bytes.subarray(0, 0))).to.throw('no pieces');
    expect(() => readSentencePieceFile(bytes.subarray(0, bytes.length - 1))).to.throw('longer than what is left');
  });

  it('names the field of the wrong type', () => {
    expect(() => readSentencePieceFile(Uint8Array.of(0x0a, 2, 0x08, 1))).to.throw('pieces[0]: the field piece');
  });

  it('refuses a charsmap that is cut off', () => {
    expect(() => new PrecompiledCharsmap(Uint8Array.of(8, 0, 0, 0, 1))).to.throw('a trie of 8 bytes');
  });

  it('normalizes as nmt_nfkc', function () {
    const file = sharedBytes(this, 'tokenizers/sentencepiece/nai-t5.model');
    expect(normalize(file, '  Ｈello\t  ﬁne\u0085①  ')).to.equal('▁Hello▁fine\u00851');
    expect(normalize(file, 'e\u0301 \ufeffx\u200b')).to.equal('▁é▁x');
    expect(normalize(file, '   ')).to.equal('');
  });

  it('keeps white space where the model says so', function () {
    const file = sharedBytes(this, 'tokenizers/sentencepiece/llama2.model');
    expect(normalize(file, '  a\t ')).to.equal('▁▁▁a\t▁');
  });
});
