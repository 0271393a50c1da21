import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FileError } from '@rivulet/tensor';
import { JsonLinesWriter } from '@rivulet/training';
import { expect } from 'chai';

describe('JsonLinesWriter', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'rivulet-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it('appends one object per line, in order', async () => {
    const path = join(folder, 'runs', 'events.jsonl');
    for (const part of [0, 1]) {
      const writer = await JsonLinesWriter.open(path);
      await Promise.all([1, 2].map((i) => writer.write({ step: part * 2 + i, note: 'a\nb' })));
      await writer.dispose();
    }
    expect(readFileSync(path, 'utf8')).to.equal(
      [1, 2, 3, 4].map((step) => `{"step":${step},"note":"a\\nb"}\n`).join(''),
    );
  });

  it('writes numbers that JSON lacks as text', async () => {
    const writer = await JsonLinesWriter.open(join(folder, 'x'));
    await writer.write({ loss: Number.NaN, inner: [Number.NEGATIVE_INFINITY, 2n ** 60n] });
    await writer.dispose();
    expect(readFileSync(writer.path, 'utf8')).to.equal('{"loss":"NaN","inner":["-Infinity","1152921504606846976"]}\n');
  });

  it('removes a last line that was cut off, however long', async () => {
    for (const rest of ['{"st', '{"x":"'.padEnd(200_000, 'y')])
      for (const whole of ['', '{"step":1}\n']) {
        const path = join(folder, 'x');
        writeFileSync(path, whole + rest);
        const writer = await JsonLinesWriter.open(path);
        await writer.write({ step: 2 });
        await writer.dispose();
        expect(readFileSync(path, 'utf8')).to.equal(`${whole}{"step":2}\n`);
      }
  });

  it('says what cannot be written', async () => {
    const error = await JsonLinesWriter.open(folder).catch((e: Error) => e);
    expect(error).to.be.instanceOf(FileError).with.property('message').that.includes(`${folder}: cannot be written`);
    const writer = await JsonLinesWriter.open(join(folder, 'x'));
    await writer.dispose();
    const closed = await writer.write({}).catch((e: Error) => e);
    expect(closed).to.be.instanceOf(FileError).with.property('message').that.includes('was disposed of');
  });
});
