/** Pixels of a BMP, [height, width, channels] from the top left; 4 channels where the file says what is transparent. */
export interface Bitmap {
  readonly width: number;
  readonly height: number;
  readonly channels: 3 | 4;
  readonly data: Uint8Array;
}

const CORE = 12; // the size of OS/2's header, with 16-bit sizes and palette entries of 3 bytes
const RGB = 0;
const BITFIELDS = 3;
const ALPHABITFIELDS = 6;

/**
 * Reads a BMP of 1, 4, 8, 16, 24 or 32 bits a pixel, bottom-up or top-down, with a palette, colour masks or neither
 * (https://learn.microsoft.com/windows/win32/gdi/bitmap-storage). Run-length coded ones are refused: nothing writes them today.
 * @throws RangeError saying what is wrong.
 */
export function readBMP(bytes: Uint8Array, maxPixels: number): Bitmap {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const header = readHeader(view);
  const { width, height, bits, offset } = header;
  if (width * height > maxPixels) throw new RangeError(`it has ${width} × ${height} pixels, more than ${maxPixels}`);
  const stride = Math.ceil((width * bits) / 32) * 4;
  if (bytes.length < offset + stride * height)
    throw new RangeError(`its pixels are cut short: ${bytes.length} bytes instead of ${offset + stride * height}`);
  const colours = bits <= 8 ? readPalette(view, header) : null;
  const masks = bits === 16 || bits === 32 ? readMasks(view, header) : null;
  const out = new Uint8Array(width * height * 4);
  for (let y = 0, o = 0; y < height; y++) {
    const row = offset + stride * (header.topDown ? y : height - 1 - y);
    for (let x = 0; x < width; x++, o += 4) {
      if (colours) {
        const bit = x * bits;
        const index = (bytes[row + (bit >> 3)]! >> (8 - bits - (bit & 7))) & ((1 << bits) - 1);
        out.set(colours.subarray(index * 4, index * 4 + 4), o);
      } else if (masks) {
        const pixel = bits === 16 ? view.getUint16(row + 2 * x, true) : view.getUint32(row + 4 * x, true);
        for (let c = 0; c < 4; c++) out[o + c] = masks[c]!(pixel);
      } else {
        const at = row + 3 * x;
        out[o] = bytes[at + 2]!;
        out[o + 1] = bytes[at + 1]!;
        out[o + 2] = bytes[at]!;
        out[o + 3] = 255;
      }
    }
  }
  return { width, height, ...withoutIdleAlpha(out) };
}

interface Header {
  readonly size: number;
  readonly width: number;
  readonly height: number;
  readonly topDown: boolean;
  readonly bits: number;
  readonly compression: number;
  /** Where the pixels begin. */
  readonly offset: number;
  /** Entries of the palette. */
  readonly colours: number;
}

function readHeader(view: DataView): Header {
  const has = (length: number): void => {
    if (view.byteLength < length) throw new RangeError(`it has ${view.byteLength} bytes, fewer than a BMP header`);
  };
  has(18);
  const [offset, size] = [view.getUint32(10, true), view.getUint32(14, true)];
  const core = size === CORE;
  if (!core && size < 40) throw new RangeError(`its header has ${size} bytes, which no BMP has`);
  has(14 + size);
  const width = core ? view.getUint16(18, true) : view.getInt32(18, true);
  const rows = core ? view.getUint16(20, true) : view.getInt32(22, true);
  const bits = view.getUint16(core ? 24 : 28, true);
  const compression = core ? RGB : view.getUint32(30, true);
  if (width <= 0 || rows === 0) throw new RangeError(`it says it has ${width} × ${rows} pixels`);
  if (![1, 4, 8, 16, 24, 32].includes(bits)) throw new RangeError(`its ${bits} bits per pixel are not supported`);
  const masked = compression === BITFIELDS || compression === ALPHABITFIELDS;
  if (compression !== RGB && !(masked && (bits === 16 || bits === 32)))
    throw new RangeError(`its compression (${compression}) is not supported; save it uncompressed`);
  const most = bits <= 8 ? 2 ** bits : 0;
  const given = core ? 0 : view.getUint32(46, true);
  const colours = given === 0 ? most : Math.min(given, most);
  return { size, width, height: Math.abs(rows), topDown: rows < 0, bits, compression, offset, colours };
}

/** RGBA of every index; those that the file leaves out are black. */
function readPalette(view: DataView, { size, bits, colours }: Header): Uint8Array {
  const palette = new Uint8Array(4 * 2 ** bits);
  const entry = size === CORE ? 3 : 4;
  if (view.byteLength < 14 + size + entry * colours) throw new RangeError('its palette is cut short');
  for (let i = 0; i < 2 ** bits; i++) {
    const at = 14 + size + entry * i;
    for (let c = 0; c < 3 && i < colours; c++) palette[4 * i + c] = view.getUint8(at + 2 - c);
    palette[4 * i + 3] = 255;
  }
  return palette;
}

/** Functions from a pixel's number to its red, green, blue and alpha, 0 to 255 each. */
function readMasks(view: DataView, { size, bits, compression }: Header): ((pixel: number) => number)[] {
  const usual = bits === 16 ? [0x7c00, 0x3e0, 0x1f, 0] : [0xff0000, 0xff00, 0xff, 0]; // the fourth byte is reserved
  if (compression === RGB) return usual.map(channel);
  const alpha = size >= 56 || compression === ALPHABITFIELDS;
  const end = 54 + (alpha ? 16 : 12);
  if (view.byteLength < end) throw new RangeError('its colour masks are cut short');
  const masks = [0, 1, 2].map((i) => view.getUint32(54 + 4 * i, true));
  return [...masks, alpha ? view.getUint32(66, true) : 0].map(channel);
}

function channel(mask: number, index: number): (pixel: number) => number {
  if (mask === 0) return () => (index === 3 ? 255 : 0);
  const shift = 31 - Math.clz32(mask & -mask);
  const highest = mask >>> shift;
  return (pixel) => Math.round((((pixel & mask) >>> shift) * 255) / highest);
}

/** An alpha that is 0 everywhere says nothing: most writers leave the fourth byte 0 in images that have no transparency. */
function withoutIdleAlpha(rgba: Uint8Array): Pick<Bitmap, 'channels' | 'data'> {
  let [transparent, visible] = [false, false];
  for (let i = 3; i < rgba.length; i += 4) {
    if (rgba[i] !== 255) transparent = true;
    if (rgba[i] !== 0) visible = true;
  }
  if (transparent && visible) return { channels: 4, data: rgba };
  const data = new Uint8Array((rgba.length / 4) * 3);
  for (let i = 0, o = 0; i < rgba.length; i += 4) for (let c = 0; c < 3; c++) data[o++] = rgba[i + c]!;
  return { channels: 3, data };
}
