import type { Explanation } from '../explain/explainer.ts';
import { resizeImage } from '../image/resize.ts';
import { Canvas, GREY, LINE, textWidth } from './canvas.ts';
import { heatOverlay } from './overlays.ts';

/** Images smaller than this are enlarged by a whole factor. */
const LEAST = 224;

/** What a model saw, and beside it where it looked; below, the class and its probability. */
export function explanationPicture({ image, map, label, scores }: Explanation, labels: readonly string[]): Canvas {
  const factor = Math.ceil(LEAST / Math.max(image.width, image.height));
  const [width, height] = [image.width * factor, image.height * factor];
  const shown = resizeImage(image, { width, height, interpolation: 'nearest' });
  const text = `${labels[label] ?? label} ${(100 * scores[label]!).toFixed(1)} %`;
  const canvas = new Canvas(Math.max(2 * width + 4, textWidth(text) + 4), height + LINE + 6);
  canvas.image(shown, 0, 0);
  canvas.image(heatOverlay(shown, map), width + 4, 0);
  canvas.text(text, 2, height + 4, GREY);
  return canvas;
}
