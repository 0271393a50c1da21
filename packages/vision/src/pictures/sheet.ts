import type { Image } from '../image/decode.ts';
import { resizeImage } from '../image/resize.ts';
import { Canvas, type Colour, GREY, LINE } from './canvas.ts';

/** An image with lines of text below it. */
export interface SheetItem {
  readonly image: Image;
  readonly lines: readonly { readonly text: string; readonly colour?: Colour }[];
}

export interface SheetOptions {
  readonly title?: string;
  /** Images in a row. Default: enough for a square. */
  readonly columns?: number;
  /** The longer side of an image, in pixels. Default 96. */
  readonly side?: number;
}

/** A contact sheet: images in rows, each with its text. */
export function sheet(items: readonly SheetItem[], { title = '', columns, side = 96 }: SheetOptions = {}): Canvas {
  const across = columns ?? Math.max(1, Math.ceil(Math.sqrt(items.length)));
  const texts = Math.max(0, ...items.map(({ lines }) => lines.length));
  const [width, height] = [side + 8, side + 8 + texts * (LINE + 1)];
  const head = LINE + 6;
  const rows = Math.ceil(items.length / across);
  const canvas = new Canvas(Math.max(across * width + 4, title.length * 6 + 8), head + rows * height + 2);
  canvas.text(title, 4, 3, GREY);
  for (const [i, { image, lines }] of items.entries()) {
    const [left, top] = [4 + (i % across) * width, head + Math.floor(i / across) * height];
    const scale = side / Math.max(image.width, image.height);
    const [w, h] = [Math.max(1, Math.round(image.width * scale)), Math.max(1, Math.round(image.height * scale))];
    // Small images are enlarged pixel by pixel: blur would hide what the model saw.
    const shown = resizeImage(image, { width: w, height: h, interpolation: scale > 1 ? 'nearest' : 'bilinear' });
    canvas.rectangle(left, top, side, side, [240, 240, 240]);
    canvas.image(shown, left + Math.floor((side - w) / 2), top + Math.floor((side - h) / 2));
    for (const [line, { text, colour }] of lines.entries())
      canvas.text(text, left, top + side + 2 + line * (LINE + 1), colour, Math.floor(side / 6));
  }
  return canvas;
}
