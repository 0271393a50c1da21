import { readFileSync } from 'node:fs';
import { BatchNorm, crossEntropy, freeze, Linear, Module, sequential, storageOf } from '@rivulet/nn';
import type { HostTensor, Tensor } from '@rivulet/tensor';
import { sgd, Trainer } from '@rivulet/training';
import { expect } from 'chai';
import { fill, fillModule } from '../../../test/support/parity.ts';

// Made by tools/reference/torch_averages.py.
const file = new URL('./fixtures/torch-averages.json', import.meta.url);
const { cases } = JSON.parse(readFileSync(file, 'utf8')) as { cases: Record<string, Record<string, number[]>> };

class Net extends Module {
  readonly 0 = new Linear(4, 6);
  readonly 1 = new BatchNorm(6);
  readonly 3 = new Linear(6, 3);

  forward(x: Tensor): Tensor {
    return sequential(x, [this[0], this[1], (y) => y.tanh(), this[3]]);
  }
}

const inputs = { x: { shape: [8, 4] }, target: { shape: [8], dtype: 'int32' } } as const;
const target: HostTensor = { dtype: 'int32', dims: [8], data: Int32Array.from({ length: 8 }, (_, i) => i % 3) };
const batch = (step: number, i: number) => ({ x: fill([8, 4], 2 + step + 0.3 * i, 1.5), target });

function makeTrainer(model = new Net()): Trainer<typeof inputs> {
  fillModule(model);
  return new Trainer({
    model,
    inputs,
    optimizer: sgd({ lr: 0.1, momentum: 0.9 }),
    loss: ({ x, target }) => crossEntropy(model.forward(x), target),
    ema: 0.8,
  });
}

describe('moving averages', () => {
  for (const [name, accumulate] of [
    ['one', 1],
    ['three', 3],
  ] as const)
    it(`are PyTorch's, those of batch norm's statistics too: batches of a step: ${name}`, async () => {
      const trainer = makeTrainer();
      for (let step = 0; step < 10; step++)
        await trainer.train(...Array.from({ length: accumulate }, (_, i) => batch(step, i)));
      const weights = trainer.weights();
      for (const [key, expected] of Object.entries(cases[name]!))
        expect(weights.get(key)!.data, key).to.be.allclose(expected, { atol: 2e-5 });
      expect(weights.get('1.num_batches_tracked')!.data[0]).to.equal(BigInt(10 * accumulate));
      expect(trainer.modelState().get('1.running_mean')!.data).not.to.deep.equal(
        weights.get('1.running_mean')!.data,
        'the statistics of the weights themselves',
      );
      await trainer.dispose();
    });

  it('go on from a saved state', async () => {
    const [whole, first, second] = [makeTrainer(), makeTrainer(), makeTrainer()];
    for (let step = 0; step < 4; step++) await whole.train(batch(step, 0));
    for (let step = 0; step < 2; step++) await first.train(batch(step, 0));
    second.restore(first.step, first.modelState(), first.optimizerState());
    for (let step = 2; step < 4; step++) await second.train(batch(step, 0));
    expect(second.weights()).to.deep.equal(whole.weights());
    for (const trainer of [whole, first, second]) await trainer.dispose();
  });

  it('leave the statistics of frozen batch norm as they are', async () => {
    const model = new Net();
    storageOf(model[1].running_mean).data.set(fill([6], 1).data as never);
    freeze(model[1]);
    const trainer = makeTrainer(model);
    for (let step = 0; step < 3; step++) await trainer.train(batch(step, 0));
    expect(trainer.weights().get('1.running_mean')!.data).to.deep.equal(fill([6], 1).data);
    await trainer.dispose();
  });
});
