import { readFileSync } from 'node:fs';
import { crossEntropy, freeze, Linear, linear, Module, storageOf } from '@rivulet/nn';
import type { HostTensor } from '@rivulet/tensor';
import { adadelta, adagrad, adam, adamW, lion, rmsprop, sgd, Trainer, type TrainerOptions } from '@rivulet/training';
import { expect } from 'chai';
import { fill, fillModule } from '../../../test/support/parity.ts';

interface Curve {
  readonly losses: number[];
  readonly parameters: Record<string, number[]>;
}

// Made by tools/reference/torch_optimizers.py.
const file = new URL('./fixtures/torch-optimizers.json', import.meta.url);
const { cases } = JSON.parse(readFileSync(file, 'utf8')) as { cases: Record<string, Curve> };

class Net extends Module {
  readonly 0 = new Linear(4, 6);
  readonly 2 = new Linear(6, 3);
}

const inputs = { x: { shape: [8, 4] }, target: { shape: [8], dtype: 'int32' } } as const;
type Options = Pick<TrainerOptions<typeof inputs>, 'optimizer' | 'groups' | 'clipNorm' | 'clipValue'>;

function makeTrainer(options: Options): Trainer<typeof inputs> {
  const model = new Net();
  fillModule(model);
  return new Trainer({
    model,
    ...options,
    inputs,
    loss: ({ x, target }) => crossEntropy(model[2].forward(linear(x, model[0].weight, model[0].bias).tanh()), target),
  });
}

const target: HostTensor = { dtype: 'int32', dims: [8], data: Int32Array.from({ length: 8 }, (_, i) => i % 3) };
const feeds = { x: fill([8, 4], 2), target };

const optimizers: Record<string, Options> = {
  adam: { optimizer: adam({ lr: 0.05 }) },
  adamDecay: { optimizer: adam({ lr: 0.05, weightDecay: 0.1 }) },
  adamW: { optimizer: adamW({ lr: 0.05, weightDecay: 0.1, betas: [0.8, 0.95], decayed: 'all' }) },
  clipped: { optimizer: adam({ lr: 0.05 }), clipNorm: 0.1 },
  clippedByValue: { optimizer: sgd({ lr: 0.5 }), clipValue: 0.02 },
  sgd: { optimizer: sgd({ lr: 0.5 }) },
  momentum: { optimizer: sgd({ lr: 0.1, momentum: 0.9, weightDecay: 0.01 }) },
  dampened: { optimizer: sgd({ lr: 0.1, momentum: 0.9, dampening: 0.5 }) },
  nesterov: { optimizer: sgd({ lr: 0.1, momentum: 0.9, nesterov: true }) },
  rmsprop: { optimizer: rmsprop({ lr: 0.01 }) },
  rmspropCentered: { optimizer: rmsprop({ lr: 0.01, momentum: 0.5, centered: true, weightDecay: 0.01 }) },
  adagrad: { optimizer: adagrad({ lr: 0.1, lrDecay: 0.1, initialAccumulator: 0.2 }) },
  adadelta: { optimizer: adadelta({ lr: 2, weightDecay: 0.01 }) },
  lion: { optimizer: lion({ lr: 0.01, betas: [0.8, 0.9], weightDecay: 0.1, decayed: 'all' }) }, // timm's
  groups: {
    optimizer: adamW({ lr: 0.05, weightDecay: 0.1, decayed: 'all' }),
    groups: [{ parameters: '2', optimizer: adamW({ lr: 0.005, weightDecay: 0 }) }],
  },
};

describe('optimizers', () => {
  for (const [name, expected] of Object.entries(cases))
    it(`follow PyTorch for 20 steps: ${name}`, async () => {
      const trainer = makeTrainer(optimizers[name]!);
      const losses: number[] = [];
      for (let step = 0; step < 20; step++) losses.push((await trainer.train(feeds)).loss);
      expect(losses).to.be.allclose(expected.losses, { rtol: 1e-4 });
      for (const [key, t] of trainer.model.stateDict())
        expect(storageOf(t).data, key).to.be.allclose(expected.parameters[key]!, { atol: 1e-4 });
      await trainer.dispose();
    });

  it('move by the sign of the momentum: Lion', async () => {
    const trainer = makeTrainer({ optimizer: lion({ lr: 0.01, weightDecay: 0.5 }) });
    const before = Array.from(fill([6, 4], 0).data, Number);
    await trainer.train(feeds);
    const after = storageOf((trainer.model as Net)[0].weight).data;
    // the first momentum is a share of the gradient, so that every weight moves by the rate
    after.forEach((value, i) => {
      expect(Math.abs(Number(value) - before[i]! * (1 - 0.01 * 0.5))).to.be.closeTo(0.01, 1e-6);
    });
    const losses = [];
    for (let step = 0; step < 30; step++) losses.push((await trainer.train(feeds)).loss);
    expect(losses.at(-1)).to.be.lessThan(losses[0]! * 0.95);
    await trainer.dispose();
  });

  it('refuse options out of range, by name', () => {
    expect(() => adam({ lr: 1, betas: [0.9, 1] })).to.throw(RangeError, 'adam: beta2 must be in [0, 1), got 1');
    expect(() => sgd({ lr: 1, nesterov: true })).to.throw(RangeError, 'nesterov');
    expect(() => rmsprop({ lr: 1, momentum: -1 })).to.throw(RangeError, 'rmsprop: momentum');
    expect(() => adadelta({ rho: 1 })).to.throw(RangeError, 'adadelta: rho');
  });
});

describe('Trainer', () => {
  it('takes several batches as one: the mean of their gradients', async () => {
    const [whole, parts] = [
      makeTrainer({ optimizer: adam({ lr: 0.05 }) }),
      makeTrainer({ optimizer: adam({ lr: 0.05 }) }),
    ];
    const other = { x: fill([8, 4], 5), target };
    for (let step = 0; step < 3; step++) {
      // twice the same batch is that batch; two different ones are their mean
      const [a, b] = [await whole.train(feeds), await parts.train(feeds, feeds)];
      expect(b.loss).to.be.closeTo(a.loss, 1e-6);
      expect(b.gradientNorm).to.be.closeTo(a.gradientNorm, 1e-6);
    }
    const [first, second] = [
      makeTrainer({ optimizer: sgd({ lr: 0.5 }) }),
      makeTrainer({ optimizer: sgd({ lr: 0.25 }) }),
    ];
    await first.train(feeds, other);
    await second.train(feeds);
    const afterOne = [...second.modelState()].map(([, t]) => Array.from(t.data, Number));
    const third = makeTrainer({ optimizer: sgd({ lr: 0.25 }) });
    await third.train(other);
    const start = makeTrainer({ optimizer: sgd({ lr: 1 }) });
    [...first.modelState()].forEach(([key, t], i) => {
      const [one, two] = [afterOne[i]!, Array.from(third.modelState().get(key)!.data, Number)];
      const origin = Array.from(start.modelState().get(key)!.data, Number);
      expect(t.data, key).to.be.allclose(
        one.map((value, j) => value + two[j]! - origin[j]!),
        { atol: 1e-6 },
      );
    });
    expect(parts.step).to.equal(3);
    await Promise.all([whole, parts, first, second, third].map((trainer) => trainer.dispose()));
  });

  it('leaves what needs no gradient as it is', async () => {
    const trainer = makeTrainer({ optimizer: adam({ lr: 0.05 }) });
    const model = trainer.model as Net;
    const frozen = makeFrozen(model);
    const before = Array.from(storageOf(model[0].weight).data, Number);
    await frozen.train(feeds);
    expect(Array.from(storageOf(model[0].weight).data, Number)).to.deep.equal(before);
    await frozen.dispose();
  });

  it('names a group that has no parameter', () => {
    const groups = [{ parameters: 'classifier', optimizer: sgd({ lr: 1 }) }];
    expect(() => makeTrainer({ optimizer: sgd({ lr: 1 }), groups })).to.throw('no parameter for the group classifier');
  });
});

function makeFrozen(model: Net): Trainer<typeof inputs> {
  freeze(model, { except: '2' });
  return new Trainer({
    model,
    optimizer: adam({ lr: 0.05 }),
    inputs,
    loss: ({ x, target }) => crossEntropy(model[2].forward(model[0].forward(x).tanh()), target),
  });
}
