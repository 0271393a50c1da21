/**
 * Writes examples/images: digits to try the MNIST model on. Some are drawn here, as strokes, so that no font is needed and every
 * run gives the same pixels; four are images of MNIST's test set. From the repository's root:
 *
 *     node tools/source.mjs tools/sample-images.ts [MNIST-FOLDER]
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';
import { readIdxImages, readIdxLabels } from '../packages/vision/src/data/idx.ts';

// sharp belongs to the vision package; npm need not hoist it.
const sharp = createRequire(new URL('../packages/vision/package.json', import.meta.url))(
  'sharp',
) as typeof import('sharp')['default'];
type Sharp = ReturnType<typeof sharp>;

const root = resolve(import.meta.dirname, '..');
const output = join(root, 'examples/images');

/** Pen strokes in a square of 100, as SVG paths. */
const strokes = {
  2: 'M28 34 C28 12 72 10 72 34 C72 52 40 64 28 84 L74 84',
  3: 'M30 22 C50 8 74 20 66 38 C62 47 50 48 44 48 C66 46 78 62 68 78 C58 92 34 88 28 76',
  4: 'M60 86 L60 14 L26 62 L78 62',
  5: 'M70 16 L36 16 L33 46 C52 36 76 46 72 66 C68 90 38 90 28 76',
  7: 'M27 18 L73 18 C60 40 50 60 46 86',
  8: 'M50 48 C28 42 30 14 50 14 C70 14 72 42 50 48 C24 54 26 88 50 88 C74 88 76 54 50 48',
} as const;

interface Drawing {
  readonly file: string;
  readonly digit: keyof typeof strokes;
  readonly width: number;
  readonly height: number;
  /** Share of the shorter side that the digit's square takes. */
  readonly size: number;
  /** Where the square's middle is, as shares of width and height. */
  readonly at: readonly [number, number];
  readonly pen: number;
  readonly ink: string;
  readonly paper: string;
}

const centre = [0.5, 0.5] as const;
const drawings: readonly Drawing[] = [
  {
    file: 'drawn-2-dark-on-light.png',
    digit: 2,
    width: 200,
    height: 200,
    size: 0.9,
    at: centre,
    pen: 10,
    ink: '#000',
    paper: '#fff',
  },
  {
    file: 'drawn-3-light-on-dark.png',
    digit: 3,
    width: 64,
    height: 64,
    size: 0.9,
    at: centre,
    pen: 11,
    ink: '#fff',
    paper: '#000',
  },
  {
    file: 'drawn-4-blue-pen.jpg',
    digit: 4,
    width: 480,
    height: 320,
    size: 0.6,
    at: [0.3, 0.45],
    pen: 9,
    ink: '#1d3f9e',
    paper: '#f4f1e6',
  },
  {
    file: 'drawn-5-small.bmp',
    digit: 5,
    width: 48,
    height: 60,
    size: 0.8,
    at: centre,
    pen: 11,
    ink: '#000',
    paper: '#fff',
  },
  {
    file: 'drawn-7-chalk.webp',
    digit: 7,
    width: 300,
    height: 400,
    size: 0.7,
    at: [0.6, 0.6],
    pen: 10,
    ink: '#e8efe6',
    paper: '#1f4a3a',
  },
  {
    file: 'drawn-8-transparent.png',
    digit: 8,
    width: 128,
    height: 128,
    size: 0.9,
    at: centre,
    pen: 11,
    ink: '#000',
    paper: 'none',
  },
];

function render({ digit, width, height, size, at: [x, y], pen, ink, paper }: Drawing): Sharp {
  const scale = (size * Math.min(width, height)) / 100;
  const [left, top] = [x * width - 50 * scale, y * height - 50 * scale];
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}">
    <rect width="100%" height="100%" fill="${paper}"/>
    <path transform="translate(${left} ${top}) scale(${scale})" d="${strokes[digit]}" fill="none" stroke="${ink}"
      stroke-width="${pen}" stroke-linecap="round" stroke-linejoin="round"/>
  </svg>`;
  return sharp(Buffer.from(svg));
}

/** A BMP of 24 bits a pixel, bottom-up; sharp writes none. */
async function toBMP(image: Sharp): Promise<Uint8Array> {
  const { data, info } = await image.removeAlpha().toColourspace('srgb').raw().toBuffer({ resolveWithObject: true });
  const { width, height } = info;
  const stride = Math.ceil((width * 3) / 4) * 4;
  const bytes = new DataView(new ArrayBuffer(54 + stride * height));
  bytes.setUint16(0, 0x424d);
  bytes.setUint32(2, bytes.byteLength, true);
  bytes.setUint32(10, 54, true);
  bytes.setUint32(14, 40, true);
  bytes.setInt32(18, width, true);
  bytes.setInt32(22, height, true);
  bytes.setUint16(26, 1, true);
  bytes.setUint16(28, 24, true);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++)
      for (let c = 0; c < 3; c++)
        bytes.setUint8(54 + (height - 1 - y) * stride + 3 * x + 2 - c, data[(y * width + x) * 3 + c]!);
  return new Uint8Array(bytes.buffer);
}

function encode(image: Sharp, file: string): Promise<Uint8Array> {
  if (file.endsWith('.bmp')) return toBMP(image);
  if (file.endsWith('.jpg')) return image.flatten({ background: 'white' }).jpeg({ quality: 80 }).toBuffer();
  if (file.endsWith('.webp')) return image.webp({ quality: 80 }).toBuffer();
  return image.png({ compressionLevel: 9 }).toBuffer();
}

/** Test images of MNIST, unchanged but for the file format; index and label are in the name. */
async function writeMNIST(folder: string, indices: readonly number[]): Promise<void> {
  const { width, height, pixels } = await readIdxImages(join(folder, 't10k-images-idx3-ubyte.gz'));
  const labels = await readIdxLabels(join(folder, 't10k-labels-idx1-ubyte.gz'));
  for (const index of indices) {
    const image = pixels.slice(index * width * height, (index + 1) * width * height);
    const name = `mnist-test-${String(index).padStart(4, '0')}-is-${labels[index]}.png`;
    await writeFile(
      join(output, name),
      await sharp(image, { raw: { width, height, channels: 1 } })
        .toColourspace('b-w')
        .png({ compressionLevel: 9 })
        .toBuffer(),
    );
  }
}

await mkdir(output, { recursive: true });
for (const drawing of drawings)
  await writeFile(join(output, drawing.file), await encode(render(drawing), drawing.file));
await writeMNIST(resolve(process.argv[2] ?? join(root, '../shared/data/images/mnist')), [7, 1, 3, 61]);
