import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Seq2SeqSettings, seq2seqTask } from '../packages/rivulet/src/training/seq2seq-task.ts';
import type { Figure } from './main.ts';

const root = new URL('../', import.meta.url).pathname;
const STEPS = 1000;

/** 1,000 steps of the shipped model's training: speed, memory, and the longest time that the event loop stood still. */
export async function trainSeq2Seq(): Promise<Figure[]> {
  const settings = JSON.parse(await readFile(join(root, 'models/zh-en/settings.json'), 'utf8')) as Seq2SeqSettings;
  const directory = await mkdtemp(join(tmpdir(), 'rivulet-bench-'));
  const data = join(root, '../shared/data/text/cmn-eng/cmn.txt');
  const { trainer, options } = await seq2seqTask({ ...settings, data }, directory);
  await rm(directory, { recursive: true });
  const speeds: number[] = [];
  const memory: number[] = [];
  let longestGap = 0;
  let last = performance.now();
  const ticker = setInterval(() => {
    const now = performance.now();
    if (trainer.step > 5) longestGap = Math.max(longestGap, now - last - 1);
    last = now;
  }, 1);
  for (let epoch = 0; trainer.step < STEPS; epoch++)
    for (const { feeds, items } of options.batches(epoch)) {
      const begin = performance.now();
      await trainer.train(feeds);
      speeds.push((items / (performance.now() - begin)) * 1000);
      if (trainer.step % 100 === 0) memory.push(process.memoryUsage().rss / 2 ** 20);
      if (trainer.step === STEPS) break;
    }
  clearInterval(ticker);
  await trainer.dispose();
  const median = speeds.sort((a, b) => a - b)[speeds.length >> 1]!;
  return [
    { what: `training seq2seq, median of ${STEPS} steps`, value: median, unit: 'target tokens/s' },
    { what: 'resident memory after 200 steps', value: memory[1]!, unit: 'MiB' },
    { what: `resident memory after ${STEPS} steps`, value: memory.at(-1)!, unit: 'MiB' },
    { what: 'longest gap of the event loop', value: longestGap, unit: 'ms' },
  ];
}
