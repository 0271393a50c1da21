import { readFile } from 'node:fs/promises';
import { basename, dirname, resolve } from 'node:path';
import { FileError, replaceFile } from '@rivulet/tensor';
import { type Curve, chart, escaped, label, type Point } from './chart.ts';

export interface ReportOptions {
  /** Default: the name of the folder that the events lie in. */
  readonly title?: string;
}

interface Step {
  readonly step: number;
  readonly loss: number;
  readonly learningRate: number;
  readonly gradientNorm: number;
  readonly items: number;
  readonly seconds: number;
}

interface Epoch {
  readonly epoch: number;
  readonly step: number;
  readonly loss: number;
  readonly metrics: Readonly<Record<string, number>>;
}

interface Run {
  readonly steps: readonly Step[];
  readonly epochs: readonly Epoch[];
}

/** Steps that throughput is averaged over. */
const WINDOW = 20;

/**
 * Draws a run as one HTML file that needs nothing else: loss, learning rate, gradient norm, throughput and the epochs' figures.
 * Of steps that a resumed run did again the later ones count.
 * @param events the file of JSON lines that `logEvents` wrote.
 * @param html the file to write.
 * @throws FileError where the events cannot be read, a line is no event, or there is no step.
 */
export async function writeReport(events: string, html: string, { title }: ReportOptions = {}): Promise<void> {
  const text = await readFile(events, 'utf8').catch((error: Error) => {
    throw new FileError(events, `cannot be read: ${error.message}`, { cause: error });
  });
  const run = parse(events, text);
  if (run.steps.length === 0) throw new FileError(events, "has no event of type 'step-end': there is nothing to draw");
  await replaceFile(html, [page(title ?? basename(dirname(resolve(events))), run)]);
}

function parse(file: string, text: string): Run {
  const steps = new Map<number, Step>();
  const epochs = new Map<number, Epoch>();
  text.split('\n').forEach((line, i) => {
    if (line.trim() === '') return;
    const fail = (why: string): never => {
      throw new FileError(file, `line ${i + 1} ${why}`);
    };
    let event: Record<string, unknown> = {};
    try {
      event = JSON.parse(line) as Record<string, unknown>;
    } catch {
      fail('is no JSON');
    }
    if (typeof event !== 'object' || event === null) fail('is no object');
    const number = (key: string): number => {
      const value = event[key];
      if (typeof value !== 'number' && typeof value !== 'string') fail(`has no number '${key}'`);
      return Number(value); // NaN and infinities are written as strings
    };
    if (event.type === 'step-end') {
      const [step, loss, learningRate] = [number('step'), number('loss'), number('learningRate')];
      const gradientNorm = number('gradientNorm');
      steps.set(step, { step, loss, learningRate, gradientNorm, items: number('items'), seconds: number('seconds') });
    } else if (event.type === 'epoch-end') {
      const given = Object.entries((event.metrics ?? {}) as Record<string, unknown>);
      const metrics = Object.fromEntries(given.map(([name, value]) => [name, Number(value)]));
      const epoch = number('epoch');
      epochs.set(epoch, { epoch, step: number('step'), loss: number('loss'), metrics });
    }
  });
  return {
    steps: [...steps.values()].sort((a, b) => a.step - b.step),
    epochs: [...epochs.values()].sort((a, b) => a.epoch - b.epoch),
  };
}

function page(title: string, { steps, epochs }: Run): string {
  const curve = (key: keyof Step, name: string): Curve => ({
    name,
    points: steps.map((step) => ({ x: step.step, y: step[key] })),
  });
  const names = [...new Set(epochs.flatMap(({ metrics }) => Object.keys(metrics)))];
  const means = epochs.map(({ step, loss }): Point => ({ x: step, y: loss }));
  const sections: [string, Curve[]][] = [
    ['Loss', [curve('loss', 'step'), ...(means.length > 0 ? [{ name: 'epoch', points: means, marked: true }] : [])]],
    ['Learning rate', [curve('learningRate', 'learning rate')]],
    ['Gradient norm', [curve('gradientNorm', 'gradient norm')]],
    ['Throughput', [{ name: `items/s over ${WINDOW} steps`, points: throughput(steps) }]],
    ...names.map((name): [string, Curve[]] => [
      name,
      [
        {
          name,
          points: epochs.map(({ step, metrics }) => ({ x: step, y: metrics[name] ?? Number.NaN })),
          marked: true,
        },
      ],
    ]),
  ];
  const seconds = steps.reduce((sum, step) => sum + step.seconds, 0);
  const facts = `${label(steps.length)} steps, ${label(epochs.length)} epochs, ${label(seconds)} s in steps, last loss ${label(steps.at(-1)!.loss)}`;
  return [
    '<!doctype html>',
    '<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">',
    `<title>${escaped(title)}</title>`,
    '<style>:root{color-scheme:light dark}body{font:15px/1.5 system-ui,sans-serif;max-width:800px;margin:2rem auto;padding:0 1rem}',
    'svg{width:100%;height:auto}svg text{font-size:11px;fill:currentColor}.grid{stroke:currentColor;opacity:.15}',
    '.legend span{margin-right:1em}table{border-collapse:collapse}td,th{padding:.15rem .8rem .15rem 0;text-align:right}</style></head><body>',
    `<h1>${escaped(title)}</h1>`,
    `<p>${facts}</p>`,
    ...sections.map(([name, curves]) => `<h2>${escaped(name)}</h2>\n${chart(curves)}`),
    ...(epochs.length > 0 ? [epochTable(epochs, names)] : []),
    '</body></html>',
    '',
  ].join('\n');
}

function epochTable(epochs: readonly Epoch[], names: readonly string[]): string {
  const row = (cells: readonly string[], tag: string): string =>
    `<tr>${cells.map((cell) => `<${tag}>${escaped(cell)}</${tag}>`).join('')}</tr>`;
  const rows = epochs.map(({ epoch, step, loss, metrics }) =>
    row([label(epoch + 1), label(step), label(loss), ...names.map((name) => label(metrics[name] ?? Number.NaN))], 'td'),
  );
  return `<h2>Epochs</h2>\n<table>\n${[row(['epoch', 'step', 'loss', ...names], 'th'), ...rows].join('\n')}\n</table>`;
}

/** Items per second over the last steps. */
function throughput(steps: readonly Step[]): Point[] {
  return steps.map(({ step }, i) => {
    const last = steps.slice(Math.max(0, i - WINDOW + 1), i + 1);
    const total = (key: 'items' | 'seconds'): number => last.reduce((sum, one) => sum + one[key], 0);
    return { x: step, y: total('items') / total('seconds') };
  });
}
