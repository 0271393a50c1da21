import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fromIterable } from '@rivulet/stream';
import {
  cifarImages,
  decodeImage,
  ImageError,
  idxImages,
  imageFolder,
  type LabelledImage,
  readImageFolder,
} from '@rivulet/vision';
import { expect } from 'chai';
import { lastValueFrom, map, take, toArray } from 'rxjs';
import { needs, shared, temporaryFolder } from '../../../test/support/repository.ts';
import { png } from './support/png.ts';

async function all<T>(source: AsyncIterable<T>): Promise<T[]> {
  const items: T[] = [];
  for await (const item of source) items.push(item);
  return items;
}

/** The message of the error that names a file. */
async function failure(source: AsyncIterable<unknown>): Promise<string> {
  const error = await all(source).then(
    () => null,
    (reason: unknown) => reason,
  );
  expect(error).to.be.instanceOf(Error);
  return (error as Error).message;
}

const AREA = 32 * 32;
/** A record of CIFAR: red, green and blue each a plane of the pixels' numbers, modulo 251, from an own start. */
const record = (...before: number[]): Uint8Array =>
  Uint8Array.from([...before, ...Array.from({ length: 3 * AREA }, (_, i) => (i + before.at(-1)!) % 251)]);

describe('sources of labelled images', () => {
  const folder = temporaryFolder();
  const put = async (name: string, ...parts: readonly Uint8Array[]): Promise<string> => {
    const path = join(folder(), name);
    await mkdir(join(path, '..'), { recursive: true });
    await writeFile(path, Buffer.concat(parts));
    return path;
  };
  const idx = (magic: number, dims: readonly number[], data: readonly number[]): Uint8Array => {
    const header = Buffer.alloc(4 + 4 * dims.length);
    for (const [i, value] of [magic, ...dims].entries()) header.writeUInt32BE(value, 4 * i);
    return Buffer.concat([header, Uint8Array.from(data)]);
  };

  describe('cifarImages', () => {
    it('reads file after file, planes of colours as pixels', async () => {
      const files = [await put('a.bin', record(3), record(9)), await put('b.bin', record(0))];
      const items = await all(cifarImages(files));
      expect(items.map(({ label }) => label)).to.deep.equal([3, 9, 0]);
      const { image } = items[1]!;
      expect([image.width, image.height, image.channels, image.data.length]).to.deep.equal([32, 32, 3, 3 * AREA]);
      // the second pixel's red, green and blue
      expect([...image.data.subarray(3, 6)]).to.deep.equal([10, (AREA + 10) % 251, (2 * AREA + 10) % 251]);
      expect(items[0]!.image.data).to.not.equal(image.data);
    });

    it("takes the fine class of CIFAR-100, and a single file's path", async () => {
      const file = await put('fine.bin', record(19, 99));
      const [item] = await all(cifarImages(file, { classes: 100 }));
      expect(item!.label).to.equal(99);
      expect(item!.image.data[0]).to.equal(99);
    });

    it('starts anew each time, and closes its file where it is left early', async () => {
      const source = cifarImages(await put('twice.bin', record(1), record(2)));
      for (let time = 0; time < 2; time++)
        for await (const { label } of source) {
          expect(label).to.equal(1);
          break;
        }
      expect(await all(source)).to.have.length(2);
    });

    it('names a file that is none, at the image that is wrong', async () => {
      const short = await put('short.bin', record(1).subarray(1));
      expect(await failure(cifarImages(short))).to.equal(
        `${short}: has 3072 bytes, not a whole number of CIFAR-10's records of 3073`,
      );
      expect(await failure(cifarImages(await put('empty.bin')))).to.match(/empty\.bin: has 0 bytes/);
      expect(await failure(cifarImages(await put('class.bin', record(1), record(10))))).to.match(
        /class\.bin: image 1 has the class 10, there are 10/,
      );
      expect(await failure(cifarImages(join(folder(), 'none.bin')))).to.match(/none\.bin: cannot be read: ENOENT/);
    });
  });

  describe('idxImages', () => {
    it('pairs images with labels', async () => {
      const images = await put('images', idx(0x803, [2, 2, 3], [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]));
      const items = await all(idxImages(images, await put('labels', idx(0x801, [2], [7, 4]))));
      const image = (data: readonly number[]): LabelledImage['image'] => ({
        ...{ width: 3, height: 2, channels: 1 },
        data: Uint8Array.from(data),
      });
      expect(items.map(({ label }) => label)).to.deep.equal([7, 4]);
      for (const [i, data] of [
        [1, 2, 3, 4, 5, 6],
        [7, 8, 9, 10, 11, 12],
      ].entries()) {
        const { data: found, ...shape } = items[i]!.image;
        const { data: wanted, ...rest } = image(data);
        expect(shape).to.deep.equal(rest);
        expect([...found]).to.deep.equal([...wanted]);
      }
    });

    it('names the labels that do not fit', async () => {
      const images = await put('one', idx(0x803, [1, 1, 1], [5]));
      const labels = await put('three', idx(0x801, [3], [1, 2, 3]));
      expect(await failure(idxImages(images, labels))).to.equal(`${labels}: has 3 labels, ${images} has 1 images`);
    });
  });

  describe('imageFolder', () => {
    const dot = png(1, 1, 8, 0, Uint8Array.of(9));

    it('lists files class after class in the order of their names', async () => {
      for (const name of ['b/2.png', 'b/10.JPG', 'a/x.webp', 'a/notes.txt', 'a/.hidden.png', '.git/y.png', 'top.png'])
        await put(join('tree', name), dot);
      const root = join(folder(), 'tree');
      expect(await all(imageFolder(root))).to.deep.equal([
        { file: join(root, 'a/x.webp'), label: 'a' },
        { file: join(root, 'b/10.JPG'), label: 'b' },
        { file: join(root, 'b/2.png'), label: 'b' },
      ]);
      const { labels, items } = await readImageFolder(root);
      expect(labels).to.deep.equal(['a', 'b']);
      expect(items.map(({ label }) => label)).to.deep.equal([0, 1, 1]);
    });

    it('reads the folder anew each time, and is asked file by file as a stream', async () => {
      await put('live/a/0.png', dot);
      const source = imageFolder(join(folder(), 'live'));
      expect(await all(source)).to.have.length(1);
      await put('live/a/1.png', dot);
      const stream = fromIterable(source);
      const names = stream.pipe(
        map(({ file, label }) => `${label}/${file.split('/').at(-1)}`),
        toArray(),
      );
      expect(await lastValueFrom(names)).to.deep.equal(['a/0.png', 'a/1.png']);
      expect((await lastValueFrom(stream.pipe(take(1)))).label).to.equal('a');
    });

    it('names a folder that is missing, without classes, or a class that has no image', async () => {
      await put('hole/full/0.png', dot);
      await mkdir(join(folder(), 'hole/void'));
      await mkdir(join(folder(), 'flat'));
      const error = await readImageFolder(join(folder(), 'gone')).catch((reason: unknown) => reason);
      expect(error).to.be.instanceOf(ImageError);
      expect(await failure(imageFolder(join(folder(), 'gone')))).to.match(/gone: cannot be read: ENOENT/);
      expect(await failure(imageFolder(join(folder(), 'flat')))).to.match(/flat: holds no folders; expected one of/);
      expect(await failure(imageFolder(join(folder(), 'hole')))).to.match(
        /hole\/void: holds no images; expected files that end in \.png, \.jpg/,
      );
    });
  });

  describe('on real files', () => {
    const cifar = join(shared, 'data/images/cifar10-4k/data.bin');
    needs(cifar);
    it("reads CIFAR-10's first images, about as many of each class", async () => {
      const counts = new Map<number, number>();
      for await (const { label } of cifarImages(cifar)) counts.set(label, (counts.get(label) ?? 0) + 1);
      expect([...counts.values()].reduce((a, b) => a + b)).to.equal(4000);
      expect([...counts.keys()].sort()).to.deep.equal([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
      for (const count of counts.values()) expect(count).to.be.within(350, 450);
    });

    it('gives images that decode to the same pixels when they are stored', async () => {
      for await (const { image } of cifarImages(cifar)) {
        const file = png(image.width, image.height, 8, 2, image.data);
        expect((await decodeImage(file, { channels: 3 })).data).to.deep.equal(image.data);
        break;
      }
    });
  });
});
