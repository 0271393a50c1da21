import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { crossEntropy, dropout, Linear, linear, Module, manualSeed, storageOf } from '@rivulet/nn';
import { type InputSpec, symbol } from '@rivulet/tensor';
import {
  adamW,
  type Batch,
  checkpoint,
  cosine,
  type FitOptions,
  fit,
  restoreCheckpoint,
  Trainer,
  type TrainingEvent,
} from '@rivulet/training';
import { expect } from 'chai';
import { lastValueFrom, take, tap, toArray } from 'rxjs';

type Inputs = Readonly<Record<'x' | 'y', InputSpec>>;

class Net extends Module {
  readonly fc1 = new Linear(4, 16);
  readonly fc2 = new Linear(16, 1);
}

function makeTrainer(ema?: number): Trainer<Inputs> {
  manualSeed(1);
  const model = new Net();
  return new Trainer<Inputs>({
    model,
    inputs: { x: { shape: [8, 4] }, y: { shape: [8, 1] } },
    optimizer: adamW({ lr: cosine({ lr: 0.01, steps: 30, warmup: 3 }) }),
    loss: ({ x, y }) => {
      const hidden = dropout(linear(x, model.fc1.weight, model.fc1.bias).tanh(), 0.2);
      const error = model.fc2.forward(hidden).sub(y);
      return error.mul(error).mean();
    },
    seed: 3,
    ...(ema === undefined ? {} : { ema }),
  });
}

function* batches(epoch: number): Generator<Batch<Inputs>> {
  for (let i = 0; i < 5; i++) {
    const x = Float32Array.from({ length: 32 }, (_, k) => Math.sin(k + 10 * i + 100 * epoch));
    const y = Float32Array.from({ length: 8 }, (_, k) => x[4 * k]! - x[4 * k + 1]!);
    yield {
      feeds: { x: { dtype: 'float32', dims: [8, 4], data: x }, y: { dtype: 'float32', dims: [8, 1], data: y } },
      items: 8,
    };
  }
}

const options: FitOptions<Inputs> = { batches, batchCount: () => 5, epochs: 3 };
const losses = (events: readonly TrainingEvent[]): number[] =>
  events.flatMap((e) => (e.type === 'step-end' ? [e.loss] : []));
const run = (trainer: Trainer<Inputs>, more: Partial<FitOptions<Inputs>> = {}): Promise<TrainingEvent[]> =>
  lastValueFrom(fit(trainer, { ...options, ...more }).pipe(toArray()));

describe('fit', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'rivulet-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it('tells every step and epoch, and learns', async () => {
    const events = await run(makeTrainer(), { evaluate: async (epoch) => ({ epoch }) });
    expect(events.map(({ type }) => type)).to.deep.equal([
      'run-start',
      ...[1, 2, 3].flatMap(() => [...Array(5).fill('step-end'), 'epoch-end']),
      'run-end',
    ]);
    expect(events.at(-1)).to.deep.include({ reason: 'done', step: 15, position: { epoch: 3, batch: 0 } });
    expect(events.find((e) => e.type === 'epoch-end')).to.deep.include({
      metrics: { epoch: 0 },
      position: { epoch: 1, batch: 0 },
    });
    const all = losses(events);
    expect(all.at(-1)).to.be.lessThan(all[0]!);
  });

  it('starts when subscribed and stops after the step in progress when unsubscribed', async () => {
    const trainer = makeTrainer();
    const stream = fit(trainer, options);
    expect(trainer.step).to.equal(0);
    await lastValueFrom(stream.pipe(take(3))); // run-start and two steps
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(trainer.step).to.be.at.most(3);
  });

  it('stops on the signal, at any step, and resumes from the checkpoint to the same bits', async () => {
    const whole = makeTrainer(0.9);
    const expected = losses(await run(whole));
    for (const stopAt of [1, 5, 7]) {
      const directory = join(folder, String(stopAt));
      const controller = new AbortController();
      const first = makeTrainer(0.9);
      const before = await lastValueFrom(
        fit(first, { ...options, signal: controller.signal }).pipe(
          tap((event) => event.type === 'step-end' && event.step === stopAt && controller.abort()),
          checkpoint(directory, first),
          toArray(),
        ),
      );
      expect(before.at(-1)).to.deep.include({ type: 'run-end', reason: 'stopped', step: stopAt });
      const second = makeTrainer(0.9);
      const state = await restoreCheckpoint(directory, second);
      expect(state!.step).to.equal(stopAt);
      const after = await run(second, { from: state!.position });
      expect([...losses(before), ...losses(after)]).to.deep.equal(expected);
      expect([...second.weights()].map(([, t]) => [...t.data])).to.deep.equal(
        [...whole.weights()].map(([, t]) => [...t.data]),
      );
    }
  });

  it('waits for what its receivers do, and fails with it', async () => {
    const trainer = makeTrainer();
    const order: string[] = [];
    const slow = async (): Promise<void> => {
      order.push(`begin ${trainer.step}`);
      await new Promise((resolve) => setTimeout(resolve, 5));
      order.push(`end ${trainer.step}`);
    };
    await lastValueFrom(
      fit(trainer, { ...options, epochs: 1 }).pipe(tap((e) => e.type === 'step-end' && e.waitUntil(slow()))),
    );
    expect(order).to.deep.equal([1, 2, 3, 4, 5].flatMap((i) => [`begin ${i}`, `end ${i}`]));
    const broken = fit(makeTrainer(), options).pipe(
      tap((e) => e.type === 'step-end' && e.waitUntil(Promise.reject(new Error('disk full')))),
    );
    expect(await lastValueFrom(broken).catch((e: Error) => e.message)).to.equal('disk full');
  });

  it('keeps one checkpoint, and names a damaged one', async () => {
    const trainer = makeTrainer();
    await lastValueFrom(
      fit(trainer, options).pipe(checkpoint(folder, trainer, { everySteps: 2, extra: () => ({ best: 1 }) })),
    );
    expect(readdirSync(folder)).to.deep.equal(['checkpoint-00000015']);
    const state = await restoreCheckpoint(folder, makeTrainer());
    expect(state).to.deep.equal({ step: 15, position: { epoch: 3, batch: 0 }, extra: { best: 1 } });
    writeFileSync(join(folder, 'checkpoint-00000015', 'state.json'), '{');
    expect(await restoreCheckpoint(folder, makeTrainer()).catch((e: Error) => e.message)).to.include(
      'state.json: is damaged',
    );
    expect(await restoreCheckpoint(join(folder, 'none'), makeTrainer())).to.equal(null);
  });

  it('refuses a batch without rows and a class that there is none of, and changes nothing', async () => {
    const model = new Linear(3, 5);
    const B = symbol('B');
    const trainer = new Trainer<Inputs>({
      model,
      inputs: { x: { shape: [B, 3] }, y: { shape: [B], dtype: 'int32' } },
      optimizer: adamW({ lr: 0.1 }),
      loss: ({ x, y }) => crossEntropy(model.forward(x), y),
    });
    const train = (...classes: number[]): Promise<unknown> => {
      const x = new Float32Array(3 * classes.length).fill(1);
      return trainer.train({
        x: { dtype: 'float32', dims: [classes.length, 3], data: x },
        y: { dtype: 'int32', dims: [classes.length], data: Int32Array.from(classes) },
      });
    };
    const refusal = (...classes: number[]): Promise<unknown> => train(...classes).catch((error: unknown) => error);
    const before = [...storageOf(model.weight).data];
    for (const [classes, message] of [
      [[], "train: the batch is empty: 'x' is float32 [0, 3], expected one row or more"],
      [[2, 7], "of the inputs, 'y' holds 2 to 7"],
      [[-3, 1], "of the inputs, 'y' holds -3 to 1"],
    ] as const) {
      const error = await refusal(...classes);
      expect(error).to.be.instanceOf(RangeError);
      expect((error as Error).message).to.include(message);
      expect([...storageOf(model.weight).data]).to.deep.equal(before);
      expect(trainer.step).to.equal(0);
    }
    await train(2, 4);
    expect([...storageOf(model.weight).data]).to.not.deep.equal(before);
    await trainer.dispose();
  });

  it('says that the loss is no number, and at which step', async () => {
    const trainer = makeTrainer();
    const poisoned = function* (): Generator<Batch<Inputs>> {
      for (const { feeds, items } of batches(0))
        yield { feeds: { ...feeds, y: { ...feeds.y, data: new Float32Array(8).fill(Number.NaN) } }, items };
    };
    expect(await run(trainer, { batches: poisoned }).catch((e: Error) => e.message)).to.include(
      'the loss is NaN at step 1',
    );
  });

  it('averages the weights it is asked to', async () => {
    const trainer = makeTrainer(0.5);
    const start = Float32Array.from(storageOf((trainer.model as Net).fc2.bias!).data as Float32Array);
    const [{ feeds }] = [...batches(0)] as [Batch<Inputs>];
    await trainer.train(feeds);
    const now = storageOf((trainer.model as Net).fc2.bias!).data[0] as number;
    expect(trainer.weights().get('fc2.bias')!.data[0]).to.be.closeTo((start[0]! + now) / 2, 1e-7);
  });

  it('keeps its memory over 1,000 steps', async function () {
    if (!globalThis.gc) this.skip();
    const trainer = makeTrainer();
    const [{ feeds }] = [...batches(0)] as [Batch<Inputs>];
    for (let i = 0; i < 300; i++) await trainer.train(feeds);
    globalThis.gc();
    const before = process.memoryUsage().rss;
    for (let i = 0; i < 1000; i++) await trainer.train(feeds);
    globalThis.gc();
    expect((process.memoryUsage().rss - before) / 2 ** 20).to.be.lessThan(30);
  });
});
