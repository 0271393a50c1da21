import sharp from 'sharp';
import type { Image } from '../image/decode.ts';
import { CELL_HEIGHT, CELL_WIDTH, glyph, lettersOf } from './font.ts';

export type Colour = readonly [red: number, green: number, blue: number];

export const BLACK: Colour = [0, 0, 0];
export const WHITE: Colour = [255, 255, 255];
export const GREY: Colour = [110, 110, 110];

/** Letters that hang below the line. */
const DESCENDING = new Set('gpqy');

/** A picture to draw on: RGB, white at first. What lies beyond its edges is left out. */
export class Canvas implements Image {
  readonly width: number;
  readonly height: number;
  readonly channels = 3;
  readonly data: Uint8Array;

  constructor(width: number, height: number) {
    this.width = width;
    this.height = height;
    this.data = new Uint8Array(width * height * 3).fill(255);
  }

  rectangle(left: number, top: number, width: number, height: number, [red, green, blue]: Colour): void {
    for (let y = Math.max(0, top); y < Math.min(this.height, top + height); y++)
      for (let x = Math.max(0, left); x < Math.min(this.width, left + width); x++)
        this.data.set([red, green, blue], (y * this.width + x) * 3);
  }

  image({ data, width, height, channels }: Image, left: number, top: number): void {
    for (let y = Math.max(0, -top); y < Math.min(height, this.height - top); y++)
      for (let x = Math.max(0, -left); x < Math.min(width, this.width - left); x++)
        for (let c = 0; c < 3; c++)
          this.data[((top + y) * this.width + left + x) * 3 + c] =
            data[(y * width + x) * channels + (channels === 3 ? c : 0)]!;
  }

  /** One line, the cell of its first letter at the top left; cut with '..' where it is longer than `most` letters. */
  text(text: string, left: number, top: number, colour: Colour = BLACK, most: number = Number.POSITIVE_INFINITY): void {
    const letters = lettersOf(text);
    const shown = letters.length > most ? [...letters.slice(0, Math.max(0, most - 2)), '.', '.'] : letters;
    for (const [i, letter] of shown.entries())
      for (const [y, row] of glyph(letter).entries())
        for (let x = 0; x < 5; x++)
          if ((row >> (4 - x)) & 1)
            this.rectangle(left + i * CELL_WIDTH + x, top + (DESCENDING.has(letter) ? 2 : 1) + y, 1, 1, colour);
  }
}

/** Pixels that a text is wide, at most so many letters of it. */
export const textWidth = (text: string, most: number = Number.POSITIVE_INFINITY): number =>
  Math.min(lettersOf(text).length, most) * CELL_WIDTH;
export const LINE: number = CELL_HEIGHT;

/** An image as the bytes of a PNG file. */
export async function encodePNG({ data, width, height, channels }: Image): Promise<Uint8Array> {
  return sharp(data, { raw: { width, height, channels } })
    .toColourspace(channels === 1 ? 'b-w' : 'srgb')
    .png()
    .toBuffer();
}
