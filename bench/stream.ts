import { spawnSync } from 'node:child_process';
import { batch, filterItems, fromIterable, mapItems, Sight } from '@rivulet/stream';
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

/** @param watched each of the three stages counts and measures. */
async function streamed(watched: boolean): Promise<number> {
  let sum = 0;
  const sight = new Sight();
  const [map, filter, group] = [mapItems(double), filterItems(keep), batch<number>(SIZE)];
  const groups = watched
    ? fromIterable(numbers()).pipe(sight.stage('map', map), sight.stage('filter', filter), sight.stage('batch', group))
    : fromIterable(numbers()).pipe(map, filter, group);
  await lastValueFrom(groups.pipe(mapItems((items) => (sum += items.length))));
  return sum;
}

/** Small items through map, filter and batch against `for await`, turn by turn; and 96 MiB under a small heap. */
export async function stream(): Promise<Figure[]> {
  const times: [number, number, number][] = [];
  for (let turn = 0; turn < TURNS; turn++) {
    const begin = performance.now();
    const expected = await plain();
    const middle = performance.now();
    if ((await streamed(false)) !== expected) throw new Error('the two ways disagree');
    const last = performance.now();
    if ((await streamed(true)) !== expected) throw new Error('the watched way disagrees');
    times.push([middle - begin, last - middle, performance.now() - last]);
  }
  const speed = (side: 0 | 1 | 2): number => ITEMS / median(times.slice(1).map((pair) => pair[side])) / 1000; // the first warms up
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
    { what: 'the same with every stage watched', value: speed(2), unit: 'M items/s' },
    { what: 'what watching adds to an item and stage', value: (1 / speed(2) - 1 / speed(1)) / 3, unit: 'µs' },
    {
      what: `${mebibytes} MiB, lines to tokens to groups, 80 MiB old space`,
      value: mebibytes / seconds,
      unit: 'MiB/s',
    },
  ];
}
