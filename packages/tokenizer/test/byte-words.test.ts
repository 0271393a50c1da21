import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import { compiledModule } from '../../../tools/wasm/text.ts';
import { ByteEncoder } from '../src/byte-encoder.ts';
import { BYTE_WORDS_WASM } from '../src/byte-words/byte-words-wasm.ts';
import { IdBuffer } from '../src/id-buffer.ts';
import { BPE, trainBPE } from '../src/index.ts';
import { cl100kSplitter, gpt2Splitter, o200kSplitter, type Splitter } from '../src/splitters.ts';
import { generatedText, randomOf } from './support/generated.ts';

const source = readFileSync(new URL(import.meta.url), 'utf8');
const trained = trainBPE([source, 'don’t 我们 了 的 ２３ ١٢ Ёлка'.repeat(5)], { vocabSize: 700 }).model as BPE;

/** Both ways of the same model; the second one cuts and remembers in JavaScript. */
function both(splitter: Splitter): { fast: (text: string) => number[]; plain: (text: string) => number[] } {
  const model = new BPE(trained.tables());
  const plainModel = new BPE(trained.tables());
  const encoders = [
    new ByteEncoder(model, splitter),
    new ByteEncoder({ encode: (...args) => plainModel.encode(...args) }, splitter),
  ];
  const [fast, plain] = encoders.map((encoder) => (text: string) => {
    const ids = new IdBuffer();
    encoder.encode(text, ids);
    return [...ids.toArray()];
  });
  return { fast: fast!, plain: plain! };
}

const splitters: Readonly<Record<string, () => Splitter>> = {
  'GPT-2': gpt2Splitter,
  cl100k: cl100kSplitter,
  'one digit at a time': () => cl100kSplitter(1),
  o200k: o200kSplitter,
};

describe('words in WebAssembly', () => {
  it('run what the files of its text say', async () => {
    expect(await compiledModule('packages/tokenizer/src/byte-words/byte-words')).to.equal(BYTE_WORDS_WASM);
  });

  for (const [name, make] of Object.entries(splitters))
    it(`cut and encode as in JavaScript: ${name}`, () => {
      const { fast, plain } = both(make());
      const random = randomOf(4);
      for (let i = 0; i < 400; i++) {
        const text = generatedText(random, source);
        expect(fast(text), JSON.stringify(text)).to.deep.equal(plain(text));
      }
      // At and around the end of a text every rule meets nothing
      const ends = [
        "'",
        "'s",
        "'ſ",
        "'L",
        "'ll",
        ' ',
        '  ',
        '\n',
        ' \n',
        '\r',
        '3',
        ' 3',
        'a',
        'É',
        '好',
        '\u0301',
        '/',
        '😀',
        '\0',
      ];
      for (const a of ends)
        for (const b of ends)
          for (const text of [a + b, `x${a}${b}`, `${a} ${b}`, `XY${a}${b}z`])
            expect(fast(text), JSON.stringify(text)).to.deep.equal(plain(text));
    });

  it('go on over every ideograph', () => {
    const { fast, plain } = both(cl100kSplitter());
    const text = Array.from({ length: 0xa100 - 0x4d00 }, (_, i) => String.fromCharCode(0x4d00 + i)).join('');
    expect(fast(text)).to.deep.equal(plain(text));
    const apart = [...text].join('好。');
    expect(fast(apart)).to.deep.equal(plain(apart));
  });

  it('are remembered whatever their length and the number of their ids', () => {
    const { fast, plain } = both(gpt2Splitter());
    const words = Array.from({ length: 40 }, (_, i) => [' ', 'q', 'é', '好'].map((unit) => `${unit.repeat(i + 1)}x`));
    const text = words.flat().join(' ');
    const expected = plain(text);
    for (let turn = 0; turn < 3; turn++) expect(fast(text)).to.deep.equal(expected);
  });

  it('are as many as the text has, over its parts', () => {
    const { fast, plain } = both(cl100kSplitter());
    const random = randomOf(5);
    let long = source + '好、'.repeat(30_000) + 'x'.repeat(60_000) + '1'.repeat(20_000);
    while (long.length < 300_000) long += generatedText(random, source);
    expect(fast(long)).to.deep.equal(plain(long));
  });

  it('are not needed: without WebAssembly JavaScript does the same', () => {
    const own = globalThis as { WebAssembly?: unknown };
    const { WebAssembly } = own;
    try {
      own.WebAssembly = undefined;
      const { fast, plain } = both(cl100kSplitter());
      expect(fast(source)).to.deep.equal(plain(source));
    } finally {
      own.WebAssembly = WebAssembly;
    }
  });
});
