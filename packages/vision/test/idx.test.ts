import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { gzipSync } from 'node:zlib';
import { readIdxImages, readIdxLabels } from '@rivulet/vision';
import { expect } from 'chai';

const mnist = resolve(import.meta.dirname, '../../../../shared/data/images/mnist');

function idx(magic: number, dims: readonly number[], data: readonly number[]): Buffer {
  const header = Buffer.alloc(4 + 4 * dims.length);
  header.writeUInt32BE(magic);
  dims.forEach((size, i) => {
    header.writeUInt32BE(size, 4 + 4 * i);
  });
  return Buffer.concat([header, Buffer.from(data)]);
}

async function reason(work: Promise<unknown>): Promise<string> {
  return work.then(
    () => 'no error',
    (error: Error) => error.message,
  );
}

describe('readIdxImages, readIdxLabels', () => {
  let folder = '';
  const put = async (name: string, bytes: Uint8Array): Promise<string> => {
    const path = join(folder, name);
    await writeFile(path, bytes);
    return path;
  };
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'rivulet-idx-'));
  });
  after(() => rm(folder, { recursive: true }));

  const pixels = [0, 1, 2, 253, 254, 255, 9, 8, 7, 6, 5, 4];

  it('reads images, gzipped or not', async () => {
    const bytes = idx(0x803, [2, 3, 2], pixels);
    for (const path of [await put('images', bytes), await put('images.gz', gzipSync(bytes))]) {
      const images = await readIdxImages(path);
      expect([images.count, images.height, images.width]).to.deep.equal([2, 3, 2]);
      expect([...images.pixels]).to.deep.equal(pixels);
    }
  });

  it('reads labels', async () => {
    expect([...(await readIdxLabels(await put('labels', idx(0x801, [3], [7, 2, 1]))))]).to.deep.equal([7, 2, 1]);
  });

  it('names the file and what is wrong with it', async () => {
    const whole = idx(0x803, [2, 3, 2], pixels);
    const cases: [string, Uint8Array, RegExp][] = [
      ['zero', new Uint8Array(0), /has 0 bytes, fewer than the 16/],
      ['header', whole.subarray(0, 10), /has 10 bytes/],
      ['labels-for-images', idx(0x801, [13], Array(13).fill(0)), /starts with 2049, expected 2051/],
      ['floats', idx(0xd03, [1, 1, 1], [0, 0, 0, 0]), /is no IDX file of bytes/],
      ['short', whole.subarray(0, -1), /holds 2 × 3 × 2 bytes, but has 11/],
      ['long', Buffer.concat([whole, Buffer.of(0)]), /but has 13/],
      ['cut.gz', gzipSync(whole).subarray(0, -12), /the gzip data is damaged/],
    ];
    for (const [name, bytes, expected] of cases) {
      const path = await put(name, bytes);
      const message = await reason(readIdxImages(path));
      expect(message).to.match(expected);
      expect(message.startsWith(`${path}: `)).to.equal(true);
    }
  });

  it('names a missing file', async () => {
    expect(await reason(readIdxLabels(join(folder, 'none')))).to.contain(join(folder, 'none'));
  });

  it("reads MNIST's test set", async function () {
    if (!existsSync(mnist)) {
      process.stderr.write(`    skipped: there is no ${mnist}\n`);
      return this.skip();
    }
    const images = await readIdxImages(join(mnist, 't10k-images-idx3-ubyte.gz'));
    const labels = await readIdxLabels(join(mnist, 't10k-labels-idx1-ubyte.gz'));
    expect([images.count, images.height, images.width, images.pixels.length]).to.deep.equal([10000, 28, 28, 7840000]);
    expect([...labels.subarray(0, 8)]).to.deep.equal([7, 2, 1, 0, 4, 1, 4, 9]);
  });
});
