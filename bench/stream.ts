import { spawnSync } from 'node:child_process';
import { batch, filterItems, fromIterable, mapItems } from '@rivulet/stream';
import { lastValueFrom } from 'rxjs';
import type { Figure } from './main.ts';
import { median } from './median.ts';

const ITEMS = 1_000_000;
const SIZE = 100;
const TURNS = 6;
const double = async (x: number): Promise<number> => 2 * x;
const keep = async (x: number): Promise<boolean> => x % 3 !== 0;

function* numbers(): Generator<number> {
  for (let i = 0; i < ITEMS; i++) yield i;
}

async function plain(): Promise<number> {
  let [sum, group]: [number, number[]] = [0, []];
  for await (const x of numbers()) {
    const y = await double(x);
    if (!(await keep(y))) continue;
    group.push(y);
    if (group.length < SIZE) continue;
    sum += group.length;
    group = [];
  }
  return sum + group.length;
}

async function streamed(): Promise<number> {
  let sum = 0;
  const groups = fromIterable(numbers()).pipe(mapItems(double), filterItems(keep), batch(SIZE));
  await lastValueFrom(groups.pipe(mapItems((group) => (sum += group.length))));
  return sum;
}

/** Small items through map, filter and batch against `for await`, turn by turn; and 96 MiB under a small heap. */
export async function stream(): Promise<Figure[]> {
  const times: [number, number][] = [];
  for (let turn = 0; turn < TURNS; turn++) {
    const begin = performance.now();
    const expected = await plain();
    const middle = performance.now();
    if ((await streamed()) !== expected) throw new Error('the two ways disagree');
    times.push([middle - begin, performance.now() - middle]);
  }
  const speed = (side: 0 | 1): number => ITEMS / median(times.slice(1).map((pair) => pair[side])) / 1000; // the first warms up
  const child = spawnSync(
    process.execPath,
    [
      '--max-old-space-size=80',
      ...process.execArgv,
      new URL('../tools/source.mjs', import.meta.url).pathname,
      new URL('./stream-memory.ts', import.meta.url).pathname,
    ],
    { encoding: 'utf8' },
  );
  if (child.status !== 0) throw new Error(`96 MiB under an 80 MiB old space failed: ${child.stderr.slice(-500)}`);
  const { mebibytes, seconds } = JSON.parse(child.stdout) as { mebibytes: number; seconds: number };
  return [
    { what: '1,000,000 items, map-filter-batch', value: speed(1), unit: 'M items/s' },
    { what: 'for await over the same functions', value: speed(0), unit: 'M items/s' },
    { what: 'speed against for await', value: speed(1) / speed(0), unit: 'x' },
    {
      what: `${mebibytes} MiB, lines to tokens to groups, 80 MiB old space`,
      value: mebibytes / seconds,
      unit: 'MiB/s',
    },
  ];
}
