import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { tokenizerToJSON, trainTokenizer } from '../../packages/tokenizer/src/index.ts';
import { rivulet, temporaryFolder } from '../support/repository.ts';

const lines = Array.from({ length: 300 }, (_, i) => `Zeile ${i % 7}: größer als ${i % 5}, 中文\n`);

describe('rivulet train tokenizer', () => {
  const folder = temporaryFolder();

  it('writes what the library learns from the same lines, from files and from standard input', async () => {
    const [first, second, output] = ['a.txt', 'b.txt', 'tokenizer.json'].map((name) => join(folder(), name));
    writeFileSync(first!, lines.slice(0, 100).join(''));
    writeFileSync(second!, lines.slice(100).join(''));
    const options = ['--vocab-size', '280', '--special-token', '<s>', '--special-token', '</s>', '--output', output!];
    const expected = tokenizerToJSON(
      await trainTokenizer(lines, { model: 'BPE', vocabSize: 280, specialTokens: ['<s>', '</s>'] }),
    );
    for (const [files, input] of [
      [[first!, second!], ''],
      [[], lines.join('')],
    ] as const) {
      const { code, stderr } = await rivulet(['train', 'tokenizer', '--model', 'bpe', ...options, ...files], { input });
      expect(stderr).to.equal(`saved ${output}: 280 tokens\n`);
      expect(code).to.equal(0);
      expect(JSON.parse(readFileSync(output!, 'utf8'))).to.deep.equal(JSON.parse(expected));
    }
  });

  it('refuses an unknown model, a file that is missing and a vocabulary without room', async () => {
    const output = join(folder(), 'none.json');
    const run = (...args: string[]): Promise<{ stderr: string; code: number | null }> =>
      rivulet(['train', 'tokenizer', '--output', output, ...args], { input: 'some text' });
    const [model, file, room] = await Promise.all([
      run('--model', 'gpt', '--vocab-size', '300'),
      run('--model', 'bpe', '--vocab-size', '300', '/no/such.txt'),
      run('--model', 'bpe', '--vocab-size', '9'),
    ]);
    expect([model.code, file.code, room.code]).to.deep.equal([1, 1, 1]);
    expect(model.stderr).to.match(/Allowed choices are bpe, wordpiece, unigram, wordlevel/);
    expect(file.stderr).to.match(/^rivulet: ENOENT.*\/no\/such\.txt/);
    expect(room.stderr).to.match(/^rivulet: vocabSize must be at least 256/);
  });
});
