export interface BitmapOptions {
  /** Bits per pixel. */
  readonly depth: number;
  readonly width: number;
  readonly height: number;
  readonly topDown?: boolean;
  /** Greys [height, width]; up to 8 bits they are rounded to the palette's steps. */
  readonly pixels: Uint8Array;
}

/** A BMP file with a 40-byte header and, up to 8 bits, a palette of even greys. Independent of the reader under test. */
export function bitmap({ depth, width, height, topDown = false, pixels }: BitmapOptions): Uint8Array<ArrayBuffer> {
  const stride = Math.ceil((width * depth) / 32) * 4;
  const colours = depth <= 8 ? 2 ** depth : 0;
  const offset = 54 + 4 * colours;
  const bytes = new Uint8Array(offset + stride * height);
  const view = new DataView(bytes.buffer);
  bytes.set([0x42, 0x4d]);
  view.setUint32(2, bytes.length, true);
  view.setUint32(10, offset, true);
  view.setUint32(14, 40, true);
  view.setInt32(18, width, true);
  view.setInt32(22, topDown ? -height : height, true);
  view.setUint16(26, 1, true);
  view.setUint16(28, depth, true);
  for (let i = 0; i < colours; i++) bytes.fill(Math.round((255 * i) / (colours - 1)), 54 + 4 * i, 57 + 4 * i);
  for (let y = 0; y < height; y++) {
    const row = offset + stride * (topDown ? y : height - 1 - y);
    for (let x = 0; x < width; x++) {
      const value = pixels[y * width + x]!;
      if (depth > 16) bytes.fill(value, row + (x * depth) / 8, row + (x * depth) / 8 + 3);
      else if (depth <= 8) {
        const level = Math.round((value / 255) * (colours - 1));
        const byte = row + ((x * depth) >> 3);
        bytes[byte] = bytes[byte]! | (level << (8 - depth - ((x * depth) & 7)));
      }
    }
  }
  return bytes;
}
