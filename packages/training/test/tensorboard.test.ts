import { createHash } from 'node:crypto';
import { copyFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FileError } from '@rivulet/tensor';
import { TensorBoardWriter } from '@rivulet/training';
import { expect } from 'chai';
import { crc32c } from '../src/logging/crc32c.ts';

interface Event {
  readonly time: number;
  readonly tag?: string;
  readonly values?: (number | string)[];
}

describe('TensorBoardWriter', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'rivulet-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it('writes what TensorBoard was seen to read', async () => {
    let time = 1_700_000_000;
    const writer = await TensorBoardWriter.open(folder, { now: () => time++, fileName: 'events.out.tfevents.test' });
    await Promise.all([
      writer.scalar('loss', 2.5, 0),
      writer.scalar('loss', 0.1, 300),
      writer.scalar('loss', Number.NaN, 2 ** 40),
      writer.text('note', '**größer** 你好', 1),
      writer.histogram('weights', Float32Array.of(0, 0.25, 0.5, 1, 1, 4), 2, { buckets: 4 }),
      writer.histogram('constant', [3, 3], 3),
      writer.histogram('nothing', [], 4),
    ]);
    await writer.dispose();
    const bytes = readFileSync(writer.path);
    if (process.env.RIVULET_KEEP_EVENTS) copyFileSync(writer.path, process.env.RIVULET_KEEP_EVENTS);
    const read = JSON.parse(readFileSync(new URL('fixtures/tensorboard.json', import.meta.url), 'utf8').replaceAll('NaN', 'null')) as { sha256: string; events: Event[] }; // biome-ignore format: one thought
    expect(createHash('sha256').update(bytes).digest('hex')).to.equal(read.sha256);
    expect(read.events.map(({ tag, values }) => [tag, values])).to.deep.equal([
      [undefined, undefined],
      ['loss', [2.5]],
      ['loss', [Math.fround(0.1)]],
      ['loss', [null]],
      ['note', ['**größer** 你好']],
      ['weights', [0, 1, 3, 1, 2, 2, 2, 3, 0, 3, 4, 1]],
      ['constant', [2.5, 3.5, 2]],
      ['nothing', []],
    ]);
    expect(read.events.map((event) => event.time - 1_700_000_000)).to.deep.equal([1, 2, 3, 4, 5, 6, 7, 8]);
  });

  it('has the checksum of the standard', () => {
    expect(crc32c(new TextEncoder().encode('123456789'))).to.equal(0xe3069283);
    expect(crc32c(new Uint8Array(32))).to.equal(0x8a9136aa); // RFC 3720, B.4
  });

  it('starts a file of its own for every writer', async () => {
    const writers = await Promise.all([TensorBoardWriter.open(folder), TensorBoardWriter.open(folder)]);
    for (const writer of writers) await writer.dispose();
    expect(readdirSync(folder).filter((name) => name.includes('tfevents'))).to.have.length(2);
  });

  it('refuses what cannot be written, by name', async () => {
    const writer = await TensorBoardWriter.open(folder);
    expect(() => writer.scalar('loss', 1, -1)).to.throw(RangeError, "the step of 'loss' must be a whole number");
    expect(() => writer.histogram('w', [1, Number.NaN], 0)).to.throw(RangeError, "'w' has the value NaN at 1");
    expect(() => writer.histogram('w', [1], 0, { buckets: 0 })).to.throw(RangeError, "'w' needs a positive number");
    await writer.dispose();
    await writer.dispose();
    const closed = await writer.scalar('loss', 1, 0).catch((error: Error) => error);
    expect(closed).to.be.instanceOf(FileError).with.property('message').that.includes('was disposed of');
    writeFileSync(join(folder, 'file'), '');
    const blocked = await TensorBoardWriter.open(join(folder, 'file')).catch((error: Error) => error);
    expect(blocked).to.be.instanceOf(FileError).with.property('message').that.includes('cannot be written');
  });
});
