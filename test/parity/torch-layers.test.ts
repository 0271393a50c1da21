import { readFileSync } from 'node:fs';
import { attention, crossEntropy, Embedding, LayerNorm, Linear, Module, MultiheadAttention } from '@rivulet/nn';
import { compile, gradients, tensor } from '@rivulet/tensor';
import { expect } from 'chai';
import { checkParity, type Expected, fill, fillModule } from '../support/parity.ts';

// Made by tools/reference/torch_layers.py.
const file = new URL('./fixtures/torch-layers.json', import.meta.url);
const { cases } = JSON.parse(readFileSync(file, 'utf8')) as {
  cases: Record<'multiheadAttention' | 'causalAttention' | 'embeddingLinearNorm', Expected> & {
    crossEntropy: Record<string, { loss: number; gradient: number[] }>;
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
});
