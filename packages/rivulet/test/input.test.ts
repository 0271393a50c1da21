import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { expect } from 'chai';
import { lastValueFrom, map, throwError, toArray } from 'rxjs';
import { finish, sources } from '../src/commands/input.ts';
import { watched } from '../src/commands/watched.ts';

describe('the input of commands', () => {
  let folder = '';
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'rivulet-input-'));
  });
  after(() => rm(folder, { recursive: true }));

  it('is the lines of files, packed or not', async () => {
    const [plain, packed] = [join(folder, 'a.txt'), join(folder, 'b.txt.gz')];
    await writeFile(plain, 'one\ntwo');
    await writeFile(packed, gzipSync('three\n'));
    const read = await Promise.all(sources([plain, packed]).map(({ lines }) => lastValueFrom(lines.pipe(toArray()))));
    expect(read).to.deep.equal([['one', 'two'], ['three']]);
  });

  it('that cannot be read is named once', async () => {
    const { write } = process.stderr;
    const { exitCode } = process;
    const told: string[] = [];
    process.stderr.write = ((text: string) => told.push(text) > 0) as typeof process.stderr.write;
    try {
      await finish(
        throwError(() => new Error('a: broken')),
        'a',
      );
      await finish(
        throwError(() => new Error('broken')),
        'b',
      );
      expect(process.exitCode).to.equal(1);
    } finally {
      process.stderr.write = write;
      process.exitCode = exitCode;
    }
    expect(told.map((text) => text.slice(text.indexOf('rivulet')))).to.deep.equal([
      'rivulet: a: broken\n',
      'rivulet: b: broken\n',
    ]);
  });

  it('is not watched where standard error is no terminal', function () {
    if (process.stderr.isTTY) this.skip();
    const operator = map((x: number) => x);
    expect(watched().stage('all', operator)).to.equal(operator);
  });
});
