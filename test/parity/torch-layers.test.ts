import { readFileSync } from 'node:fs';
import {
  attention,
  crossEntropy,
  Embedding,
  LayerNorm,
  Linear,
  linear,
  Module,
  MultiheadAttention,
  storageOf,
} from '@rivulet/nn';
import { compile, gradients, type HostTensor, tensor } from '@rivulet/tensor';
import { adam, adamW, type Optimizer, Trainer } from '@rivulet/training';
import { expect } from 'chai';
import { checkParity, type Expected, fill, fillModule } from '../support/parity.ts';

interface Curve {
  readonly losses: number[];
  readonly parameters: Record<string, number[]>;
}

// Made by tools/reference/torch_layers.py.
const file = new URL('./fixtures/torch-layers.json', import.meta.url);
const { cases } = JSON.parse(readFileSync(file, 'utf8')) as {
  cases: Record<'multiheadAttention' | 'causalAttention' | 'embeddingLinearNorm', Expected> & {
    crossEntropy: Record<string, { loss: number; gradient: number[] }>;
    training: Record<'adam' | 'adamW' | 'clipped', Curve>;
  };
};

describe('parity with PyTorch', () => {
  it('of multi-head attention with masked keys', async () => {
    const mha = new MultiheadAttention({ embedDim: 8, numHeads: 2 });
    fillModule(mha);
    const mask = tensor([1, 1, 1, 1, 1, 1, 1, 0, 1, 0], [10], 'int32').equal(1).reshape([2, 1, 1, 5]);
    await checkParity(cases.multiheadAttention, mha, [fill([2, 3, 8], 3), fill([2, 5, 8], 4)], (q, kv) => [
      mha.forward(q!, kv!, { mask }),
    ]);
  });

  it('of causal attention with more keys than queries', () =>
    checkParity(cases.causalAttention, null, [fill([1, 2, 4, 8], 3), fill([1, 2, 6, 8], 4)], (q, kv) => [
      attention(q!, kv!, kv!, { causal: true }),
    ]));

  it('of embedding, linear layer, GELU and layer norm', async () => {
    class Stack extends Module {
      readonly embedding = new Embedding(5, 6);
      readonly linear = new Linear(6, 4);
      readonly norm = new LayerNorm(4);
    }
    const stack = new Stack();
    fillModule(stack);
    const ids = tensor([0, 3, 3, 4, 0, 3], [2, 3], 'int32');
    await checkParity(cases.embeddingLinearNorm, stack, [], () => [
      stack.norm.forward(stack.linear.forward(stack.embedding.forward(ids)).gelu()),
    ]);
  });

  for (const [smoothing, expected] of Object.entries(cases.crossEntropy))
    it(`of cross entropy with label smoothing ${smoothing} and an ignored target`, async () => {
      const targets = tensor([0, 6, -100, 3, 3], [5], 'int32');
      const graph = await compile({ x: { shape: [5, 7] } }, ({ x }) => {
        const loss = crossEntropy(x, targets, { labelSmoothing: Number(smoothing) });
        return { loss, gradient: gradients(loss, [x])[0]! };
      });
      const { loss, gradient } = await graph.run({ x: fill([5, 7], 1, 3) });
      await graph.dispose();
      expect(loss.data).to.be.allclose([expected.loss]);
      expect(gradient.data).to.be.allclose(expected.gradient);
    });

  const optimizers: Record<keyof typeof cases.training, { optimizer: Optimizer; clipNorm?: number }> = {
    adam: { optimizer: adam({ lr: 0.05 }) },
    adamW: { optimizer: adamW({ lr: 0.05, weightDecay: 0.1, betas: [0.8, 0.95], decayed: 'all' }) },
    clipped: { optimizer: adam({ lr: 0.05 }), clipNorm: 0.1 },
  };
  for (const [name, options] of Object.entries(optimizers))
    it(`of 20 training steps: ${name}`, async () => {
      class Net extends Module {
        readonly 0 = new Linear(4, 6);
        readonly 2 = new Linear(6, 3);
      }
      const model = new Net();
      fillModule(model);
      const trainer = new Trainer({
        model,
        ...options,
        inputs: { x: { shape: [8, 4] }, target: { shape: [8], dtype: 'int32' } },
        loss: ({ x, target }) =>
          crossEntropy(model[2].forward(linear(x, model[0].weight, model[0].bias).tanh()), target),
      });
      const target: HostTensor = { dtype: 'int32', dims: [8], data: Int32Array.from({ length: 8 }, (_, i) => i % 3) };
      const losses: number[] = [];
      for (let step = 0; step < 20; step++) losses.push((await trainer.train({ x: fill([8, 4], 2), target })).loss);
      const expected = cases.training[name as keyof typeof optimizers];
      expect(losses).to.be.allclose(expected.losses, { rtol: 1e-4 });
      for (const [key, t] of model.stateDict())
        expect(storageOf(t).data, key).to.be.allclose(expected.parameters[key]!, { atol: 1e-4 });
      await trainer.dispose();
    });
});
