import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { dropout, Linear, Module, manualSeed } from '@rivulet/nn';
import { FileError, type InputSpec, readSafetensors } from '@rivulet/tensor';
import {
  adam,
  type Batch,
  bestModel,
  checkpoint,
  earlyStopping,
  type FitOptions,
  fit,
  Plateau,
  progress,
  reduceOnPlateau,
  restoreCheckpoint,
  type StoppingState,
  Trainer,
  type TrainingEvent,
} from '@rivulet/training';
import { expect } from 'chai';
import { lastValueFrom, Subject, take, tap, toArray } from 'rxjs';

type Inputs = Readonly<Record<'x' | 'y', InputSpec>>;

function makeTrainer(lr: number | (() => number) = 0.01): Trainer<Inputs> {
  manualSeed(1);
  class Net extends Module {
    readonly fc = new Linear(3, 1);
  }
  const model = new Net();
  return new Trainer<Inputs>({
    model,
    inputs: { x: { shape: [4, 3] }, y: { shape: [4, 1] } },
    optimizer: adam({ lr }),
    loss: ({ x, y }) => dropout(model.fc.forward(x), 0.1).sub(y).square().mean(),
    ema: 0.5,
  });
}

async function* batches(epoch: number): AsyncGenerator<Batch<Inputs>> {
  for (let i = 0; i < 5; i++) {
    const x = Float32Array.from({ length: 12 }, (_, k) => Math.sin(k + 10 * i + 100 * epoch));
    const y = Float32Array.from({ length: 4 }, (_, k) => x[3 * k]!);
    yield {
      feeds: { x: { dtype: 'float32', dims: [4, 3], data: x }, y: { dtype: 'float32', dims: [4, 1], data: y } },
      items: 4,
    };
  }
}

const figures = [3, 2, 2.5, 1, 1.2, 1.3, 1.4, 1.5];
const options: FitOptions<Inputs> = {
  batches,
  batchCount: () => 5,
  epochs: 3,
  evaluate: async (epoch) => ({ score: figures[epoch]! }),
};
type Operator = ReturnType<typeof earlyStopping>;
const same: Operator = tap(() => {});
const run = (trainer: Trainer<Inputs>, more: Partial<FitOptions<Inputs>>, operator = same): Promise<TrainingEvent[]> =>
  lastValueFrom(fit(trainer, { ...options, ...more }).pipe(operator, toArray()));

describe('fit, further', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'rivulet-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it('takes several batches per step, the rest at the end of an epoch', async () => {
    const trainer = makeTrainer();
    const events = await run(trainer, { accumulate: 2 });
    expect(trainer.step).to.equal(9);
    expect(events[0]).to.deep.include({ type: 'run-start', stepsPerEpoch: 3 });
    const steps = events.flatMap((e) => (e.type === 'step-end' ? [[e.items, e.position.batch]] : []));
    expect(steps.slice(0, 4)).to.deep.equal([
      [8, 2],
      [8, 4],
      [4, 5],
      [8, 2],
    ]);
    expect(() => fit(trainer, { ...options, accumulate: 0 })).to.throw(RangeError, 'accumulate');
    await trainer.dispose();
  });

  it('resumes in the middle of an epoch to the same events', async () => {
    const [whole, first, second] = [makeTrainer(), makeTrainer(), makeTrainer()];
    const plain = (events: TrainingEvent[]): unknown[] =>
      events.map((event) => ({ ...event, seconds: 0, waitUntil: 0, stop: 0 }));
    const expected = plain(await run(whole, { accumulate: 2 }));
    const stopping = tap<TrainingEvent>((event) => event.type === 'step-end' && event.step === 5 && event.stop());
    const before = await lastValueFrom(
      fit(first, { ...options, accumulate: 2 }).pipe(stopping, checkpoint(folder, first), toArray()),
    );
    expect(before.at(-1)).to.deep.include({ type: 'run-end', reason: 'stopped', step: 5 });
    const state = await restoreCheckpoint(folder, second);
    const after = await run(second, { accumulate: 2, from: state!.position });
    expect(plain(after).slice(1)).to.deep.equal(expected.slice(expected.length - after.length + 1));
    await Promise.all([whole, first, second].map((trainer) => trainer.dispose()));
  });

  it('ends while it waits for data that does not come, when unsubscribed or stopped', async () => {
    const stuck = async function* (): AsyncGenerator<Batch<Inputs>> {
      for await (const batch of batches(0)) {
        yield batch;
        await new Promise(() => {});
      }
    };
    const [trainer, controller] = [makeTrainer(), new AbortController()];
    const stopping = tap<TrainingEvent>((e) => e.type === 'step-end' && setImmediate(() => controller.abort()));
    const events = await run(trainer, { batches: stuck, signal: controller.signal }, stopping);
    expect(events.map(({ type }) => type)).to.deep.equal(['run-start', 'step-end', 'run-end']);
    let closed = false;
    const closing = async function* (): AsyncGenerator<Batch<Inputs>> {
      try {
        yield* batches(0);
      } finally {
        closed = true;
      }
    };
    await lastValueFrom(fit(trainer, { ...options, batches: closing }).pipe(take(2)));
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(closed).to.equal(true);
    expect(trainer.step).to.be.at.most(3);
    await trainer.dispose();
  });

  it('ends early when a figure stops getting better, and goes on counting when resumed', async () => {
    const trainer = makeTrainer();
    const state: StoppingState = { best: null, waited: 0 };
    const stop = earlyStopping({ patience: 2, metric: 'score', state });
    const events = await run(trainer, { epochs: 8 }, stop);
    expect(events.at(-1)).to.deep.include({ type: 'run-end', reason: 'stopped', position: { epoch: 6, batch: 0 } });
    expect(state).to.deep.equal({ best: 1, waited: 2 });
    const resumed = earlyStopping({ patience: 3, metric: 'score', state: { best: 1, waited: 2 } });
    const rest = await run(trainer, { epochs: 8, from: { epoch: 6, batch: 0 } }, resumed);
    expect(rest.at(-1)).to.deep.include({ position: { epoch: 7, batch: 0 }, reason: 'stopped' });
    const rising = await run(
      makeTrainer(),
      { epochs: 8 },
      earlyStopping({ patience: 1, metric: 'score', mode: 'max' }),
    );
    expect(rising.at(-1)).to.deep.include({ position: { epoch: 2, batch: 0 } });
    expect(() => earlyStopping({ patience: 0 })).to.throw(RangeError, 'patience');
    await trainer.dispose();
  });

  it('names the figures that there are where one is missing', async () => {
    const failure = await run(makeTrainer(), {}, earlyStopping({ patience: 2, metric: 'accuracy' })).then(
      () => '',
      (error: Error) => error.message,
    );
    expect(failure).to.equal("epoch 1 has no figure 'accuracy'; it has: loss, score");
  });

  it('keeps the weights of the best epoch, also when resumed', async () => {
    const trainer = makeTrainer();
    const weights: Record<number, unknown> = {};
    const note = tap<TrainingEvent>((event) => {
      if (event.type === 'epoch-end')
        weights[event.epoch] = Array.from(trainer.weights().get('fc.weight')!.data as Float32Array);
    });
    const best = (): Operator => bestModel(folder, trainer, { metric: 'score' });
    await lastValueFrom(fit(trainer, options).pipe(note, best(), toArray()));
    expect(JSON.parse(readFileSync(join(folder, 'best.json'), 'utf8'))).to.deep.equal({
      metric: 'score',
      value: 2,
      epoch: 1,
      step: 10,
    });
    const saved = async (): Promise<unknown> => {
      const file = await readSafetensors(join(folder, 'model.safetensors'));
      return Array.from(file.get('fc.weight')!.data as Float32Array);
    };
    expect(await saved()).to.deep.equal(weights[1]);
    const worse = { from: { epoch: 3, batch: 0 }, epochs: 5, evaluate: async () => ({ score: 2.2 }) };
    await run(trainer, worse, best());
    expect(await saved()).to.deep.equal(weights[1]);
    writeFileSync(join(folder, 'best.json'), '{');
    const failure = await run(trainer, { from: { epoch: 4, batch: 0 }, epochs: 5 }, best()).then(
      () => null,
      (error: unknown) => error,
    );
    expect(failure).to.be.instanceOf(FileError);
    expect(existsSync(join(folder, 'model.safetensors'))).to.equal(true);
    await trainer.dispose();
  });

  it('reduces the learning rate on a plateau', async () => {
    const plateau = new Plateau({ lr: 0.1, patience: 1, factor: 0.5 });
    const trainer = makeTrainer(plateau.rate);
    const events = await run(trainer, { epochs: 8 }, reduceOnPlateau(plateau, { metric: 'score' }));
    const rates = events.flatMap((e) => (e.type === 'step-end' && e.position.batch === 1 ? [e.learningRate] : []));
    expect(rates).to.deep.equal([0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.05, 0.05]);
    await trainer.dispose();
  });

  it('shows a changing line on a terminal, a line per epoch elsewhere', async () => {
    for (const isTTY of [true, false]) {
      let text = '';
      const out = { isTTY, write: (more: string) => (text += more) };
      const trainer = makeTrainer();
      await run(trainer, {}, progress({ out, unit: 'rows' }));
      expect(text).to.match(/epoch 3\/3 loss [\d.]+ score 2\.5000 [\d,]+ rows\/s\n[^\n]*done after step 15\n$/);
      expect(text.includes('step 7/15 loss')).to.equal(isTTY);
      expect(text.includes('\r')).to.equal(isTTY);
      expect(text.split('\n')).to.have.length(5);
      await trainer.dispose();
    }
  });

  it('shows two runs at the same time in one line, with whole lines above it', async () => {
    const screen = [''];
    const out = {
      isTTY: true,
      columns: 150,
      write(text: string) {
        for (const c of text.replaceAll('\u001b[K', '\f').split('')) {
          if (c === '\n') screen.push('');
          else if (c === '\r') at = 0;
          else if (c === '\f') screen[screen.length - 1] = screen.at(-1)!.slice(0, at);
          else screen[screen.length - 1] = screen.at(-1)!.slice(0, at) + c + screen.at(-1)!.slice(++at);
          if (c === '\n') at = 0;
        }
        live.push(screen.at(-1)!);
      },
    };
    let at = 0;
    const live: string[] = [];
    const trainer = makeTrainer();
    const events = await run(trainer, {});
    const runs = [0, 1].map((i) => {
      const subject = new Subject<TrainingEvent>();
      subject.pipe(progress({ out, unit: 'rows', name: `run ${i}` })).subscribe();
      return subject;
    });
    for (const event of events) for (const subject of runs) subject.next(event);
    for (const subject of runs) subject.complete();
    const lines = screen.slice(0, -1);
    expect(screen.at(-1)).to.equal('');
    expect(lines).to.have.length(8); // three epochs and an end of each
    for (const line of lines)
      expect(line).to.match(/^run \d: (epoch \d\/3 loss [\d.]+ score [\d.]+ [\d,]+ rows\/s|done after step 15)$/);
    expect(live.some((line) => /^run 0: step .* left \| run 1: step .* left$/.test(line))).to.equal(true);
    expect(Math.max(...live.map((line) => line.length))).to.be.lessThan(150);
    await trainer.dispose();
  });
});
