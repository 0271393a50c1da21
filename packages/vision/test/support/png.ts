import { crc32, deflateSync } from 'node:zlib';

/** A PNG file of grey (0) or RGB (2), written by hand; `rows` are the bytes of the pixels, big-endian where they have 16 bits. */
export function png(width: number, height: number, depth: 8 | 16, colour: 0 | 2, rows: Uint8Array): Buffer {
  const stride = rows.length / height;
  const filtered = new Uint8Array(height * (stride + 1));
  for (let y = 0; y < height; y++) filtered.set(rows.subarray(y * stride, (y + 1) * stride), y * (stride + 1) + 1);
  return pngFile(width, height, depth, colour, deflateSync(filtered));
}

/** As `png`, whatever the compressed pixels are. */
export function pngFile(width: number, height: number, depth: number, colour: number, pixels: Uint8Array): Buffer {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([depth, colour, 0, 0, 0], 8);
  const signature = Buffer.from('\x89PNG\r\n\x1a\n', 'latin1');
  return Buffer.concat([signature, chunk('IHDR', header), chunk('IDAT', pixels), chunk('IEND', new Uint8Array(0))]);
}

function chunk(name: string, data: Uint8Array): Buffer {
  const body = Buffer.concat([Buffer.from(name, 'latin1'), data]);
  const [length, check] = [Buffer.alloc(4), Buffer.alloc(4)];
  length.writeUInt32BE(data.length);
  check.writeUInt32BE(crc32(body));
  return Buffer.concat([length, body, check]);
}
