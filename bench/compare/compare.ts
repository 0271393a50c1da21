import type { Figure } from '../main.ts';
import { median } from '../median.ts';
import { Side } from '../side.ts';

const file = (path: string): string => new URL(path, import.meta.url).pathname;
/** How often both sides take their turn, and how long a turn is at most, ms. */
const [TURNS, TURN] = [5, 1500];

interface Answer {
  readonly times: number[];
  /** Peak resident memory, MiB. */
  readonly memory: number;
  /** The longest time the event loop stood still, ms; ours only. */
  readonly gap?: number;
}

export interface Comparison {
  readonly name: string;
  readonly kind: 'run' | 'training step';
  /** The script in bench/peers that has the same workload. */
  readonly peer: string;
  /** Null: ours alone. */
  readonly python: string | null;
}

const least = (values: readonly number[]): number => Math.min(...values);
const steps = (side: Side, count: number): Promise<Answer> => side.ask<Answer>(`steps ${count}`);

/** Steps of one workload, ours and PyTorch's in turn, each in a process of its own. */
export async function compare({ name, kind, peer: script, python }: Comparison): Promise<Figure[]> {
  const ours = new Side(process.execPath, [file('../../tools/source.mjs'), file('./worker.ts'), name]);
  const first = await steps(ours, 1);
  const warm = await steps(ours, 2);
  const count = Math.max(1, Math.min(10, Math.floor(TURN / Math.min(...warm.times))));
  const theirs = python ? new Side(python, [file(`../peers/${script}`), name]) : null;
  if (theirs) await steps(theirs, 3);
  const [mine, peer, ratios, gaps]: number[][] = [[], [], [], []];
  let memory = { ours: 0, theirs: 0 };
  for (let turn = 0; turn < TURNS; turn++) {
    const a = await steps(ours, count);
    const b = theirs && (await steps(theirs, count));
    mine!.push(...a.times);
    gaps!.push(a.gap ?? 0);
    memory = { ours: a.memory, theirs: b?.memory ?? 0 };
    if (!b) continue;
    peer!.push(...b.times);
    ratios!.push(median(a.times) / median(b.times));
  }
  ours.end();
  theirs?.end();
  const step = median(mine!);
  return [
    { what: `${name}: a ${kind}`, value: step, unit: 'ms' },
    { what: `${name}: the first step's extra time`, value: first.times[0]! - step, unit: 'ms' },
    { what: `${name}: longest gap of the event loop, first step`, value: first.gap ?? 0, unit: 'ms' },
    { what: `${name}: longest gap of the event loop, later steps`, value: Math.max(...gaps!), unit: 'ms' },
    { what: `${name}: peak memory`, value: memory.ours, unit: 'MiB' },
    ...(theirs
      ? [
          { what: `${name}: PyTorch's step`, value: median(peer!), unit: 'ms' },
          { what: `${name}: time, ratio to PyTorch's`, value: median(ratios!), unit: '×' },
          // What a busy machine disturbs least.
          { what: `${name}: the fastest runs, ratio to PyTorch's`, value: least(mine!) / least(peer!), unit: '×' },
          { what: `${name}: memory, ratio to PyTorch's`, value: memory.ours / memory.theirs, unit: '×' },
        ]
      : []),
  ];
}
