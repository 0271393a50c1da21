import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { deflateSync } from 'node:zlib';
import { decodeImage, ImageError, type ImageSource } from '@rivulet/vision';
import { expect } from 'chai';
import fc from 'fast-check';
import sharp from 'sharp';
import { bitmap } from './support/bitmap.ts';
import { png, pngFile } from './support/png.ts';

const raw = { width: 3, height: 2, channels: 3 } as const;
const colours = Uint8Array.of(255, 0, 0, 0, 255, 0, 0, 0, 255, 255, 255, 255, 0, 0, 0, 200, 100, 50);
const source = (): ReturnType<typeof sharp> => sharp(colours, { raw });

async function failure(input: ImageSource, maxPixels?: number): Promise<ImageError> {
  const options = { channels: 3, ...(maxPixels === undefined ? {} : { maxPixels }) } as const;
  try {
    await decodeImage(input, options);
  } catch (error) {
    expect(error).to.be.instanceOf(ImageError);
    return error as ImageError;
  }
  throw new Error('decodeImage did not throw');
}

/** The same values in 16 bits. */
const doubled = (values: Uint8Array): Uint8Array => Uint8Array.from([...values].flatMap((value) => [value, value]));

describe('decodeImage', () => {
  it('gives the exact pixels of lossless formats', async () => {
    for (const bytes of [await source().png().toBuffer(), await source().webp({ lossless: true }).toBuffer()]) {
      const { width, height, channels, data } = await decodeImage(bytes, { channels: 3 });
      expect([width, height, channels]).to.deep.equal([3, 2, 3]);
      expect([...data]).to.deep.equal([...colours]);
    }
  });

  it('reads JPEG', async () => {
    const flat = sharp({ create: { width: 16, height: 8, channels: 3, background: '#c86432' } });
    const { width, height, data } = await decodeImage(await flat.jpeg({ quality: 95 }).toBuffer(), { channels: 3 });
    expect([width, height]).to.deep.equal([16, 8]);
    for (const [c, wanted] of [200, 100, 50].entries()) expect(data[c]).to.be.closeTo(wanted, 3);
  });

  it('makes grey by the weights of ITU-R 601', async () => {
    const { channels, data } = await decodeImage(await source().png().toBuffer(), { channels: 1 });
    expect(channels).to.equal(1);
    expect([...data]).to.deep.equal([76, 150, 29, 255, 0, 124]);
  });

  it('keeps grey pixels as they are, from grey and from coloured files', async () => {
    const ramp = Uint8Array.from({ length: 256 }, (_, i) => i);
    const grey = sharp(ramp, { raw: { width: 16, height: 16, channels: 1 } }).toColourspace('b-w');
    for (const bytes of [
      await grey.clone().png().toBuffer(),
      await grey.clone().toColourspace('srgb').png().toBuffer(),
    ]) {
      expect([...(await decodeImage(bytes, { channels: 1 })).data]).to.deep.equal([...ramp]);
      const rgb = (await decodeImage(bytes, { channels: 3 })).data;
      expect([...rgb]).to.deep.equal([...ramp].flatMap((v) => [v, v, v]));
    }
  });

  it('shows white through what is transparent', async () => {
    const rgba = Uint8Array.of(10, 20, 30, 0, 10, 20, 30, 255);
    const bytes = await sharp(rgba, { raw: { width: 2, height: 1, channels: 4 } })
      .png()
      .toBuffer();
    expect([...(await decodeImage(bytes, { channels: 3 })).data]).to.deep.equal([255, 255, 255, 10, 20, 30]);
  });

  it('applies the EXIF orientation', async () => {
    const bytes = await source().withMetadata({ orientation: 6 }).png().toBuffer();
    const { width, height, data } = await decodeImage(bytes, { channels: 3 });
    expect([width, height]).to.deep.equal([2, 3]);
    expect([...data.subarray(3, 6)]).to.deep.equal([255, 0, 0]); // the red corner moved from top left to top right
  });

  it('applies all eight EXIF orientations', async () => {
    const corner = async (orientation: number): Promise<string> => {
      const bytes = await source().withMetadata({ orientation }).png().toBuffer();
      const { width, height, data } = await decodeImage(bytes, { channels: 3 });
      const red = Array.from({ length: 6 }, (_, i) => data.slice(3 * i, 3 * i + 3).join()).indexOf('255,0,0');
      return `${width}×${height} ${red % width},${Math.floor(red / width)}`;
    };
    const places = await Promise.all([1, 2, 3, 4, 5, 6, 7, 8].map(corner));
    const upright = ['3×2 0,0', '3×2 2,0', '3×2 2,1', '3×2 0,1'];
    expect(places).to.deep.equal([...upright, '2×3 0,0', '2×3 1,0', '2×3 1,2', '2×3 0,2']);
  });

  it('reads palettes, 16 bits, GIF and TIFF', async () => {
    const deep = png(3, 2, 16, 2, doubled(colours));
    const files = {
      palette: await source().png({ palette: true }).toBuffer(),
      gif: await source().gif().toBuffer(),
      tiff: await source().tiff({ compression: 'lzw' }).toBuffer(),
      'png of 16 bits': deep,
      'tiff of 16 bits': await sharp(deep).toColourspace('rgb16').tiff({ compression: 'lzw' }).toBuffer(),
    };
    expect((await sharp(files['png of 16 bits']).metadata()).depth).to.equal('ushort');
    for (const [name, bytes] of Object.entries(files)) {
      const { width, height, data } = await decodeImage(bytes, { channels: 3 });
      expect([width, height], name).to.deep.equal([3, 2]);
      expect([...data], name).to.deep.equal([...colours]);
    }
    const bytes = png(2, 1, 16, 0, doubled(Uint8Array.of(0, 100)));
    expect([...(await decodeImage(bytes, { channels: 1 })).data]).to.deep.equal([0, 100]);
    expect([...(await decodeImage(bytes, { channels: 3 })).data]).to.deep.equal([0, 0, 0, 100, 100, 100]);
  });

  it('makes RGB of CMYK', async () => {
    const flat = sharp({ create: { width: 16, height: 16, channels: 3, background: '#20a040' } });
    const bytes = await flat.toColourspace('cmyk').jpeg({ quality: 95 }).toBuffer();
    expect((await sharp(bytes).metadata()).space).to.equal('cmyk');
    const { channels, data } = await decodeImage(bytes, { channels: 3 });
    expect(channels).to.equal(3);
    expect(data).to.have.length(16 * 16 * 3);
    for (const [c, wanted] of [32, 160, 64].entries()) expect(data[c]).to.be.closeTo(wanted, 40); // inks are not lights
    expect((await decodeImage(bytes, { channels: 1 })).data).to.have.length(256);
  });

  it('reads grey with alpha, and the first frame of several', async () => {
    const pixels = Uint8Array.of(50, 255, 50, 0);
    const bytes = await sharp(pixels, { raw: { width: 2, height: 1, channels: 2 } })
      .png()
      .toBuffer();
    expect([...(await decodeImage(bytes, { channels: 1 })).data]).to.deep.equal([50, 255]);
    const frames = await sharp([await source().png().toBuffer(), await source().negate().png().toBuffer()], {
      join: { animated: true },
    })
      .gif()
      .toBuffer();
    expect((await sharp(frames).metadata()).pages).to.equal(2);
    const { height, data } = await decodeImage(frames, { channels: 3 });
    expect(height).to.equal(2);
    expect([...data]).to.deep.equal([...colours]);
  });

  it('reads addresses: data and file, and says what is wrong with others', async () => {
    const png = await source().png().toBuffer();
    const { data } = await decodeImage(`data:image/png;base64,${png.toString('base64')}`, { channels: 3 });
    expect([...data]).to.deep.equal([...colours]);
    const served: RequestListener = (request, response) => {
      if (request.url !== '/a.png') response.statusCode = 404;
      response.end(request.url === '/a.png' ? png : 'nothing');
    };
    const server = createServer(served).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    try {
      expect([...(await decodeImage(new URL(`${base}/a.png`), { channels: 3 })).data]).to.deep.equal([...colours]);
      const missing = await failure(`${base}/b.png`);
      expect(missing.message).to.equal(`${base}/b.png: cannot be read: the server answers 404 Not Found`);
    } finally {
      server.close();
      server.closeAllConnections();
    }
    expect((await failure(`${base}/a.png`)).message).to.match(/a\.png: cannot be read: .*ECONNREFUSED/);
    expect((await failure(new URL('file:///no/such.png'))).message).to.match(/such\.png: cannot be read: ENOENT/);
  });

  it('gives the same pixels every time', async () => {
    const bytes = await source().resize(50, 40).jpeg().toBuffer();
    const [first, second] = [await decodeImage(bytes, { channels: 3 }), await decodeImage(bytes, { channels: 3 })];
    expect(first).to.deep.equal(second);
  });
});

describe('decodeImage of a BMP', () => {
  it('gives the pixels that were written, at every depth, size and direction', async () => {
    const bits = fc.constantFrom(1, 4, 8, 24, 32);
    const side = fc.integer({ min: 1, max: 19 });
    await fc.assert(
      fc.asyncProperty(
        bits,
        side,
        side,
        fc.boolean(),
        fc.infiniteStream(fc.nat(255)),
        async (depth, width, height, topDown, values) => {
          const levels = depth <= 8 ? 2 ** depth - 1 : 255;
          const pixels = Uint8Array.from({ length: width * height }, () => {
            const level = Math.round(((values.next().value as number) / 255) * levels);
            return Math.round((level * 255) / levels);
          });
          const image = await decodeImage(bitmap({ depth, width, height, topDown, pixels }), { channels: 3 });
          expect([image.width, image.height]).to.deep.equal([width, height]);
          expect([...image.data]).to.deep.equal([...pixels].flatMap((v) => [v, v, v]));
        },
      ),
      { numRuns: 60 },
    );
  });

  it('keeps red, green and blue apart', async () => {
    for (const depth of [24, 32]) {
      const bytes = bitmap({ depth, width: 1, height: 1, pixels: Uint8Array.of(0) });
      bytes.set([50, 100, 200], bytes.length - 4); // blue, green, red; both depths end in one byte that is not read
      expect([...(await decodeImage(bytes, { channels: 3 })).data]).to.deep.equal([200, 100, 50]);
    }
  });

  it('reads 16 bits: five for each colour', async () => {
    const bytes = bitmap({ depth: 16, width: 2, height: 1, pixels: new Uint8Array(2) });
    new DataView(bytes.buffer).setUint16(54, 0b0_11111_00000_00000, true);
    new DataView(bytes.buffer).setUint16(56, 0b0_00000_10000_11111, true);
    expect([...(await decodeImage(bytes, { channels: 3 })).data]).to.deep.equal([255, 0, 0, 0, 132, 255]);
  });

  it('says what is wrong', async () => {
    const whole = bitmap({ depth: 8, width: 5, height: 4, pixels: new Uint8Array(20) });
    const changed = (at: number, value: number): Uint8Array => {
      const copy = whole.slice();
      new DataView(copy.buffer).setUint32(at, value, true);
      return copy;
    };
    const cases: [Uint8Array, RegExp][] = [
      [whole.subarray(0, -1), /its pixels are cut short/],
      [whole.subarray(0, 12), /fewer than a BMP header/],
      [whole.subarray(0, 40), /fewer than a BMP header/],
      [changed(30, 1), /compression \(1\) is not supported/],
      [changed(28, 7), /7 bits per pixel are not supported/],
      [changed(18, 0), /0 × 4 pixels/],
      [changed(18, 0x7fffffff), /pixels, more than/],
    ];
    for (const [bytes, expected] of cases) expect((await failure(bytes)).message).to.match(expected);
  });

  it('fails only with an ImageError, whatever the bytes', async () => {
    const whole = bitmap({ depth: 4, width: 3, height: 3, pixels: new Uint8Array(9) });
    await fc.assert(
      fc.asyncProperty(fc.nat(whole.length - 3), fc.nat(255), fc.nat(whole.length), async (at, value, length) => {
        const bytes = whole.slice(0, Math.max(3, length));
        bytes[2 + at] = value;
        await decodeImage(bytes, { channels: 1 }).catch((error: unknown) => expect(error).to.be.instanceOf(ImageError));
      }),
      { numRuns: 200 },
    );
  });
});

describe('ImageError', () => {
  let folder = '';
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'rivulet-image-'));
  });
  after(() => rm(folder, { recursive: true }));

  it('names the file and the reason, in one line', async () => {
    const red = sharp({ create: { width: 64, height: 64, channels: 3, background: 'red' } });
    const formats = ['png', 'jpeg', 'webp', 'gif', 'tiff'] as const;
    const files = await Promise.all(formats.map((format) => red.clone().toFormat(format).toBuffer()));
    const [png, jpeg, webp, gif, tiff] = files as [Buffer, Buffer, Buffer, Buffer, Buffer];
    const cases: [string, Uint8Array | null, RegExp][] = [
      ['zero.png', new Uint8Array(0), /is empty/],
      [
        'text.png',
        Buffer.from('no image at all'),
        /is no image that can be read: it is no PNG, JPEG, WebP, GIF, TIFF or BMP$/,
      ],
      [
        'cut.png',
        png.subarray(0, png.length - 40),
        /is no image that can be read: its PNG data is damaged or cut short$/,
      ],
      ['cut.jpg', jpeg.subarray(0, jpeg.length / 2), /its JPEG data is damaged or cut short$/],
      ['corrupt.webp', webp.fill(0x5a, 40), /its WebP data is damaged or cut short$/],
      ['cut.gif', gif.subarray(0, 20), /its GIF data is damaged or cut short$/],
      ['cut.tiff', tiff.subarray(0, 40), /its TIFF data is damaged or cut short$/],
      ['missing.png', null, /cannot be read: ENOENT/],
      ['.', null, /cannot be read: EISDIR/],
    ];
    for (const [name, bytes, expected] of cases) {
      const path = join(folder, name);
      if (bytes) await writeFile(path, bytes);
      const error = await failure(path);
      expect(error.file).to.equal(path);
      expect(error.message.startsWith(`${path}: `)).to.equal(true);
      expect(error.message).to.match(expected);
      expect(error.message).to.not.contain('\n');
    }
  });

  it('refuses a decompression bomb before it is decoded', async () => {
    const bomb = pngFile(60000, 60000, 8, 2, deflateSync(new Uint8Array(1e6))); // 10 GB of pixels, were they there
    const begin = process.memoryUsage().rss;
    expect((await failure(bomb)).message).to.match(/it has more than 100000000 pixels$/);
    expect(process.memoryUsage().rss - begin).to.be.below(200e6);
  });

  it('reads images of one pixel and of one column of ten thousand', async () => {
    for (const [width, height] of [
      [1, 1],
      [1, 10000],
      [10000, 1],
    ] as const) {
      // biome-ignore format: a table
      const bytes = await sharp({ create: { width, height, channels: 3, background: '#0a0b0c' } })
        .png()
        .toBuffer();
      const { data, ...size } = await decodeImage(bytes, { channels: 3 });
      expect(size).to.deep.equal({ width, height, channels: 3 });
      expect([...data.subarray(-3)]).to.deep.equal([10, 11, 12]);
    }
  });

  it('does not care for the name of a file', async () => {
    const path = join(folder, 'really-a.jpg');
    await writeFile(path, await source().png().toBuffer());
    expect([...(await decodeImage(path, { channels: 3 })).data]).to.deep.equal([...colours]);
  });

  it('refuses images of too many pixels', async () => {
    const png = await source().png().toBuffer();
    expect((await failure(png, 5)).message).to.match(/it has more than 5 pixels$/);
    expect((await failure(bitmap({ depth: 24, width: 3, height: 2, pixels: new Uint8Array(6) }), 5)).message).to.match(
      /more than 5/,
    );
  });
});
