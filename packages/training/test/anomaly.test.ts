import { BatchNorm1d, dropout, Linear, Module, MultiheadAttention, manualSeed } from '@rivulet/nn';
import { full, type HostTensor, type Tensor } from '@rivulet/tensor';
import { AnomalyError, adam, Trainer } from '@rivulet/training';
import { expect } from 'chai';

class Layer extends Module {
  readonly fc = new Linear(4, 4);
  readonly #then: (x: Tensor) => Tensor;
  constructor(then: (x: Tensor) => Tensor) {
    super();
    this.#then = then;
  }
  forward(x: Tensor): Tensor {
    return this.#then(this.fc.forward(x));
  }
}

class Net extends Module {
  readonly first: Layer;
  readonly norm = new BatchNorm1d(4);
  readonly second: Layer;
  constructor(middle: (x: Tensor) => Tensor) {
    super();
    manualSeed(1);
    this.first = new Layer((x) => x.tanh());
    this.second = new Layer(middle);
  }
  forward(x: Tensor): Tensor {
    return this.second.forward(dropout(this.norm.forward(this.first.forward(x)), 0.3));
  }
}

const inputs = { x: { shape: [3, 4] } } as const;
const batch = (scale = 1): { x: HostTensor } => ({
  x: { dtype: 'float32', dims: [3, 4], data: Float32Array.from({ length: 12 }, (_, i) => scale * Math.sin(i)) },
});
const trainerOf = (
  model: Net,
  loss = ({ x }: { x: Tensor }): Tensor => model.forward(x).mean(),
): Trainer<typeof inputs> => new Trainer({ model, inputs, loss, optimizer: adam({ lr: 0.01 }), anomaly: true });

async function failureOf(trainer: Trainer<typeof inputs>, ...feeds: { x: HostTensor }[]): Promise<AnomalyError> {
  try {
    await trainer.train(...feeds);
  } catch (error) {
    expect(error).to.be.instanceOf(AnomalyError);
    return error as AnomalyError;
  } finally {
    await trainer.dispose();
  }
  throw new Error('the step did not fail');
}

describe('anomaly mode', () => {
  it('lets healthy steps pass', async () => {
    const trainer = trainerOf(new Net((x) => x));
    await trainer.train(batch());
    expect((await trainer.train(batch())).loss).to.satisfy(Number.isFinite);
    await trainer.dispose();
  });

  it('names the operation, its shape and its module, and leaves the trainer as it was', async () => {
    const trainer = trainerOf(new Net((x) => x.square().neg().sqrt().add(1)));
    const values = (): unknown => [...trainer.modelState(), ...trainer.optimizerState()].map(([, t]) => [...t.data]);
    const before = values();
    const error = await failureOf(trainer, batch());
    expect(error.message).to.equal(
      "the loss is NaN at step 1: 'sqrt' [3, 4] in second makes NaN of finite numbers, in the forward pass",
    );
    expect(error.anomaly).to.deep.include({ kind: 'NaN', name: 'sqrt', path: 'second', pass: 'forward' });
    expect(values()).to.deep.equal(before);
    expect(trainer.step).to.equal(0);
  });

  it('goes from NaN back to the infinity that caused it', async () => {
    const { anomaly } = await failureOf(trainerOf(new Net((x) => x.mul(0).add(200).exp()), undefined), batch());
    expect(anomaly).to.deep.include({ kind: 'Infinity', name: 'exp', path: 'second' });
    const net = new Net((x) => {
      const big = x.mul(0).add(200).exp();
      return big.sub(big);
    });
    const second = await failureOf(trainerOf(net), batch());
    expect(second.anomaly).to.deep.include({ kind: 'Infinity', name: 'exp' });
  });

  it('does not blame a mask of infinities, but what cannot cope with it', async () => {
    const masked = new Net((x) => x.add(full([4], Number.NEGATIVE_INFINITY)).softmax());
    const { anomaly } = await failureOf(trainerOf(masked), batch());
    expect(anomaly).to.deep.include({ kind: 'NaN', path: 'second' });
    expect(anomaly!.name).to.match(/softmax/i);
  });

  it('finds what only the gradients show', async () => {
    const { message, anomaly } = await failureOf(trainerOf(new Net((x) => x.mul(0).relu().sqrt())), batch());
    expect(message).to.match(/^the gradients' norm is (NaN|Infinity) at step 1/);
    expect(anomaly).to.deep.include({ pass: 'backward', source: 'operation' });
  });

  it('names inputs and parameters that hold such values', async () => {
    const first = await failureOf(trainerOf(new Net((x) => x)), batch(Number.NaN));
    expect(first.message).to.contain("the input 'x' [3, 4] holds NaN");
    const model = new Net((x) => x);
    (model.first.fc.weight.node as { storage: HostTensor }).storage.data[3] = Number.NaN;
    const second = await failureOf(trainerOf(model), batch());
    expect(second.message).to.contain("the parameter 'first.fc.weight' [4, 4] holds NaN");
  });

  it('looks at every batch of a step', async () => {
    const error = await failureOf(trainerOf(new Net((x) => x)), batch(), batch(Number.NaN));
    expect(error.message).to.contain("the input 'x' [3, 4] holds NaN");
  });

  it('sees inside composed operations', async () => {
    class Attends extends Module {
      readonly attention = new MultiheadAttention({ embedDim: 4, numHeads: 2 });
      forward(x: Tensor): Tensor {
        const y = x.unsqueeze(0);
        return this.attention.forward(y, y).mean();
      }
    }
    const model = new Attends();
    const options = { model, inputs, loss: ({ x }: { x: Tensor }) => model.forward(x.mul(1e30)) };
    const trainer = new Trainer({ ...options, optimizer: adam({ lr: 0.01 }), anomaly: true });
    const { anomaly } = await failureOf(trainer, batch());
    expect(anomaly).to.deep.include({ source: 'operation', path: 'attention' });
  });
});
