import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { decodeImage, fitImage, type Image, type Interpolation, resizeImage } from '@rivulet/vision';
import { expect } from 'chai';
import fc from 'fast-check';
import { needs, shared } from '../../../test/support/repository.ts';
import { compiledModule } from '../../../tools/wasm/text.ts';
import { RESAMPLE_WASM } from '../src/image/resample-wasm.ts';

interface Case {
  readonly source: readonly [number, number, 1 | 3];
  readonly interpolation: Interpolation;
  readonly size: readonly [number, number];
  readonly box: readonly [number, number, number, number] | null;
  readonly data: string;
}

const fixture = JSON.parse(readFileSync(join(import.meta.dirname, 'fixtures/pillow-resize.json'), 'utf8'));

/** The image of tools/reference/pillow_resize.py. */
function noise(width: number, height: number, channels: 1 | 3): Image {
  const data = Uint8Array.from({ length: width * height * channels }, (_, i) =>
    Number(((BigInt(i) * 2654435761n + BigInt(Math.floor(i / 7)) * 40503n) >> 9n) & 255n),
  );
  return { width, height, channels, data };
}

/** The largest difference of two images. */
const distance = (a: Uint8Array, b: Uint8Array): number => {
  expect(a).to.have.length(b.length);
  return a.reduce((most, value, i) => Math.max(most, Math.abs(value - b[i]!)), 0);
};

describe('resizeImage', () => {
  for (const { source, interpolation, size, box, data } of fixture.cases as Case[]) {
    const part = box ? `, ${box.join(' ')}` : '';
    it(`gives Pillow's bytes: ${interpolation}, ${source.join('×')}${part} → ${size.join('×')}`, () => {
      const [left, top, right, bottom] = box ?? [0, 0, source[0], source[1]];
      const result = resizeImage(noise(...source), {
        width: size[0],
        height: size[1],
        interpolation,
        box: { left, top, width: right - left, height: bottom - top },
      });
      expect([result.width, result.height, result.channels]).to.deep.equal([...size, source[2]]);
      expect([...result.data]).to.deep.equal([...Buffer.from(data, 'base64')]);
    });
  }

  it('keeps an even colour at any size, by any filter', () => {
    const side = fc.integer({ min: 1, max: 40 });
    const kinds = fc.constantFrom<Interpolation>('nearest', 'box', 'bilinear', 'hamming', 'bicubic', 'lanczos');
    const channels = fc.constantFrom<1 | 3>(1, 3);
    fc.assert(
      fc.property(side, side, side, side, fc.nat(255), kinds, channels, (w, h, width, height, value, kind, count) => {
        const data = new Uint8Array(w * h * count).fill(value);
        const image = resizeImage(
          { width: w, height: h, channels: count, data },
          { width, height, interpolation: kind },
        );
        expect(image.data.every((v) => v === value)).to.equal(true);
        expect(image.data).to.have.length(width * height * count);
      }),
      { numRuns: 60 },
    );
  });

  it('bears one pixel, one row and one column of ten thousand', () => {
    for (const [w, h] of [[1, 1], [1, 10000], [10000, 1]] as const) // biome-ignore format: a table
      for (const interpolation of ['nearest', 'bicubic'] as const)
        expect(resizeImage(noise(w, h, 3), { width: 24, height: 24, interpolation }).data).to.have.length(24 * 24 * 3);
  });

  it('says what does not fit', () => {
    const image = noise(4, 3, 3);
    const box = (left: number, top: number, width: number, height: number) => ({ left, top, width, height });
    expect(() => resizeImage(image, { width: 0, height: 2 })).to.throw(
      RangeError,
      'width must be a whole number from 1',
    );
    expect(() => resizeImage(image, { width: 2, height: 1.5 })).to.throw(RangeError, 'height must be a whole number');
    for (const wrong of [box(-1, 0, 2, 2), box(0, 0, 5, 2), box(0, 2, 2, 2), box(0, 0, 0, 2)])
      expect(() => resizeImage(image, { width: 2, height: 2, box: wrong })).to.throw(RangeError, /is not within 4 × 3/);
    expect(() => resizeImage(image, { width: 2, height: 2, interpolation: 'cubic' as Interpolation })).to.throw(
      RangeError,
      "there is no interpolation 'cubic'; there are: nearest, box",
    );
  });

  it('runs what resample.wat says', async () => {
    expect(await compiledModule('packages/vision/src/image/resample')).to.equal(RESAMPLE_WASM);
  });
});

describe('photographs', () => {
  const folder = join(shared, 'data/images/photos');
  needs(folder);

  for (const { file, interpolation, size, rows, data } of fixture.photos)
    it(`${file}, decoded and resized, ${rows ? 'cropped as torchvision does' : interpolation}: within 1 of Pillow`, async () => {
      const image = await decodeImage(join(folder, file), { channels: 3 });
      const expected = Buffer.from(data, 'base64');
      if (!rows) {
        const result = resizeImage(image, { width: size[0], height: size[1], interpolation });
        expect(distance(result.data, expected)).to.be.at.most(1);
        return;
      }
      const each = [0, 0, 0];
      const config = {
        size: [24, 24],
        channels: 3,
        mean: each,
        std: each,
        layout: 'shorter-side',
        resize: 32,
      } as const;
      const fitted = fitImage(image, config);
      const third = Uint8Array.from(fitted).filter((_, i) => Math.floor(i / 72) % rows === 0);
      expect(distance(third, expected)).to.be.at.most(1);
    });
});
