// node … resumable-run.ts DIRECTORY HOLD: trains from the newest checkpoint there, or from the start; prints "step loss" lines.
// From the step HOLD on it waits to be killed, so that a busy machine cannot let it end first.
import { writeSync } from 'node:fs';
import { BatchNorm, Dropout, Linear, Module, manualSeed } from '@rivulet/nn';
import { type HostTensor, type InputSpec, symbol, type Tensor } from '@rivulet/tensor';
import { adamW, type Batch, checkpoint, cosine, dataset, fit, restoreCheckpoint, Trainer } from '@rivulet/training';
import { lastValueFrom, tap } from 'rxjs';

class Net extends Module {
  readonly fc1 = new Linear(4, 16);
  readonly bn = new BatchNorm(16);
  readonly drop = new Dropout(0.2);
  readonly fc2 = new Linear(16, 1);
  forward(x: Tensor): Tensor {
    return this.fc2.forward(this.drop.forward(this.bn.forward(this.fc1.forward(x)).tanh()));
  }
}

type Inputs = Readonly<Record<'x' | 'y', InputSpec>>;
const [directory = '', holdAt = ''] = process.argv.slice(2);
const [BATCHES, EPOCHS] = [8, 5];

const floats = (data: Float32Array, width: number): HostTensor => ({
  dtype: 'float32',
  dims: [data.length / width, width],
  data,
});

function toBatch(numbers: readonly number[]): Batch<Inputs> {
  const x = Float32Array.from({ length: 4 * numbers.length }, (_, k) => Math.sin(7 * numbers[k >> 2]! + k));
  const y = Float32Array.from(numbers, (_, i) => x[4 * i]! - x[4 * i + 1]!);
  return { feeds: { x: floats(x, 4), y: floats(y, 1) }, items: numbers.length };
}

manualSeed(1);
const model = new Net();
const trainer = new Trainer<Inputs>({
  model,
  inputs: { x: { shape: [symbol('N'), 4] }, y: { shape: [symbol('N'), 1] } },
  optimizer: adamW({ lr: cosine({ lr: 0.01, steps: BATCHES * EPOCHS, warmup: 3 }) }),
  loss: ({ x, y }) => model.forward(x).sub(y).square().mean(),
  ema: 0.9,
  seed: 3,
});
const state = await restoreCheckpoint(directory, trainer);
await lastValueFrom(
  fit(trainer, {
    batches: (epoch) =>
      dataset(Array.from({ length: 8 * BATCHES }, (_, i) => i))
        .shuffle({ seed: 5, epoch })
        .batch(8)
        .map(toBatch),
    batchCount: () => BATCHES,
    epochs: EPOCHS,
    ...(state ? { from: state.position } : {}),
  }).pipe(
    tap((event) => {
      if (event.type !== 'step-end') return;
      writeSync(1, `${event.step} ${event.loss}\n`); // at once: what is buffered dies with the process
      event.waitUntil(new Promise((resolve) => setTimeout(resolve, event.step < Number(holdAt) ? 5 : 60_000)));
    }),
    checkpoint(directory, trainer, { everySteps: 3 }),
  ),
);
await trainer.dispose();
