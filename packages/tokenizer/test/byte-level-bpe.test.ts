import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Tokenizer, TokenizerFormatError, tokenizerFromJSON, tokenizerToJSON, trainBPE } from '@rivulet/tokenizer';
import { expect } from 'chai';
import fc from 'fast-check';
import { Tokenizer as Reference } from 'tokenizers';

const gpt2 = new URL('../../../../shared/tokenizers/hf/gpt2.json', import.meta.url);

const corpus = [
  "The quick brown fox jumps over the lazy dog. It's the fox's dog, isn't it? They'll see; we've seen.",
  '敏捷的棕色狐狸跳过了懒狗。狐狸很快,狗很懒。',
  'Ζαφείρι δέξου πάγκαλο, βαθῶν ψυχῆς τὸ σῆμα. 1234 56,789.00 ½ ² Ⅷ',
  'naïve café — “quoted” … 👍🏽 👩‍👩‍👧‍👦 🇫🇷',
].flatMap((line) => [line, line.toUpperCase(), line]);

const specials = { specialTokens: ['<pad>', '<s>', '</s>'], template: ['<s>', null, '</s>'] } as const;
const small = (): Tokenizer => trainBPE(corpus, { vocabSize: 500, ...specials });

/** Texts of every kind that has ever set tokenizers apart. */
const anyText = fc
  .array(
    fc.oneof(
      fc.string({ unit: 'binary', maxLength: 12 }),
      fc.string({ unit: 'grapheme', maxLength: 12 }),
      fc.constantFrom(...corpus),
      fc.constantFrom(
        ' ',
        '  ',
        '\n',
        '\t ',
        '\r\n',
        '\u0085',
        '\ufeff',
        '\u00a0',
        '\u3000',
        '\u2028',
        '\0',
        "'s",
        "'ll",
        "'S",
        "'ſ",
        '<s>',
        '</s>',
        '<pad',
        '\u0301',
        '١٢٣',
        'ﷺ',
        'नमस्ते',
        '한국어',
        '🏳️‍🌈',
      ),
      fc.string({ unit: fc.constantFrom('a', ' ', "'", '中', '\n'), maxLength: 40 }),
    ),
    { maxLength: 8 },
  )
  .map((parts) => parts.join('').toWellFormed());

describe('byte-level BPE', () => {
  let folder: string;
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'rivulet-'));
  });
  after(() => rmSync(folder, { recursive: true }));

  const reference = (tokenizer: Tokenizer): Reference => {
    const file = join(folder, 'tokenizer.json');
    writeFileSync(file, tokenizerToJSON(tokenizer));
    return Reference.fromFile(file);
  };

  it('gives the ids of the reference from the file that it writes', async () => {
    const tokenizer = small();
    const theirs = reference(tokenizer);
    await fc.assert(
      fc.asyncProperty(anyText, async (text) => {
        expect([...tokenizer.encode(text)]).to.deep.equal((await theirs.encode(text)).getIds());
        expect([...tokenizer.encode(text, { addSpecialTokens: false })]).to.deep.equal(
          (await theirs.encode(text, null, { addSpecialTokens: false })).getIds(),
        );
      }),
      { numRuns: 1000, seed: 1 },
    );
  });

  it("gives the reference's ids on GPT-2's vocabulary", async function () {
    if (!existsSync(gpt2)) this.skip(); // ../shared/tokenizers is not there
    const tokenizer = tokenizerFromJSON(readFileSync(gpt2, 'utf8'));
    const theirs = Reference.fromFile(gpt2.pathname);
    await fc.assert(
      fc.asyncProperty(anyText, async (text) => {
        expect([...tokenizer.encode(text)]).to.deep.equal((await theirs.encode(text)).getIds());
      }),
      { numRuns: 500, seed: 2 },
    );
    for (const run of ['a', ' ', '\n', '中', "'", '1', 'é'].map((c) => c.repeat(3000)))
      expect([...tokenizer.encode(run)]).to.deep.equal((await theirs.encode(run)).getIds());
  });

  it("decodes to the reference's text, also what is no text", async () => {
    const tokenizer = small();
    const theirs = reference(tokenizer);
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(tokenizer.vocabSize - 1), { maxLength: 20 }), async (ids) => {
        expect(tokenizer.decode(ids)).to.equal(await theirs.decode(ids, true));
        expect(tokenizer.decode(ids, { skipSpecialTokens: false })).to.equal(await theirs.decode(ids, false));
      }),
      { numRuns: 1000, seed: 3 },
    );
  });

  it('reads back what it writes', () => {
    const tokenizer = small();
    const again = tokenizerFromJSON(tokenizerToJSON(tokenizer));
    expect(tokenizerToJSON(again)).to.equal(tokenizerToJSON(tokenizer));
    expect([...again.encode('The fox')]).to.deep.equal([...tokenizer.encode('The fox')]);
  });

  it('gives text back', () => {
    const tokenizer = small();
    const plain = { addSpecialTokens: false };
    fc.assert(
      fc.property(anyText, (text) => {
        expect(tokenizer.decode(tokenizer.encode(text, plain), { skipSpecialTokens: false })).to.equal(text);
      }),
    );
  });

  it('streams characters only when they are whole, and loses none', () => {
    const tokenizer = small();
    fc.assert(
      fc.property(fc.array(fc.nat(tokenizer.vocabSize - 1), { maxLength: 30 }), (ids) => {
        const stream = tokenizer.decodeStream();
        const pieces = ids.map((id) => stream.push(id));
        expect([...pieces, stream.end()].join('')).to.equal(tokenizer.decode(ids));
      }),
    );
    const bytes = trainBPE([], { vocabSize: 256 });
    const stream = bytes.decodeStream();
    expect([...bytes.encode('aé中👍')].map((id) => stream.push(id))).to.deep.equal([
      'a',
      '',
      'é',
      '',
      '',
      '中',
      '',
      '',
      '',
      '👍',
    ]);
    stream.push(bytes.encode('é')[0]!);
    expect(stream.end()).to.equal('\ufffd');
  });

  it('takes lone surrogates as U+FFFD', () => {
    const tokenizer = small();
    expect(tokenizer.decode(tokenizer.encode('a\ud800b'))).to.equal('a\ufffdb');
  });

  it('encodes 100,000 times the same character', () => {
    const tokenizer = small();
    for (const character of ['a', ' ', '中', '😀']) {
      const ids = tokenizer.encode(character.repeat(100_000));
      expect(tokenizer.decode(ids)).to.equal(character.repeat(100_000));
    }
  });

  it('names an id that does not exist', () => {
    const tokenizer = small();
    const message = `there is no token 500: the vocabulary has the ids 0 to ${tokenizer.vocabSize - 1}`;
    expect(() => tokenizer.decode([1, 500])).to.throw(RangeError, message);
  });
});

describe('trainBPE', () => {
  it('learns the most frequent pairs first, and among equals the smaller ids', () => {
    const tokenizer = trainBPE(['ab ab ab cd cd', 'xy'], { vocabSize: 260, minFrequency: 2 });
    expect(tokenizer.model.merges).to.deep.equal([
      ['a', 'b'],
      ['c', 'd'],
      ['Ġ', 'ab'],
      ['Ġ', 'cd'],
    ]);
  });

  it('goes on from a base whose ids stay', () => {
    const base = trainBPE(['the cat the cat'], { vocabSize: 300, ...specials });
    const both = trainBPE(['狐狸 狐狸 狐狸'], { vocabSize: 320, base });
    expect(both.vocabSize).to.be.greaterThan(base.vocabSize);
    expect([...both.encode('the cat')]).to.deep.equal([...base.encode('the cat')]);
    expect(Math.max(...both.encode('狐狸'))).to.be.at.least(base.vocabSize);
  });

  it('says how large a vocabulary must be', () => {
    expect(() => trainBPE([], { vocabSize: 100 })).to.throw(RangeError, 'vocabSize must be at least 256');
    expect(() => trainBPE([], { vocabSize: 300, template: [null, '</s>'] })).to.throw(
      RangeError,
      "the template names '</s>'",
    );
  });
});

describe('tokenizerFromJSON', () => {
  const changed = (change: (json: Record<string, object>) => void): string => {
    const json = JSON.parse(tokenizerToJSON(small()));
    change(json);
    return JSON.stringify(json);
  };
  const wrong: Record<string, [string, string]> = {
    'no JSON': ['{', 'tokenizer.json: is no JSON'],
    'another model': [
      changed((json) => Object.assign(json, { model: { type: 'Unigram' } })),
      'model: Unigram is not supported; supported: BPE',
    ],
    'another pre-tokenizer': [
      changed((json) => Object.assign(json, { pre_tokenizer: { type: 'Metaspace' } })),
      'pre_tokenizer: Metaspace is not supported; supported: ByteLevel',
    ],
    'a normalizer': [
      changed((json) => Object.assign(json, { normalizer: { type: 'NFC' } })),
      'normalizer: NFC is not supported',
    ],
    'a merge of three': [
      changed(({ model }) => Object.assign(model!, { merges: ['a b c'] })),
      'model.merges[0]: expected two tokens, got "a b c"',
    ],
    'a merge without its token': [
      changed(({ model }) => Object.assign(model!, { merges: [['q', 'qqq']] })),
      'model.merges: merge 0 ("q qqq") needs the token "qqq"',
    ],
    'an id twice': [
      changed(({ model }) => Object.assign(model!, { vocab: { a: 1, b: 1 } })),
      'the id 1 belongs to another token too',
    ],
    'no vocabulary': [
      changed(({ model }) => Object.assign(model!, { vocab: null })),
      'model.vocab: expected an object, got null',
    ],
  };
  for (const [what, [json, message]] of Object.entries(wrong))
    it(`refuses ${what}, naming the field`, () => {
      expect(() => tokenizerFromJSON(json)).to.throw(TokenizerFormatError, message);
    });
});
