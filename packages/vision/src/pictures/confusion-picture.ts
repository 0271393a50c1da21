import { BLACK, Canvas, type Colour, GREY, LINE, textWidth, WHITE } from './canvas.ts';
import { mixed } from './colours.ts';

const FULL: Colour = [8, 64, 129];
/** Letters of a label, at most. */
const MOST = 18;

/**
 * A confusion matrix: a row per true class, a column per prediction, cells as dark as their share of the row.
 * @throws RangeError where the labels are not as many as the rows and columns.
 */
export function confusionPicture(matrix: readonly (readonly number[])[], labels: readonly string[]): Canvas {
  if (matrix.length !== labels.length || matrix.some((row) => row.length !== labels.length))
    throw new RangeError(
      `confusionPicture: ${labels.length} labels for a matrix of ${matrix.length} × ${matrix[0]?.length ?? 0}`,
    );
  const digits = Math.max(...matrix.flat().map((count) => textWidth(String(count))));
  // Many classes get small cells without numbers.
  const cell = labels.length > 60 ? 6 : Math.max(18, digits + 6);
  const named = cell > LINE;
  const side = named ? Math.max(...labels.map((label) => textWidth(label, MOST))) + 8 : 4;
  const head = LINE + 6;
  const [left, top] = [head + side, 2 * head];
  const grid = cell * labels.length;
  const canvas = new Canvas(left + grid + 6, top + grid + (named ? head : 4));
  canvas.text('predicted', left, 4, GREY);
  canvas.text('true', 4, top - head + 4, GREY);
  for (const [row, counts] of matrix.entries()) {
    const total = counts.reduce((a, b) => a + b, 0);
    const y = top + row * cell;
    const middle = y + Math.floor((cell - LINE) / 2);
    if (named) canvas.text(labels[row]!, head, middle, BLACK, MOST);
    for (const [column, count] of counts.entries()) {
      const share = total === 0 ? 0 : count / total;
      const x = left + column * cell;
      canvas.rectangle(x, y, cell - 1, cell - 1, mixed([236, 240, 246], FULL, share));
      if (named && count > 0)
        canvas.text(
          String(count),
          x + Math.ceil((cell - textWidth(String(count))) / 2),
          middle,
          share > 0.5 ? WHITE : BLACK,
        );
    }
  }
  if (named)
    for (const [column, label] of labels.entries()) {
      const most = Math.max(1, Math.floor((cell - 2) / 6));
      canvas.text(label.slice(0, most), left + column * cell + 1, top - head + 4, BLACK, most);
    }
  return canvas;
}
