import type { Image } from '../image/decode.ts';
import { resizeImage } from '../image/resize.ts';
import { Canvas, type Colour, LINE, textWidth } from './canvas.ts';
import { classColour, heat, mixed } from './colours.ts';

/** How much each place counts, [height, width]: 0 nothing, 1 most. */
export interface HeatMap {
  readonly width: number;
  readonly height: number;
  readonly data: Float32Array;
}

/** The class of every pixel, [height, width]. */
export interface ClassMap {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8Array | Uint16Array;
}

/** What takes the place of a pixel's colour, by the pixel's number. */
function coloured(image: Image, colourOf: (at: number) => Colour, share: number): Canvas {
  const canvas = new Canvas(image.width, image.height);
  canvas.image(image, 0, 0);
  const { data } = canvas;
  for (let at = 0; at < image.width * image.height; at++) {
    const [red, green, blue] = mixed([data[3 * at]!, data[3 * at + 1]!, data[3 * at + 2]!], colourOf(at), share);
    data[3 * at] = red;
    data[3 * at + 1] = green;
    data[3 * at + 2] = blue;
  }
  return canvas;
}

/** An image under a heat map, which is enlarged to it smoothly. */
export function heatOverlay(image: Image, map: HeatMap, share = 0.5): Canvas {
  const { width, height } = image;
  const bytes = Uint8Array.from(map.data, (value) => Math.round(255 * Math.min(1, Math.max(0, value))));
  const grey: Image = { width: map.width, height: map.height, channels: 1, data: bytes };
  const { data } = resizeImage(grey, { width, height, interpolation: 'bicubic' });
  const colours = Array.from({ length: 256 }, (_, value) => heat(value / 255));
  return coloured(image, (at) => colours[data[at]!]!, share);
}

/** An image under the colours of its pixels' classes, and below it a legend of those that occur, with their share of the pixels. */
export function segmentationOverlay(image: Image, classes: ClassMap, labels: readonly string[], share = 0.5): Canvas {
  if (classes.width !== image.width || classes.height !== image.height)
    throw new RangeError(
      `segmentationOverlay: classes of ${classes.width} × ${classes.height} pixels for an image of ${image.width} × ${image.height}`,
    );
  const counts = new Map<number, number>();
  for (const label of classes.data) counts.set(label, (counts.get(label) ?? 0) + 1);
  const colours = labels.map((_, label) => classColour(label));
  const painted = coloured(image, (at) => colours[classes.data[at]!] ?? [255, 255, 255], share);
  const rows = [...counts].sort((a, b) => b[1] - a[1]).map(([label, count]) => {
    const part = (100 * count) / classes.data.length;
    return { label, text: `${labels[label] ?? label} ${part < 0.1 ? '<0.1' : part.toFixed(1)} %` };
  }); // biome-ignore format: two short statements
  const width = Math.max(image.width, ...rows.map(({ text }) => textWidth(text) + 24));
  const line = LINE + 5;
  const canvas = new Canvas(width, image.height + rows.length * line + 6);
  canvas.image(painted, 0, 0);
  for (const [i, { label, text }] of rows.entries()) {
    const top = image.height + 4 + i * line;
    canvas.rectangle(4, top, 14, line - 3, [0, 0, 0]);
    canvas.rectangle(5, top + 1, 12, line - 5, colours[label] ?? [255, 255, 255]);
    canvas.text(text, 22, top + 1);
  }
  return canvas;
}
