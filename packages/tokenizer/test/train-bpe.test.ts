import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import fc from 'fast-check';
import { byteLevelPreTokenizer, Tokenizer as Reference, BPE as ReferenceBPE } from 'tokenizers';
import { type BPE, tokenizerToJSON, trainBPE } from '../src/index.ts';
import { sharedText } from './support/reference.ts';

/**
 * The merges that the Rust trainer learns. The Node binding offers no trainer options, so it runs with its defaults (30,000
 * tokens, every pair); its alphabet is the bytes seen, which keeps the order of ids that decides ties.
 */
function referenceMerges(text: string): string[] {
  const folder = mkdtempSync(join(tmpdir(), 'rivulet-train-'));
  try {
    const file = join(folder, 'text.txt');
    const saved = join(folder, 'tokenizer.json');
    writeFileSync(file, text);
    const reference = new Reference(ReferenceBPE.empty());
    reference.setPreTokenizer(byteLevelPreTokenizer(false, true));
    reference.train([file]);
    reference.save(saved);
    const { merges } = JSON.parse(readFileSync(saved, 'utf8')).model as { merges: (string | [string, string])[] };
    return merges.map((merge) => (typeof merge === 'string' ? merge : merge.join(' ')));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const lines = (text: string): string[] => text.split(/(?<=\n)/);
const mergesOf = (text: string, vocabSize: number): string[] =>
  (trainBPE(lines(text), { vocabSize, minFrequency: 1 }).model as BPE).merges.map((merge) => merge.join(' '));

describe('trainBPE', () => {
  it('learns the merges of the reference from small texts, ties included', () => {
    const characters = fc.constantFrom('a', 'a', 'b', 'c', ' ', '\n', '中', "'s", '1');
    const texts = fc.array(characters, { minLength: 1, maxLength: 120 }).map((parts) => parts.join(''));
    fc.assert(
      fc.property(texts, (text) => {
        expect(mergesOf(text, 30_000)).to.deep.equal(referenceMerges(text));
      }),
      { numRuns: 60 },
    );
  });

  for (const file of ['tinyshakespeare/input.txt', 'cmn-eng/cmn.txt'])
    it(`learns the merges of the reference from the start of ${file}`, function () {
      const text = sharedText(this, `data/text/${file}`).slice(0, 60_000);
      const ours = mergesOf(text, 2256);
      expect(ours).to.have.length(2000);
      expect(ours).to.deep.equal(referenceMerges(text).slice(0, 2000));
    });

  it('gives special tokens the first ids, then the bytes', () => {
    const tokenizer = trainBPE(['a b'], { vocabSize: 258, specialTokens: ['<s>', '</s>'] });
    expect([tokenizer.idToToken(0), tokenizer.idToToken(1), tokenizer.idToToken(2)]).to.deep.equal([
      '<s>',
      '</s>',
      '!',
    ]);
    expect(tokenizer.vocabSize).to.equal(258);
  });

  it('gives the same file for the same texts', () => {
    const train = (): string => tokenizerToJSON(trainBPE(['some text, some more text'], { vocabSize: 280 }));
    expect(train()).to.equal(train());
  });

  it('stops at minFrequency, which is 2 unless given', () => {
    const merges = (minFrequency?: number): number =>
      (trainBPE(['ab ab ab cd cd ef'], { vocabSize: 300, ...(minFrequency && { minFrequency }) }).model as BPE).merges
        .length;
    expect([merges(1), merges(), merges(3)]).to.deep.equal([6, 4, 1]);
  });

  it('goes on from a base whose ids stay', () => {
    const base = trainBPE(['hello hello'], { vocabSize: 260, specialTokens: ['<s>'] });
    const more = trainBPE(['中文中文'], { vocabSize: 265, base });
    for (let id = 0; id < base.vocabSize; id++) expect(more.idToToken(id)).to.equal(base.idToToken(id));
    expect(more.encode('hello')).to.deep.equal(base.encode('hello'));
    expect(more.encode('中文')).to.have.length.below(base.encode('中文').length);
    expect(more.addedTokens).to.deep.equal(base.addedTokens);
  });

  it('tells its progress, last the final size', () => {
    const sizes: number[] = [];
    trainBPE(['hello hello'], { vocabSize: 260, onProgress: (size) => sizes.push(size) });
    expect(sizes.at(-1)).to.equal(260);
  });

  it('refuses a vocabulary without room, repeated special tokens and a template that names no token', () => {
    const train =
      (options: object): (() => void) =>
      () =>
        trainBPE(['a'], { vocabSize: 300, ...options });
    expect(train({ vocabSize: 255 })).to.throw(RangeError, /at least 256.*got 255/);
    expect(train({ specialTokens: ['<s>', '<s>'] })).to.throw(RangeError, /differ/);
    expect(train({ template: [null, '</s>'] })).to.throw(RangeError, /<\/s>/);
  });
});
