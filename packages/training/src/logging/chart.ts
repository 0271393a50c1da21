/** A point of a curve. */
export interface Point {
  readonly x: number;
  readonly y: number;
}

export interface Curve {
  readonly name: string;
  readonly points: readonly Point[];
  /** Few points: they are marked. */
  readonly marked?: boolean;
}

const [WIDTH, HEIGHT] = [760, 260];
const MARGIN = { left: 64, right: 12, top: 12, bottom: 28 } as const;
const COLOURS = ['#2563eb', '#d97706', '#059669', '#dc2626'];
/** A curve of more points is drawn by the lowest and the highest of every column. */
const COLUMNS = 400;

/** Curves over steps as inline SVG; points that are not finite are gaps. */
export function chart(curves: readonly Curve[]): string {
  const drawn = curves.map((curve) => ({ ...curve, points: curve.points.filter(isDrawn) }));
  const points = drawn.flatMap((curve) => curve.points);
  if (points.length === 0) return '<p>no finite values</p>';
  const [xs, ys] = [range(points, 'x'), range(points, 'y')];
  const x = scale(xs, [MARGIN.left, WIDTH - MARGIN.right]);
  const y = scale(ys, [HEIGHT - MARGIN.bottom, MARGIN.top]);
  const lines = drawn.map(({ name, points: own, marked }, i) => {
    const colour = COLOURS[i % COLOURS.length]!;
    const path = thinned(own, xs).map((p) => `${round(x(p.x))},${round(y(p.y))}`);
    const marks =
      marked || own.length === 1
        ? own.map((p) => `<circle cx="${round(x(p.x))}" cy="${round(y(p.y))}" r="3" fill="${colour}"/>`)
        : [];
    return `<polyline fill="none" stroke="${colour}" stroke-width="1.5" points="${path.join(' ')}"><title>${escaped(name)}</title></polyline>${marks.join('')}`;
  });
  const legend = drawn.map(
    ({ name }, i) => `<span style="color:${COLOURS[i % COLOURS.length]}">● ${escaped(name)}</span>`,
  );
  return [
    `<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${escaped(curves.map((curve) => curve.name).join(', '))}">`,
    ...ticks(ys).map((tick) => {
      const at = round(y(tick));
      return `<line class="grid" x1="${MARGIN.left}" x2="${WIDTH - MARGIN.right}" y1="${at}" y2="${at}"/><text x="${MARGIN.left - 6}" y="${at + 4}" text-anchor="end">${label(tick)}</text>`;
    }),
    ...ticks(xs).map(
      (tick) => `<text x="${round(x(tick))}" y="${HEIGHT - 8}" text-anchor="middle">${label(tick)}</text>`,
    ),
    ...lines,
    '</svg>',
    `<p class="legend">${legend.join(' ')}</p>`,
  ].join('\n');
}

const isDrawn = ({ x, y }: Point): boolean => Number.isFinite(x) && Number.isFinite(y);
const round = (value: number): number => Math.round(value * 10) / 10;
type Range = readonly [low: number, high: number];

function range(points: readonly Point[], axis: 'x' | 'y'): Range {
  let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const point of points) [low, high] = [Math.min(low, point[axis]), Math.max(high, point[axis])];
  const pad = low === high ? Math.abs(low) / 10 || 1 : 0; // a flat curve lies in the middle
  return [low - pad, high + pad];
}

const scale =
  ([low, high]: Range, [from, to]: Range) =>
  (value: number): number =>
    from + ((value - low) / (high - low)) * (to - from);

/** The lowest and the highest point of every column, so that no peak is lost. */
function thinned(points: readonly Point[], [low, high]: Range): readonly Point[] {
  if (points.length <= 2 * COLUMNS) return points;
  const columns = new Map<number, [Point, Point]>();
  for (const point of points) {
    const column = Math.floor(((point.x - low) / (high - low)) * COLUMNS);
    const [least, most] = columns.get(column) ?? [point, point];
    columns.set(column, [point.y < least.y ? point : least, point.y > most.y ? point : most]);
  }
  return [...columns.values()].flatMap((pair) => pair.sort((a, b) => a.x - b.x));
}

/** Round numbers in a range: 1, 2 or 5 times a power of ten apart. */
function ticks([low, high]: Range): number[] {
  const rough = (high - low) / 5;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * ([1, 2, 5].find((factor) => factor * power >= rough) ?? 10);
  const first = Math.ceil(low / step);
  return Array.from({ length: Math.floor(high / step) - first + 1 }, (_, i) => (first + i) * step);
}

/** A number as people read it. */
export function label(value: number): string {
  if (value === 0) return '0';
  const size = Math.abs(value);
  if (size < 1e-3 || size >= 1e6) return value.toExponential(2).replace(/\.?0+e/, 'e');
  return Number(value.toPrecision(5)).toLocaleString('en-US', { maximumFractionDigits: 6 });
}

/** Text in HTML. */
export function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
