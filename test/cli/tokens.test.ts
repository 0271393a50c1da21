import { join } from 'node:path';
import { expect } from 'chai';
import { Tokenizer as Reference } from 'tokenizers';
import { rivulet, root } from '../support/repository.ts';

const tokenizer = join(root, 'models/zh-en/tokenizer.json');

describe('rivulet encode and decode', () => {
  it('give each other back, with the ids of the reference', async () => {
    const text = 'Hello, world!\n\n你好吗？ 👍\n';
    const { stdout: ids, code } = await rivulet(['encode', '--tokenizer', tokenizer], { input: text });
    expect(code).to.equal(0);
    const reference = Reference.fromFile(tokenizer);
    const expected = await Promise.all(
      text
        .trimEnd()
        .split('\n')
        .map(async (line) => (await reference.encode(line)).getIds()),
    );
    expect(
      ids
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line)),
    ).to.deep.equal(expected);
    const { stdout } = await rivulet(['decode', '--tokenizer', tokenizer], { input: ids });
    expect(stdout).to.equal(text);
  });

  it('name a line that is no list of ids, or an unknown id, and go on', async () => {
    const { stdout, stderr, code } = await rivulet(['decode', '--tokenizer', tokenizer], {
      input: '[1]\nx\n[99999]\n[-1]\n[2]\n',
    });
    expect(code).to.equal(1);
    expect(stdout.split('\n')).to.have.length(6);
    expect(stderr.split('\n').slice(0, 3)).to.satisfy(([a, b, c]: string[]) => {
      return (
        a!.startsWith('rivulet: standard input:2: expected a JSON array of ids') &&
        b!.includes(':3: there is no token 99999') &&
        c!.includes(':4: expected')
      );
    });
  });

  it('name a tokenizer that cannot be read', async () => {
    const { stderr, code } = await rivulet(['encode', '--tokenizer', '/no/such.json'], { input: 'x' });
    expect(code).to.equal(1);
    expect(stderr).to.match(/^rivulet: \/no\/such\.json: cannot be read: ENOENT/);
  });
});
