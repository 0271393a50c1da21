import { readFileSync } from 'node:fs';
import {
  attention,
  crossEntropy,
  Embedding,
  LayerNorm,
  Linear,
  Module,
  MultiheadAttention,
  storageOf,
  Transformer,
  TransformerDecoderLayer,
  TransformerEncoderLayer,
} from '@rivulet/nn';
import { compile, gradients, tensor } from '@rivulet/tensor';
import { expect } from 'chai';
import { checkParity, type Expected, fill, fillModule } from '../support/parity.ts';

// Made by tools/reference/torch_layers.py.
const file = new URL('./fixtures/torch-layers.json', import.meta.url);
const { cases } = JSON.parse(readFileSync(file, 'utf8')) as {
  cases: Record<string, Expected> & {
    crossEntropy: Record<string, { loss: number; gradient: number[] }>;
  };
};

/** Two rows of five keys, of which the second hides two. */
const mask = tensor([1, 1, 1, 1, 1, 1, 1, 0, 1, 0], [10], 'int32').equal(1).reshape([2, 1, 1, 5]);
const layer = { embedDim: 8, numHeads: 2, feedForwardDim: 12, dropout: 0 };

describe('parity with PyTorch', () => {
  it('of multi-head attention with masked keys', async () => {
    const mha = new MultiheadAttention({ embedDim: 8, numHeads: 2 });
    fillModule(mha);
    await checkParity(cases.multiheadAttention!, mha, [fill([2, 3, 8], 3), fill([2, 5, 8], 4)], (q, kv) => [
      mha.forward(q!, kv!, { mask }),
    ]);
  });

  it('of causal attention with more keys than queries', () =>
    checkParity(cases.causalAttention!, null, [fill([1, 2, 4, 8], 3), fill([1, 2, 6, 8], 4)], (q, kv) => [
      attention(q!, kv!, kv!, { causal: true }),
    ]));

  for (const [name, options] of Object.entries({
    encoderLayer: {},
    encoderLayerNormFirst: { normFirst: true, activation: 'gelu', bias: false },
  } as const))
    it(`of a Transformer's ${name}`, () => {
      const encoder = new TransformerEncoderLayer({ ...layer, ...options });
      fillModule(encoder);
      return checkParity(cases[name]!, encoder, [fill([2, 5, 8], 3)], (x) => [encoder.forward(x!, { mask })]);
    });

  for (const normFirst of [false, true])
    it(`of a Transformer's decoder layer${normFirst ? ', norms first' : ''}`, () => {
      const decoder = new TransformerDecoderLayer({ ...layer, normFirst });
      fillModule(decoder);
      const given = [fill([2, 3, 8], 3), fill([2, 5, 8], 4)];
      return checkParity(cases[normFirst ? 'decoderLayerNormFirst' : 'decoderLayer']!, decoder, given, (x, memory) => [
        decoder.forward(x!, memory!, { self: { causal: true }, memory: { mask } }),
      ]);
    });

  it('of a Transformer', () => {
    const model = new Transformer({ ...layer, numEncoderLayers: 2, numDecoderLayers: 1 });
    fillModule(model);
    return checkParity(cases.transformer!, model, [fill([2, 5, 8], 3), fill([2, 3, 8], 4)], (source, x) => [
      model.forward(source!, x!, { source: { mask }, self: { causal: true }, memory: { mask } }),
    ]);
  });

  it('of the initial values and sizes of a Transformer', () => {
    const model = new Transformer({ embedDim: 32, numHeads: 2, feedForwardDim: 64 });
    expect([model.encoder.layers.length, model.decoder.layers.length]).to.deep.equal([6, 6]);
    const { linear1, norm1 } = model.decoder.layers[5]!;
    const weights = storageOf(linear1.weight).data as Float32Array;
    const bound = Math.sqrt(6 / (32 + 64));
    expect(Math.max(...weights)).to.be.within(0.98 * bound, bound);
    expect([...storageOf(norm1.weight).data].every((value) => value === 1)).to.equal(true);
  });

  it('of what makes no Transformer', () => {
    expect(() => new Transformer({ numDecoderLayers: 0 })).to.throw(RangeError, 'numLayers must be a positive integer');
    expect(() => new TransformerEncoderLayer({ ...layer, numHeads: 3 })).to.throw(RangeError, 'not divisible by');
    expect(() => new TransformerEncoderLayer({ ...layer, dropout: 1 })).to.throw(RangeError, 'dropout');
    expect(() => new TransformerEncoderLayer({ ...layer, feedForwardDim: 0 })).to.throw(RangeError, 'feedForwardDim');
    const activation = 'tanh' as 'relu';
    expect(() => new TransformerEncoderLayer({ ...layer, activation })).to.throw(RangeError, "'relu' or 'gelu'");
  });

  it('of embedding, linear layer, GELU and layer norm', async () => {
    class Stack extends Module {
      readonly embedding = new Embedding(5, 6);
      readonly linear = new Linear(6, 4);
      readonly norm = new LayerNorm(4);
    }
    const stack = new Stack();
    fillModule(stack);
    const ids = tensor([0, 3, 3, 4, 0, 3], [2, 3], 'int32');
    await checkParity(cases.embeddingLinearNorm!, stack, [], () => [
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
