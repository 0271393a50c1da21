import sharp, { type Sharp } from 'sharp';
import { readBMP } from './bmp.ts';
import { ImageError, type ImageSource, nameOf, readSource } from './source.ts';

/** Grey or colour, 8 bits each, [height, width, channels]. */
export interface Image {
  readonly width: number;
  readonly height: number;
  readonly channels: 1 | 3;
  readonly data: Uint8Array;
}

export interface ImageDecodeOptions {
  /** 1: grey, the luma of ITU-R BT.601 (0.299 R + 0.587 G + 0.114 B); 3: RGB. */
  readonly channels: 1 | 3;
  /** Images with more pixels are refused before they are decoded. Default 100 million. */
  readonly maxPixels?: number;
}

/**
 * Reads a PNG, JPEG, WebP, GIF, TIFF or BMP, from a path, an address or bytes. EXIF orientation is applied, palettes are looked up, CMYK
 * becomes RGB, 16 bits become 8; what is transparent becomes white; of several frames or pages the first is read. @throws ImageError
 */
export async function decodeImage(
  input: ImageSource,
  { channels, maxPixels = 1e8 }: ImageDecodeOptions,
): Promise<Image> {
  const bytes = await readSource(input);
  try {
    const source =
      bytes[0] === 0x42 && bytes[1] === 0x4d
        ? fromBMP(bytes, maxPixels)
        : sharp(bytes, { limitInputPixels: maxPixels });
    const raw = source.autoOrient().flatten({ background: 'white' }).toColourspace('srgb').raw({ depth: 'uchar' });
    const { data, info } = await raw.toBuffer({ resolveWithObject: true });
    const convert = channels === 1 && info.channels >= 3 ? luma : pick;
    return { width: info.width, height: info.height, channels, data: convert(data, info.channels, channels) };
  } catch (error) {
    throw new ImageError(nameOf(input), `is no image that can be read: ${reason(error, bytes, maxPixels)}`, {
      cause: error,
    });
  }
}

/** How files of each format begin. */
const FORMATS: readonly (readonly [name: string, begin: RegExp])[] = [
  ['PNG', /^\x89PNG/],
  ['JPEG', /^\xff\xd8\xff/],
  ['GIF', /^GIF8/],
  ['WebP', /^RIFF....WEBP/s],
  ['TIFF', /^(II[*+]\0|MM\0[*+])/],
];

/** libvips keeps its messages in one place for all threads: of images that are read at once, one may be told with another's words. */
function reason(error: unknown, bytes: Uint8Array, maxPixels: number): string {
  const { message } = error as Error;
  if (error instanceof RangeError) return message; // of readBMP
  if (message.includes('pixel limit')) return `it has more than ${maxPixels} pixels`;
  const begin = String.fromCharCode(...bytes.subarray(0, 12));
  const format = FORMATS.find(([, pattern]) => pattern.test(begin))?.[0];
  return format ? `its ${format} data is damaged or cut short` : 'it is no PNG, JPEG, WebP, GIF, TIFF or BMP';
}

/** sharp has no BMP. */
function fromBMP(bytes: Uint8Array, maxPixels: number): Sharp {
  const { data, ...raw } = readBMP(bytes, maxPixels);
  return sharp(data, { raw, limitInputPixels: maxPixels });
}

/** sharp's own greyscale() weighs linear light by Rec. 709, which makes another grey than what models are trained on. */
function luma(data: Uint8Array, from: number): Uint8Array {
  const out = new Uint8Array(data.length / from);
  for (let i = 0, o = 0; i < data.length; i += from)
    out[o++] = Math.round((299 * data[i]! + 587 * data[i + 1]! + 114 * data[i + 2]!) / 1000);
  return out;
}

/** sharp keeps a channel more where the source had one (grey with alpha, CMYK). */
function pick(data: Uint8Array, from: number, to: number): Uint8Array {
  if (from === to) return data;
  const out = new Uint8Array((data.length / from) * to);
  for (let i = 0, o = 0; i < data.length; i += from)
    for (let c = 0; c < to; c++) out[o++] = data[i + Math.min(c, from - 1)]!;
  return out;
}
