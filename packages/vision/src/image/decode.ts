import { readFile } from 'node:fs/promises';
import { decode as decodeBMP } from 'bmp-ts';
import sharp, { type Sharp } from 'sharp';

/** An image that cannot be read; the message names the file and the reason. */
export class ImageError extends Error {
  readonly file: string;

  constructor(file: string, message: string, options?: ErrorOptions) {
    super(`${file}: ${message}`, options);
    this.name = 'ImageError';
    this.file = file;
  }
}

/** Grey or colour, 8 bits each, [height, width, channels]. */
export interface Image {
  readonly width: number;
  readonly height: number;
  readonly channels: 1 | 3;
  readonly data: Uint8Array;
}

export interface ImageDecodeOptions {
  /** 1: grey (ITU-R 601 luma, as sharp weighs it); 3: RGB. */
  readonly channels: 1 | 3;
  /** Images with more pixels are refused before they are decoded. Default 100 million. */
  readonly maxPixels?: number;
}

/**
 * Reads a PNG, JPEG, WebP, GIF, TIFF or BMP, from a path or from bytes. EXIF orientation is applied; what is transparent becomes
 * white. @throws ImageError
 */
export async function decodeImage(input: string | Uint8Array, { channels, maxPixels = 1e8 }: ImageDecodeOptions): Promise<Image> {
  const file = typeof input === 'string' ? input : 'image';
  const bytes = typeof input === 'string' ? await read(input) : input;
  if (bytes.length === 0) throw new ImageError(file, 'is empty');
  try {
    const source = bytes[0] === 0x42 && bytes[1] === 0x4d ? fromBMP(bytes, maxPixels) : sharp(bytes, { limitInputPixels: maxPixels });
    const oriented = source.autoOrient().flatten({ background: 'white' });
    const raw = channels === 1 ? oriented.greyscale() : oriented.toColourspace('srgb');
    const { data, info } = await raw.raw({ depth: 'uchar' }).toBuffer({ resolveWithObject: true });
    return { width: info.width, height: info.height, channels, data: pick(data, info.channels, channels) };
  } catch (error) {
    if (error instanceof ImageError) throw error;
    throw new ImageError(file, `is no image that can be read: ${reason(error)}`, { cause: error });
  }
}

async function read(path: string): Promise<Uint8Array> {
  try {
    return await readFile(path);
  } catch (error) {
    throw new ImageError(path, `cannot be read: ${(error as Error).message}`, { cause: error });
  }
}

function reason(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text.split('\n')[0]!.replace(/^Input (buffer|file) /, 'it ');
}

/** sharp has no BMP. */
function fromBMP(bytes: Uint8Array, maxPixels: number): Sharp {
  const header = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < 26) throw new RangeError(`it has ${bytes.length} bytes, fewer than a BMP header`);
  const [w, h] = [Math.abs(header.getInt32(18, true)), Math.abs(header.getInt32(22, true))];
  if (w * h > maxPixels) throw new RangeError(`it has ${w} × ${h} pixels, more than ${maxPixels}`);
  const { data, width, height } = decodeBMP(Buffer.from(bytes), { toRGBA: true });
  if (data.length !== width * height * 4) throw new RangeError('its pixels are cut short');
  // Most writers leave the fourth byte 0 where the format has no alpha, so it says nothing about transparency.
  return sharp(data, { raw: { width, height, channels: 4 } }).removeAlpha();
}

/** sharp keeps a channel more where the source had one (grey with alpha, CMYK). */
function pick(data: Uint8Array, from: number, to: number): Uint8Array {
  if (from === to) return data;
  const out = new Uint8Array((data.length / from) * to);
  for (let i = 0, o = 0; i < data.length; i += from) for (let c = 0; c < to; c++) out[o++] = data[i + Math.min(c, from - 1)]!;
  return out;
}
