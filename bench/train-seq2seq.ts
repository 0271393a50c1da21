import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { compile, defaultBackend, type HostTensor } from '@rivulet/tensor';
import { fit } from '@rivulet/training';
import { lastValueFrom, takeWhile, tap } from 'rxjs';
import { type Seq2SeqSettings, seq2seqTask } from '../packages/rivulet/src/training/seq2seq-task.ts';
import type { Figure } from './main.ts';
import { median } from './median.ts';

const root = new URL('../', import.meta.url).pathname;
const STEPS = 1000;

/** 1,000 steps of the shipped model's training, evaluations included: speed, memory, and how long the event loop stood still. */
export async function trainSeq2Seq(): Promise<Figure[]> {
  await defaultBackend(); // loading the runtime's library is part of starting a program, not of training
  const settings = JSON.parse(await readFile(join(root, 'models/zh-en/settings.json'), 'utf8')) as Seq2SeqSettings;
  const directory = await mkdtemp(join(tmpdir(), 'rivulet-bench-'));
  const data = join(root, '../shared/data/text/cmn-eng/cmn.txt');
  const { trainer, options } = await seq2seqTask({ ...settings, data }, directory);
  await rm(directory, { recursive: true });
  await new Promise((resolve) => setTimeout(resolve, 20)); // so that reading the data is not counted
  const speeds: number[] = [];
  const memory: number[] = [];
  const gaps = { compiling: 0, training: 0 };
  let last = performance.now();
  const ticker = setInterval(() => {
    const now = performance.now();
    const phase = trainer.step === 0 ? 'compiling' : 'training';
    gaps[phase] = Math.max(gaps[phase], now - last - 1);
    last = now;
  }, 1);
  await lastValueFrom(
    fit(trainer, options).pipe(
      tap((event) => {
        if (event.type !== 'step-end') return;
        speeds.push(event.items / event.seconds);
        if (event.step % 100 === 0) memory.push(process.memoryUsage().rss / 2 ** 20);
      }),
      takeWhile((event) => event.step < STEPS),
    ),
  );
  clearInterval(ticker);
  await trainer.dispose();
  const product = await gigaflops();
  return [
    { what: `training seq2seq, median of ${STEPS} steps`, value: median(speeds), unit: 'target tokens/s' },
    { what: 'the machine now: a float32 product of 1024 × 1024', value: product, unit: 'GFLOP/s' },
    { what: 'resident memory after 200 steps', value: memory[1]!, unit: 'MiB' },
    { what: `resident memory after ${STEPS} steps`, value: memory.at(-1)!, unit: 'MiB' },
    { what: 'longest gap of the event loop until the first step', value: gaps.compiling, unit: 'ms' },
    { what: `longest gap of the event loop in ${STEPS} steps`, value: gaps.training, unit: 'ms' },
  ];
}

/** The speed of the machine at this moment, to read the others by. */
async function gigaflops(): Promise<number> {
  const size = 1024;
  const graph = await compile({ a: { shape: [size, size] }, b: { shape: [size, size] } }, ({ a, b }) => ({
    c: a.matmul(b),
  }));
  const matrix = (): HostTensor => ({
    dtype: 'float32',
    dims: [size, size],
    data: new Float32Array(size * size).fill(0.5),
  });
  const feeds = { a: matrix(), b: matrix() };
  const times: number[] = [];
  for (let i = 0; i < 15; i++) {
    const begin = performance.now();
    await graph.run(feeds);
    times.push(performance.now() - begin);
  }
  await graph.dispose();
  return (2 * size ** 3) / median(times) / 1e6;
}
