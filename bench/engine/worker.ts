// One workload in a process of its own: reads "steps N" lines, answers each with a line of JSON.
import { createInterface } from 'node:readline';
import { manualSeed } from '@rivulet/nn';
import { defaultBackend } from '@rivulet/tensor';
import { Trainer } from '@rivulet/training';
import { workloads } from './workloads.ts';

const [name = ''] = process.argv.slice(2);
await defaultBackend();
manualSeed(1);
const { feeds, ...options } = workloads[name]!();
const trainer = new Trainer(options);
let gap = 0;
let last = performance.now();
const ticker = setInterval(() => {
  gap = Math.max(gap, performance.now() - last - 1);
  last = performance.now();
}, 1);
ticker.unref();
for await (const line of createInterface({ input: process.stdin })) {
  const times: number[] = [];
  let loss = 0;
  last = performance.now();
  for (let left = Number(line.split(' ')[1]); left > 0; left--) {
    const begin = performance.now();
    ({ loss } = await trainer.train(feeds));
    times.push(performance.now() - begin);
  }
  process.stdout.write(`${JSON.stringify({ times, loss, gap, memory: process.resourceUsage().maxRSS / 1024 })}\n`);
  gap = 0;
}
await trainer.dispose();
