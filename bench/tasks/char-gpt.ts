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
  type Random,
  seeded,
  symbol,
  Trainer,
} from 'rivulet';
import { GPT } from '../engine/gpt.ts';
import type { Figure } from '../main.ts';
import { findPython, Side } from '../side.ts';

const TEXT = new URL('../../../shared/data/text/tinyshakespeare/input.txt', import.meta.url).pathname;
const PEER = new URL('../peers/char_gpt.py', import.meta.url).pathname;

/** nanoGPT's recipe for a CPU (https://github.com/karpathy/nanoGPT#quick-start). */
const SIZE = { layers: 4, heads: 4, width: 128, time: 64, bias: false };
const [STEPS, BATCH, SEED] = [2000, 12, 1337];
/** nanoGPT says how a run went by the mean loss of so many random batches. */
const ESTIMATES = 20;
/** Ours and PyTorch take so many steps in turn, so that both meet the same machine. */
const TURN = 100;

type Inputs = Readonly<Record<'x' | 'y', InputSpec>>;
type Ids = Record<'x' | 'y', HostTensor>;

/**
 * Trains on the first nine tenths of the plays, then reads the rest: all of it, in windows of 64 characters, and once more as nanoGPT
 * does, in 20 batches of random windows (its 1.88 is such an estimate).
 */
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
      ({ loss } = await trainer.train(windows(train, anywhere(train, BATCH, random))));
    }
    seconds += (performance.now() - begin) / 1000;
    process.stderr.write(`step ${done + TURN}/${STEPS} loss ${loss.toFixed(4)} ${seconds.toFixed(1)} s\n`);
    const answer = await peer?.ask<{ times: number[] }>(`steps ${TURN}`);
    theirs += (answer?.times.reduce((a, b) => a + b) ?? 0) / 1000;
    begin = performance.now();
  }
  const memory = process.resourceUsage().maxRSS / 1024;
  const whole = Array.from({ length: Math.floor((validation.length - 1) / SIZE.time) }, (_, i) => i * SIZE.time);
  const samples = anywhere(validation, ESTIMATES * BATCH, random);
  const graph = await reader(model, inputs(symbol('B')));
  const figures = [
    { what: 'char-gpt: validation loss', value: await graph.lossOf(validation, whole), unit: 'nats' },
    { what: "char-gpt: nanoGPT's estimate of it", value: await graph.lossOf(validation, samples), unit: 'nats' },
    { what: `char-gpt: ${STEPS} steps, compilation included`, value: seconds, unit: 's' },
    { what: 'char-gpt: peak memory', value: memory, unit: 'MiB' },
  ];
  await graph.dispose();
  await trainer.dispose();
  if (!peer) return figures;
  const { loss, estimate } = await peer.ask<{ loss: number; estimate: number }>('validate');
  peer.end();
  return [
    ...figures,
    { what: "char-gpt: PyTorch's validation loss", value: loss, unit: 'nats' },
    { what: "char-gpt: nanoGPT's estimate of it, PyTorch", value: estimate, unit: 'nats' },
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

/** Starts of windows. */
const anywhere = (ids: Int32Array, count: number, random: Random): number[] =>
  Array.from({ length: count }, () => random.nextUint32() % (ids.length - SIZE.time));

interface Reader {
  /** The mean loss of the windows that begin at these starts. */
  lossOf(ids: Int32Array, starts: readonly number[]): Promise<number>;
  dispose(): Promise<void>;
}

async function reader(model: GPT, inputs: Inputs): Promise<Reader> {
  const graph = await compileStep(
    inputs,
    ({ x, y }) => ({ outputs: { loss: crossEntropy(model.forward(x), y, { reduction: 'sum' }) }, updates: new Map() }),
    { training: false },
  );
  return {
    async lossOf(ids, starts) {
      let sum = 0;
      for (let from = 0; from < starts.length; from += 64) {
        const { loss } = await graph.run(windows(ids, starts.slice(from, from + 64)));
        sum += loss.data[0] as number;
      }
      return sum / starts.length / SIZE.time;
    },
    dispose: () => graph.dispose(),
  };
}
