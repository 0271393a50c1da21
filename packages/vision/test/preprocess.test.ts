import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import {
  decodeImage,
  type Image,
  type ImageConfig,
  parseImageConfig,
  preprocess,
  readIdxImages,
} from '@rivulet/vision';
import { expect } from 'chai';
import fc from 'fast-check';

const root = resolve(import.meta.dirname, '../../..');
const mnist = resolve(root, '../shared/data/images/mnist');
const samples = join(root, 'examples/images');
const config: ImageConfig = { size: [28, 28], channels: 1, mean: [0], std: [1], layout: 'mnist' };

/** A filled rectangle of `ink` on `paper`. */
function page(
  width: number,
  height: number,
  box: readonly [number, number, number, number],
  [paper, ink]: readonly [number, number],
): Image {
  const data = new Uint8Array(width * height).fill(paper);
  const [left, top, w, h] = box;
  for (let y = top; y < top + h; y++) data.fill(ink, y * width + left, y * width + left + w);
  return { width, height, channels: 1, data };
}

/** Where the ink is (above a tenth of full), and its centre of mass in pixels. */
function measure(values: Float32Array): {
  left: number;
  right: number;
  top: number;
  bottom: number;
  x: number;
  y: number;
} {
  const ink = [...values].flatMap((value, i) => (value > 0.1 ? [{ value, x: i % 28, y: Math.floor(i / 28) }] : []));
  const [xs, ys] = [ink.map(({ x }) => x), ink.map(({ y }) => y)];
  const mass = ink.reduce((sum, { value }) => sum + value, 0);
  return {
    left: Math.min(...xs),
    right: Math.max(...xs),
    top: Math.min(...ys),
    bottom: Math.max(...ys),
    x: ink.reduce((sum, { value, x }) => sum + value * (x + 0.5), 0) / mass,
    y: ink.reduce((sum, { value, y }) => sum + value * (y + 0.5), 0) / mass,
  };
}

describe("preprocess with the layout 'center'", () => {
  const center = (size: readonly [number, number], channels: 1 | 3): ImageConfig => {
    const each = Array<number>(channels).fill(0.5);
    return { size, channels, mean: each, std: each, layout: 'center' };
  };

  it('normalizes and puts channels first', () => {
    const image: Image = { width: 2, height: 1, channels: 3, data: Uint8Array.of(255, 0, 51, 0, 255, 102) };
    const values = preprocess(image, center([1, 2], 3));
    [1, -1, -1, 1, -0.6, -0.2].forEach((wanted, i) => {
      expect(values[i]).to.be.closeTo(wanted, 1e-6);
    });
  });

  it('cuts out the middle of a wide or a high image', () => {
    for (const [width, height] of [
      [12, 4],
      [4, 12],
    ] as const) {
      const wide = width > height;
      const image = page(width, height, wide ? [4, 0, 4, 4] : [0, 4, 4, 4], [0, 255]);
      expect([...preprocess(image, center([4, 4], 1))]).to.deep.equal(Array(16).fill(1));
    }
  });

  it('keeps an even colour at any size', async () => {
    const side = fc.integer({ min: 1, max: 50 });
    await fc.assert(
      fc.asyncProperty(
        side,
        side,
        fc.nat(255),
        fc.constantFrom(1 as const, 3 as const),
        async (width, height, value, channels) => {
          const data = new Uint8Array(width * height * channels).fill(value);
          const values = preprocess({ width, height, channels, data }, center([8, 6], channels));
          expect(values).to.have.length(48 * channels);
          expect(values.every((v) => Math.abs(v - (value / 255 - 0.5) / 0.5) < 1e-6)).to.equal(true);
        },
      ),
      { numRuns: 40 },
    );
  });
});

describe("preprocess with the layout 'mnist'", () => {
  it('leaves an image alone that has the size and a dark border', () => {
    const image = page(28, 28, [3, 2, 9, 14], [0, 200]);
    const values = preprocess(image, config);
    expect([...values]).to.deep.equal([...image.data].map((v) => Math.fround(v / 255)));
  });

  it('fits the ink into 20 × 20 around its centre of mass, wherever it is, on any ground', () => {
    const grounds = [
      [255, 0],
      [0, 255],
      [200, 40],
      [60, 230],
      [240, 110],
    ] as const;
    const boxes = [
      [10, 12, 30, 60],
      [100, 5, 40, 20],
      [3, 90, 25, 25],
    ] as const;
    for (const ground of grounds)
      for (const box of boxes) {
        const { left, right, top, bottom, x, y } = measure(preprocess(page(150, 120, box, ground), config));
        const sides = [right - left + 1, bottom - top + 1] as const;
        expect(Math.max(...sides)).to.equal(20);
        expect(Math.min(...sides)).to.be.closeTo((20 * Math.min(box[2], box[3])) / Math.max(box[2], box[3]), 1);
        for (const centre of [x, y]) expect(centre).to.be.closeTo(14, 0.51);
      }
  });

  it('makes the same of dark on light and light on dark', () => {
    const box = [20, 30, 35, 50] as const;
    const dark = preprocess(page(100, 100, box, [255, 0]), config);
    expect(preprocess(page(100, 100, box, [0, 255]), config)).to.deep.equal(dark);
  });

  it('makes black of a blank page and of a single pixel', () => {
    for (const value of [0, 128, 255])
      for (const side of [1, 60]) {
        const values = preprocess(page(side, side, [0, 0, side, side], [value, value]), config);
        expect(values.every((v) => v === 0)).to.equal(true);
      }
  });

  it('gives finite numbers from 0 to 1 for any pixels, the same every time, and leaves the image as it was', async () => {
    const side = fc.integer({ min: 1, max: 30 });
    await fc.assert(
      fc.asyncProperty(side, side, fc.infiniteStream(fc.nat(255)), async (width, height, noise) => {
        const data = Uint8Array.from({ length: width * height }, () => noise.next().value as number);
        const image: Image = { width, height, channels: 1, data: data.slice() };
        const values = preprocess(image, config);
        expect(values).to.have.length(784);
        expect(values.every((v) => v >= 0 && v <= 1)).to.equal(true);
        expect(preprocess(image, config)).to.deep.equal(values);
        expect(image.data).to.deep.equal(data);
      }),
      { numRuns: 40 },
    );
  });

  it("leaves MNIST's images alone", async function () {
    if (!existsSync(mnist)) {
      process.stderr.write(`    skipped: there is no ${mnist}\n`);
      return this.skip();
    }
    const { pixels } = await readIdxImages(join(mnist, 't10k-images-idx3-ubyte.gz'));
    for (const index of [0, 1, 2, 3, 99, 5000]) {
      const data = pixels.slice(index * 784, (index + 1) * 784);
      const values = preprocess({ width: 28, height: 28, channels: 1, data }, config);
      expect([...values]).to.deep.equal([...data].map((v) => Math.fround(v / 255)));
    }
  });

  it('fits every sample image: a black border, ink in the middle', async () => {
    const files = (await readdir(samples)).filter((file) => !file.endsWith('.md'));
    expect(files.length).to.be.at.least(6);
    for (const file of files) {
      const values = preprocess(await decodeImage(join(samples, file), { channels: 1 }), config);
      const { left, right, top, bottom } = measure(values);
      expect(Math.max(right - left, bottom - top), file).to.be.within(16, 27);
      const corners = [0, 27, 27 * 28, 783].map((i) => values[i]!);
      expect(Math.max(...corners), file).to.be.lessThan(0.05);
    }
  });
});

describe('parseImageConfig', () => {
  it('takes a whole block', () => {
    expect(parseImageConfig(JSON.parse(JSON.stringify(config)))).to.deep.equal(config);
  });

  it('names the field that is wrong', () => {
    const cases: [object | null, RegExp][] = [
      [null, /image\.size must be \[height, width\]/],
      [{ ...config, size: [28] }, /image\.size/],
      [{ ...config, std: [0] }, /image\.std must be one number above 0 per channel/],
      [{ ...config, layout: 'shorter-side', resize: 27 }, /image\.resize must be a whole number from 28, got 27/],
      [{ ...config, interpolation: 'cubic' }, /image\.interpolation must be .nearest., .*, got "cubic"/],
      [{ ...config, channels: 2 }, /image\.channels must be 1 or 3, got 2/],
      [{ ...config, mean: [0, 0] }, /image\.mean must be one number per channel/],
      [{ ...config, std: ['1'] }, /image\.std/],
      [{ ...config, layout: 'fit' }, /image\.layout must be 'center', 'shorter-side', 'squash' or 'mnist', got "fit"/],
    ];
    for (const [json, expected] of cases) expect(() => parseImageConfig(json)).to.throw(TypeError, expected);
  });
});
