import { crossEntropy, manualSeed } from '@rivulet/nn';
import { compile, gradients, symbol } from '@rivulet/tensor';
import { parseViTConfig, ViT, type ViTConfig } from '@rivulet/vision';
import { expect } from 'chai';

const config: ViTConfig = {
  imageSize: 8,
  patchSize: 4,
  channels: 3,
  embedDim: 8,
  depth: 2,
  numHeads: 2,
  mlpRatio: 2,
  numClasses: 3,
  dropout: 0.1,
};
const block = (i: number): string[] =>
  [
    'norm1.weight',
    'norm1.bias',
    'attn.qkv.weight',
    'attn.qkv.bias',
    'attn.proj.weight',
    'attn.proj.bias',
    'norm2.weight',
    'norm2.bias',
    'mlp.fc1.weight',
    'mlp.fc1.bias',
    'mlp.fc2.weight',
    'mlp.fc2.bias',
  ].map((name) => `blocks.${i}.${name}`);

describe('ViT', () => {
  it("has timm's parameters", () => {
    const names = [...new ViT(config).stateDict().keys()];
    expect(names).to.have.members([
      'cls_token',
      'pos_embed',
      'patch_embed.proj.weight',
      'patch_embed.proj.bias',
      ...block(0),
      ...block(1),
      'norm.weight',
      'norm.bias',
      'head.weight',
      'head.bias',
    ]);
  });

  it('gives finite logits for any number of images, and every parameter a gradient', async () => {
    manualSeed(2);
    const model = new ViT(config);
    const names = [...model.parameters().keys()];
    const graph = await compile(
      { x: { shape: [symbol('N'), 3, 8, 8] }, y: { shape: [symbol('N')], dtype: 'int32' } },
      ({ x, y }) => {
        const logits = model.forward(x);
        const grads = gradients(crossEntropy(logits, y), [...model.parameters().values()]);
        return { logits, ...Object.fromEntries(grads.map((g, i) => [names[i]!, g.abs().sum()])) };
      },
    );
    for (const n of [1, 4]) {
      const results: Record<string, { data: ArrayLike<number | bigint>; dims: readonly number[] }> = await graph.run({
        x: {
          dtype: 'float32',
          dims: [n, 3, 8, 8],
          data: Float32Array.from({ length: n * 192 }, (_, i) => Math.sin(i)),
        },
        y: { dtype: 'int32', dims: [n], data: Int32Array.from({ length: n }, (_, i) => i % 3) },
      });
      expect(results.logits!.dims).to.deep.equal([n, 3]);
      for (const value of Array.from(results.logits!.data)) expect(Number.isFinite(value)).to.equal(true);
      for (const name of names) expect(Number(results[name]!.data[0]), name).to.be.greaterThan(0);
    }
    await graph.dispose();
  });

  it('takes a new head', async () => {
    const model = new ViT(config);
    model.resetClassifier(5);
    expect(model.stateDict().get('head.weight')!.shape).to.deep.equal([5, 8]);
  });

  it('refuses sizes that do not fit', () => {
    expect(() => new ViT({ ...config, patchSize: 3 })).to.throw(
      RangeError,
      'imageSize 8 is not divisible by patchSize 3',
    );
    expect(() => new ViT({ ...config, numHeads: 3 })).to.throw(RangeError, 'embedDim 8 is not divisible by numHeads 3');
    expect(() => parseViTConfig({ ...config, depth: 'deep' })).to.throw(
      TypeError,
      'depth must be a whole number from 1, got "deep"',
    );
  });
});
