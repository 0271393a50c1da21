import { readFile } from 'node:fs/promises';
import {
  adamW,
  compileStep,
  cosine,
  crossEntropy,
  type HostTensor,
  type InputSpec,
  manualSeed,
  normal,
  seeded,
  symbol,
  Trainer,
} from 'rivulet';
import { GPT } from '../engine/gpt.ts';
import type { Figure } from '../main.ts';
import { findPython, Side } from '../side.ts';

const TEXT = new URL('../../../shared/data/text/tinyshakespeare/input.txt', import.meta.url).pathname;
const PEER = new URL('../peers/char_gpt.py', import.meta.url).pathname;

/** nanoGPT's recipe for a CPU (https://github.com/karpathy/nanoGPT#quick-start). Its layers have no biases, ours do. */
const SIZE = { layers: 4, heads: 4, width: 128, time: 64 };
const [STEPS, BATCH, SEED] = [2000, 12, 1337];
/** Ours and PyTorch take so many steps in turn, so that both meet the same machine. */
const TURN = 100;

type Inputs = Readonly<Record<'x' | 'y', InputSpec>>;
type Ids = Record<'x' | 'y', HostTensor>;

/** Trains on the first nine tenths of the plays, then reads the rest: all of it, in windows of 64 characters. */
export async function charGPT(): Promise<Figure[]> {
  const text = await readFile(TEXT, 'utf8');
  const characters = [...new Set(text)].sort();
  const ids = Int32Array.from(text, (c) => characters.indexOf(c));
  const cut = Math.floor(0.9 * ids.length);
  const [train, validation] = [ids.subarray(0, cut), ids.subarray(cut)];
  const python = findPython('torch');
  const peer = python ? new Side(python, [PEER, TEXT]) : null;
  let theirs = 0;

  let begin = performance.now();
  manualSeed(SEED);
  const model = new GPT({ ...SIZE, vocab: characters.length });
  for (const { attn, mlp } of model.blocks)
    for (const { weight } of [attn.proj, mlp.fc2]) normal(weight, 0.02 / Math.sqrt(2 * SIZE.layers));
  const inputs = (batch: InputSpec['shape'][number]): Inputs => ({
    x: { shape: [batch, SIZE.time], dtype: 'int32' },
    y: { shape: [batch, SIZE.time], dtype: 'int32' },
  });
  const trainer = new Trainer<Inputs>({
    model,
    inputs: inputs(BATCH),
    optimizer: adamW({
      lr: cosine({ lr: 1e-3, steps: STEPS, warmup: 100, floor: 0.1 }),
      betas: [0.9, 0.99],
      weightDecay: 0.1,
    }),
    loss: ({ x, y }) => crossEntropy(model.forward(x), y),
    clipNorm: 1,
  });
  const random = seeded(SEED);
  let seconds = 0;
  for (let done = 0; done < STEPS; done += TURN) {
    let loss = 0;
    for (let i = 0; i < TURN; i++) {
      const starts = Array.from({ length: BATCH }, () => random.nextUint32() % (train.length - SIZE.time));
      ({ loss } = await trainer.train(windows(train, starts)));
    }
    seconds += (performance.now() - begin) / 1000;
    process.stderr.write(`step ${done + TURN}/${STEPS} loss ${loss.toFixed(4)} ${seconds.toFixed(1)} s\n`);
    const answer = await peer?.ask<{ times: number[] }>(`steps ${TURN}`);
    theirs += (answer?.times.reduce((a, b) => a + b) ?? 0) / 1000;
    begin = performance.now();
  }
  const memory = process.resourceUsage().maxRSS / 1024;
  const figures = [
    { what: 'char-gpt: validation loss', value: await lossOf(model, inputs(symbol('B')), validation), unit: 'nats' },
    { what: `char-gpt: ${STEPS} steps, compilation included`, value: seconds, unit: 's' },
    { what: 'char-gpt: peak memory', value: memory, unit: 'MiB' },
  ];
  await trainer.dispose();
  if (!peer) return figures;
  const { loss } = await peer.ask<{ loss: number }>('validate');
  peer.end();
  return [
    ...figures,
    { what: "char-gpt: PyTorch's validation loss", value: loss, unit: 'nats' },
    { what: `char-gpt: PyTorch's ${STEPS} steps`, value: theirs, unit: 's' },
    { what: "char-gpt: time, ratio to PyTorch's", value: seconds / theirs, unit: '×' },
  ];
}

/** What follows each start, and the same one character on. */
function windows(ids: Int32Array, starts: readonly number[]): Ids {
  const rows = (shift: number): HostTensor => {
    const data = new Int32Array(starts.length * SIZE.time);
    starts.forEach((start, i) => {
      data.set(ids.subarray(start + shift, start + shift + SIZE.time), i * SIZE.time);
    });
    return { dtype: 'int32', dims: [starts.length, SIZE.time], data };
  };
  return { x: rows(0), y: rows(1) };
}

/** The mean loss over all whole windows, one after another. */
async function lossOf(model: GPT, inputs: Inputs, ids: Int32Array): Promise<number> {
  const graph = await compileStep(
    inputs,
    ({ x, y }) => ({ outputs: { loss: crossEntropy(model.forward(x), y, { reduction: 'sum' }) }, updates: new Map() }),
    { training: false },
  );
  const starts = Array.from({ length: Math.floor((ids.length - 1) / SIZE.time) }, (_, i) => i * SIZE.time);
  let sum = 0;
  for (let from = 0; from < starts.length; from += 64) {
    const { loss } = await graph.run(windows(ids, starts.slice(from, from + 64)));
    sum += loss.data[0] as number;
  }
  await graph.dispose();
  return sum / starts.length / SIZE.time;
}
