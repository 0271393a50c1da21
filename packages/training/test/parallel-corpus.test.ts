import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { type Pair, readParallelCorpus, type Split, splitByHash } from '@rivulet/training';
import { expect } from 'chai';
import fc from 'fast-check';

const corpus = resolve(import.meta.dirname, '../../../../shared/data/text/cmn-eng/cmn.txt');
const shares = { test: 0.05, validation: 0.05 };
const partOf = (split: Split<string>, item: string): string | undefined =>
  Object.entries(split).find(([, items]) => (items as string[]).includes(item))?.[0];

describe('readParallelCorpus', () => {
  let folder = '';
  const put = async (text: string): Promise<string> => {
    const path = join(folder, 'pairs.tsv');
    await writeFile(path, text);
    return path;
  };
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'rivulet-corpus-'));
  });
  after(() => rm(folder, { recursive: true }));

  it('reads pairs in the order of the file, with the columns asked for', async () => {
    const path = await put('Hi.\t嗨。\tnote\nRun.\t你用跑的。\tnote\n');
    expect(await readParallelCorpus(path)).to.deep.equal([
      { source: 'Hi.', target: '嗨。' },
      { source: 'Run.', target: '你用跑的。' },
    ]);
    expect(await readParallelCorpus(path, { source: 1, target: 0 })).to.deep.include({ source: '嗨。', target: 'Hi.' });
  });

  it('brings text to NFC and white space to single blanks; line ends, empty lines and a byte order mark fall away', async () => {
    const path = await put('\ufeffcafe\u0301  \u00a0au\u3000lait \tb\r\n\r\n \n c\td');
    expect(await readParallelCorpus(path)).to.deep.equal([
      { source: 'café au lait', target: 'b' },
      { source: 'c', target: 'd' },
    ]);
  });

  it('names the file and the line that is malformed', async () => {
    const cases: [string, RegExp][] = [
      ['a\tb\n\nonly one', /:3: no target in column 2/],
      ['a\tb\nc\t \n', /:2: no target in column 2/],
      ['\tb\n', /:1: no source in column 1/],
    ];
    for (const [text, expected] of cases) {
      const path = await put(text);
      const error = await readParallelCorpus(path).then(
        () => new Error('none'),
        (e: Error) => e,
      );
      expect(error.message).to.match(expected);
      expect(error.message.startsWith(path)).to.equal(true);
    }
  });

  it('gives no pairs for an empty file', async () => {
    expect(await readParallelCorpus(await put(''))).to.deep.equal([]);
  });
});

describe('splitByHash', () => {
  it('has every item in exactly one part, in order, whatever the others are', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.string({ unit: 'grapheme' })), (items) => {
        const split = splitByHash(items, (item) => item, shares);
        expect([...split.train, ...split.validation, ...split.test].sort()).to.deep.equal([...items].sort());
        for (const item of items) {
          const alone = splitByHash([item], (key) => key, shares);
          expect(partOf(alone, item)).to.equal(partOf(split, item));
        }
      }),
    );
  });

  it('puts keys together that differ in punctuation, white space, case or width', () => {
    const variants = ['你好,世界A', '你好,世界A。', ' 你好 世界a ', '「你好」世界A!', '你好世界A'];
    for (const prefix of Array.from({ length: 60 }, (_, i) => `第${i}`)) {
      const keys = variants.map((variant) => prefix + variant);
      const split = splitByHash(keys, (key) => key, { test: 0.3, validation: 0.3 });
      expect([split.train, split.validation, split.test].filter((part) => part.length > 0)).to.have.length(1);
    }
  });

  it('follows the shares', () => {
    const items = Array.from({ length: 20000 }, (_, i) => `sentence ${i}`);
    const split = splitByHash(items, (item) => item, { test: 0.1, validation: 0.05 });
    expect(split.test.length / items.length).to.be.closeTo(0.1, 0.01);
    expect(split.validation.length / items.length).to.be.closeTo(0.05, 0.01);
    expect(splitByHash(items, (item) => item, { test: 0, validation: 0 }).train).to.have.length(items.length);
    expect(splitByHash(items, (item) => item, { test: 1, validation: 0 }).test).to.have.length(items.length);
  });

  it('splits the Chinese-English pairs as the published models were trained', async function () {
    if (!existsSync(corpus)) {
      process.stderr.write(`    skipped: there is no ${corpus}\n`);
      return this.skip();
    }
    const pairs = await readParallelCorpus(corpus, { source: 1, target: 0 });
    const split = splitByHash(pairs, (pair) => pair.source, shares);
    expect([pairs.length, split.train.length, split.validation.length, split.test.length]).to.deep.equal([
      20133, 18138, 1033, 962,
    ]);
    const sources = (part: readonly Pair[]): Set<string> => new Set(part.map((pair) => pair.source));
    const [train, validation, test] = [sources(split.train), sources(split.validation), sources(split.test)];
    expect([train.size, validation.size, test.size]).to.deep.equal([17596, 992, 930]);
    for (const source of [...test, ...validation]) expect(train.has(source)).to.equal(false);
    for (const source of test) expect(validation.has(source)).to.equal(false);
    // Not only the sizes: another hash or another key would put test sentences among those that a model was trained on.
    const digest = createHash('sha1').update(split.test.map((pair) => `${pair.source}\t${pair.target}\n`).join(''));
    expect(digest.digest('hex')).to.equal('5a02b7093db4d95582b5fd57f787a616f97721c3');
  });
});
