import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import type { Context } from 'mocha';
import {
  type TrainingProgress,
  type TrainTokenizerOptions,
  tokenizerFromJSON,
  tokenizerToJSON,
  trainTokenizer,
  trainTokenizerJSON,
} from '../src/index.ts';
import { referenceIds, referenceOf, sharedText } from './support/reference.ts';

const reference = JSON.parse(readFileSync(new URL('./fixtures/training.json', import.meta.url), 'utf8')) as Record<
  string,
  unknown
> & { readonly variants: { readonly WordPiece: readonly string[]; readonly suffix: readonly string[] } };
const { variants } = reference;
const BERT = ['[PAD]', '[UNK]', '[CLS]', '[SEP]', '[MASK]'];

function texts(test: Context): string[] {
  return (
    [
      ['tinyshakespeare/input.txt', 150_000],
      ['cmn-eng/cmn.txt', 60_000],
    ] as const
  ).flatMap(([file, size]) =>
    [...sharedText(test, `data/text/${file}`)]
      .slice(0, size)
      .join('')
      .split('\n')
      .map((line) => `${line}\n`),
  );
}

interface Model {
  readonly vocab: Readonly<Record<string, number>>;
  readonly merges?: readonly (readonly string[])[];
}

async function learn(list: Iterable<string> | AsyncIterable<string>, options: TrainTokenizerOptions): Promise<Model> {
  return ((await trainTokenizerJSON(list, options)) as { readonly model: Model }).model;
}

function digest({ vocab, merges = [] }: Model): object {
  const tokens = Object.keys(vocab).sort((a, b) => vocab[a]! - vocab[b]!);
  const text = `${tokens.join('\n')}\0${merges.map((merge) => merge.join(' ')).join('\n')}`;
  return { tokens: tokens.length, merges: merges.length, sha256: createHash('sha256').update(text).digest('hex') };
}

const cases: Readonly<Record<string, TrainTokenizerOptions>> = {
  BPE: { model: 'BPE', vocabSize: 8000 },
  'BPE, maxTokenLength': {
    model: 'BPE',
    vocabSize: 6000,
    minFrequency: 2,
    maxTokenLength: 5,
    specialTokens: ['<s>', 'the'],
  },
  'BPE, Sequence': {
    model: 'BPE',
    vocabSize: 3000,
    preTokenizer: {
      type: 'Sequence',
      pretokenizers: [
        { type: 'Split', pattern: { Regex: '\\p{N}{1,3}|[^\\p{N}]+' }, behavior: 'Isolated', invert: false },
        { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: true },
      ],
    },
  },
  'BPE, suffix': {
    model: 'BPE',
    vocabSize: 3000,
    unkToken: '<unk>',
    specialTokens: ['<unk>', ...variants.suffix],
    endOfWordSuffix: '</w>',
    preTokenizer: { type: 'WhitespaceSplit' },
    normalizer: { type: 'Sequence', normalizers: [{ type: 'NFKC' }, { type: 'Lowercase' }] },
  },
  WordPiece: { model: 'WordPiece', vocabSize: 4000, specialTokens: [...BERT, ...variants.WordPiece] },
  WordLevel: { model: 'WordLevel', vocabSize: 9000, minFrequency: 1 },
};

describe('trainTokenizer', () => {
  for (const [name, options] of Object.entries(cases))
    it(`learns the vocabulary and the merges of the reference: ${name}`, async function () {
      expect(digest(await learn(texts(this), options))).to.deep.equal(reference[name]);
    });

  for (const options of [
    { model: 'BPE', vocabSize: 400 },
    { model: 'WordPiece', vocabSize: 60 },
    { model: 'WordLevel' },
  ] as const)
    it(`gives a tokenizer that the reference reads and agrees with: ${options.model}`, async () => {
      const text = 'the quick brown fox and the lazy dog, the end';
      const tokenizer = await trainTokenizer([text, text], options);
      expect([...tokenizer.encode(text)]).to.deep.equal(await referenceIds(referenceOf(tokenizer), text));
      expect(tokenizerToJSON(tokenizerFromJSON(tokenizerToJSON(tokenizer)))).to.equal(tokenizerToJSON(tokenizer));
    });

  it('reads texts that come one by one, and in one piece, to the same end', async () => {
    const lines = Array.from({ length: 9000 }, (_, i) => `line ${i % 97} of a text\n`);
    async function* oneByOne(): AsyncGenerator<string> {
      yield* lines;
    }
    for (const options of [
      { model: 'BPE', vocabSize: 330 },
      { model: 'WordPiece', vocabSize: 70 },
    ] as const) {
      const expected = await learn(lines, options);
      expect(await learn(oneByOne(), options)).to.deep.equal(expected);
      expect(await learn([lines.join('')], options)).to.deep.equal(expected);
    }
  });

  it('counts white-space chunks as it counts whole texts', async () => {
    const text = 'Ein  Zaïre\u0085x\u00a0y\tΟΔΟΣ Σ\u2028z 中文！ a\u0301b\u200bc\u0001d \u0301e ½.\n'.repeat(3);
    for (const type of ['BertPreTokenizer', 'Whitespace', 'WhitespaceSplit'])
      for (const normalizer of [null, { type: 'BertNormalizer' }, { type: 'NFKC' }, { type: 'Lowercase' }]) {
        const options = { model: 'WordLevel', normalizer } as const;
        // A sequence that begins with a pre-tokenizer that does nothing is not taken apart.
        const whole = {
          type: 'Sequence',
          pretokenizers: [{ type: 'Split', pattern: { String: '\0' }, behavior: 'Isolated', invert: false }, { type }],
        };
        expect(await learn([text], { ...options, preTokenizer: { type } })).to.deep.equal(
          await learn([text], { ...options, preTokenizer: whole }),
        );
      }
  });

  it('keeps the most frequent characters and those it must', async () => {
    const options = { model: 'BPE', preTokenizer: { type: 'WhitespaceSplit' }, limitAlphabet: 3 } as const;
    const { vocab } = await learn(['aaa bb c dddd'], { ...options, initialAlphabet: ['z'], vocabSize: 4 });
    expect(Object.keys(vocab)).to.deep.equal(['a', 'd', 'z', 'dd']);
  });

  it('tells its progress and lets the event loop run', async () => {
    const seen: TrainingProgress[] = [];
    let ticks = 0;
    const timer = setInterval(() => ticks++, 1);
    const lines = Array.from({ length: 60_000 }, (_, i) => `word${i} and ${i * 7919} more\n`);
    await learn(lines, { model: 'BPE', vocabSize: 2000, onProgress: (progress) => seen.push(progress) });
    clearInterval(timer);
    expect(ticks).to.be.above(2);
    const characters = lines.join('').length;
    expect(seen.find(({ total }) => total !== null)).to.deep.equal({
      phase: 'read',
      done: characters,
      total: characters,
    });
    expect(seen.at(-1)).to.deep.equal({ phase: 'learn', done: 2000, total: 2000 });
  });

  it('ends at a signal, also while texts never end', async () => {
    function* endless(): Generator<string> {
      for (let i = 0; ; i++) yield `text ${i}`;
    }
    const stop = new AbortController();
    setTimeout(() => stop.abort(new Error('enough')), 20);
    const error = await learn(endless(), { model: 'BPE', signal: stop.signal }).catch((reason: unknown) => reason);
    expect(error).to.be.an('error').with.property('message', 'enough');
  });

  it('takes no text, and empty ones', async () => {
    expect(Object.keys((await learn([], { model: 'BPE' })).vocab)).to.have.length(256);
    expect(await learn(['', ' '], { model: 'WordPiece' }))
      .to.have.property('vocab')
      .with.keys(BERT);
    expect((await learn(['', '\n'], { model: 'WordLevel' })).vocab).to.deep.equal({ '[UNK]': 0 });
  });

  it('refuses options out of range, by their names', async () => {
    const message = async (options: object): Promise<string> =>
      learn(['some text'], { model: 'BPE', ...options }).then(
        () => 'none',
        (error: Error) => error.message,
      );
    expect(await message({ model: 'GPT' })).to.match(/^model must be one of BPE.*"GPT"/);
    expect(await message({ vocabSize: 0.5 })).to.match(/^vocabSize .*0.5/);
    expect(await message({ vocabSize: 255 })).to.match(/at least 256.*got 255/);
    expect(await message({ specialTokens: ['a', 'a'] })).to.match(/differ/);
    expect(await message({ shrinkingFactor: 1 })).to.match(/^shrinkingFactor/);
    expect(await message({ preTokenizer: { type: 'Nonsense' } })).to.match(/^pre_tokenizer: Nonsense/);
  });
});
