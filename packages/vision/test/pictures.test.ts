import {
  Canvas,
  confusionPicture,
  encodePNG,
  heatOverlay,
  type Image,
  segmentationOverlay,
  sheet,
} from '@rivulet/vision';
import { expect } from 'chai';
import sharp from 'sharp';
import { classColour } from '../src/pictures/colours.ts';
import { glyph } from '../src/pictures/font.ts';

const flat = (width: number, height: number, value = 200): Image => ({
  ...{ width, height, channels: 3 },
  data: new Uint8Array(width * height * 3).fill(value),
});
const at = ({ data, width }: Image, x: number, y: number): number[] => [
  ...data.slice((y * width + x) * 3, (y * width + x) * 3 + 3),
];

describe('pictures', () => {
  it('have a letter for all of ASCII, each another one, and a box for the rest', () => {
    const all = Array.from({ length: 95 }, (_, i) => glyph(String.fromCharCode(32 + i)).join());
    expect(new Set(all).size).to.equal(95);
    for (const rows of all)
      expect(
        rows
          .split(',')
          .map(Number)
          .every((row) => row >= 0 && row < 32),
      ).to.equal(true);
    expect(glyph('é')).to.deep.equal(glyph('e'));
    expect(glyph('中')).to.deep.equal([31, 17, 17, 17, 17, 17, 31]);
  });

  it('draw within their edges', () => {
    const canvas = new Canvas(8, 6);
    canvas.text('WWW', 3, -4);
    canvas.rectangle(-2, -2, 4, 4, [1, 2, 3]);
    canvas.image(flat(5, 5, 9), 6, 4);
    expect(at(canvas, 1, 1)).to.deep.equal([1, 2, 3]);
    expect(at(canvas, 7, 5)).to.deep.equal([9, 9, 9]);
  });

  it('become PNG files', async () => {
    const { width, height, format } = await sharp(await encodePNG(flat(7, 5))).metadata();
    expect({ width, height, format }).to.deep.equal({ width: 7, height: 5, format: 'png' });
  });

  it('heat: hot places red, cold ones blue, enlarged', () => {
    const { width, height, ...canvas } = heatOverlay(flat(20, 20, 128), {
      width: 2,
      height: 1,
      data: Float32Array.of(0, 1),
    });
    expect([width, height]).to.deep.equal([20, 20]);
    const [cold, hot] = [at({ ...canvas, width, height }, 0, 10), at({ ...canvas, width, height }, 19, 10)];
    expect(cold[2]).to.be.above(cold[0]!);
    expect(hot[0]).to.be.above(hot[2]!);
  });

  it('segmentation: the colours of the classes, and a legend of those that occur', () => {
    const data = new Uint8Array(100).fill(1, 0, 30);
    const canvas = segmentationOverlay(flat(10, 10, 0), { width: 10, height: 10, data }, ['ground', 'cell', 'none'], 1);
    expect(at(canvas, 0, 0)).to.deep.equal([...classColour(1)]);
    expect(at(canvas, 0, 9)).to.deep.equal([...classColour(0)]);
    expect(canvas.height).to.equal(10 + 2 * 14 + 6);
    const narrow = { width: 9, height: 10, data };
    expect(() => segmentationOverlay(flat(10, 10), narrow, [])).to.throw(
      RangeError,
      'classes of 9 × 10 pixels for an image of 10 × 10',
    );
  });

  it('confusion: cells as dark as their share of the row, also for hundreds of classes', () => {
    const canvas = confusionPicture([[9, 1], [0, 4]], ['cat', 'dog']); // biome-ignore format: a matrix
    const colours = new Set(
      Array.from({ length: canvas.width * canvas.height }, (_, i) =>
        at(canvas, i % canvas.width, Math.floor(i / canvas.width)).join(),
      ),
    );
    for (const dark of ['8,64,129', '31,82,141']) expect(colours).to.include(dark); // all, and nine tenths
    const many = Array.from({ length: 300 }, () => new Array<number>(300).fill(1));
    expect(
      confusionPicture(
        many,
        many.map((_, i) => `class ${i}`),
      ).width,
    ).to.be.below(2000);
    expect(() => confusionPicture([[1]], ['a', 'b'])).to.throw(RangeError, '2 labels for a matrix of 1 × 1');
  });

  it('sheet: a place for each image, none for none', () => {
    const items = Array.from({ length: 5 }, () => ({ image: flat(30, 10), lines: [{ text: 'a long line of text' }] }));
    const { width, height } = sheet(items, { side: 40 });
    expect([width, height]).to.deep.equal([3 * 48 + 4, 15 + 2 * (48 + 10) + 2]);
    expect(sheet([], { title: '0 of 99 pictures are wrong' }).width).to.equal(26 * 6 + 8);
  });
});
