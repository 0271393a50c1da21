import { skipInit } from '@rivulet/nn';
import { compileStep, input, resolve, type Tensor, topological } from '@rivulet/tensor';
import { type Backbone, createModel, GoogLeNet, listModels } from '@rivulet/vision';
import { expect } from 'chai';
import { fill, noise } from './support/formula.ts';

/** An image of the size that the model is made for. */
const image = (name: string) => input('x', name === 'mlp' || name === 'lenet5' ? [2, 1, 28, 28] : [2, 3, 224, 224]);
const make = (name: string, options = {}): Backbone => skipInit(() => createModel(name, options));

/** Names of the parameters that have no part in the logits, and so no gradient. */
function unused(model: Backbone, x: Tensor): string[] {
  const outputs = model instanceof GoogLeNet ? Object.values(model.forwardWithAuxiliary(x)) : [model.forward(x)];
  const used = new Set<unknown>(topological(outputs.map(resolve)));
  return [...model.parameters()].filter(([, t]) => !used.has(t.node)).map(([name]) => name);
}

describe('every registered vision model', () => {
  for (const name of listModels())
    it(`${name}: classes, features and a new head have the sizes that were asked for`, () => {
      const model = make(name, { numClasses: 7 });
      const before = model.stateDict();
      const x = image(name);
      const features = model.forwardFeatures(x);
      expect(model.forwardHead(features).shape).to.deep.equal([2, 7]);
      const levels = model.stages().map((_, i) => i);
      expect(unused(model, x), 'parameters that no logit depends on').to.deep.equal([]);
      const maps = model.featureMaps(x, [levels.at(-1)!, 0]);
      expect(maps[0]!.shape).to.deep.equal(features.shape);
      expect(() => model.featureMaps(x, [levels.length])).to.throw(RangeError, `level ${levels.length}`);
      model.resetClassifier(3);
      expect(model.forward(x).shape).to.deep.equal([2, 3]);
      const after = model.stateDict();
      expect([...after.keys()]).to.have.members([...before.keys()]);
      const changed = [...after].filter(([key, t]) => t !== before.get(key)).map(([key]) => key);
      expect(changed.length, 'tensors of the new head').to.be.within(1, 6);
      for (const key of changed) expect(key).to.match(/^(fc|aux\d\.fc2|head|head_dist|linear|classifier|fc3|fc8)\b/);
    });
});

/** The smallest images that a model takes; two of them, which differ. */
const smallest = (name: string): number[] => {
  if (name === 'mlp' || name === 'lenet5') return [2, 1, 28, 28];
  const side = { alexnet: 64, alexnet_2012: 224 }[name] ?? 32;
  return [2, 3, side, side];
};

/** Of the same layers as smaller ones, with hundreds of megabytes of weights: run where RIVULET_LONG_TESTS is set. */
const large = /^(vgg1[369]|vit_large|resnet152|convnext_small)/;
const run = listModels().filter((name) => process.env.RIVULET_LONG_TESTS !== undefined || !large.test(name));

describe('every registered vision model, run', () => {
  for (const name of run)
    it(`${name}: each image gets finite logits of its own`, async () => {
      const shape = smallest(name);
      const model = make(name, { numClasses: 5, ...(/vit|deit/.test(name) && { imageSize: 32 }) });
      fill(model, 65521); // a prime above the lengths of most rows: no two are the same
      const graph = await compileStep(
        { x: { shape } },
        ({ x }) => ({ outputs: { y: model.forward(x) }, updates: new Map() }),
        { training: false, optimization: 'basic' }, // the weights are read where they are, and little is looked for
      );
      const data = noise(
        shape.reduce((a, b) => a * b, 1),
        1,
      );
      const { y } = await graph.run({ x: { dtype: 'float32', dims: shape, data } });
      await graph.dispose();
      expect(y.dims).to.deep.equal([2, 5]);
      const logits = y.data as Float32Array;
      expect(logits.every(Number.isFinite), logits.join()).to.equal(true);
      const [first, second] = [logits.slice(0, 5), logits.slice(5)];
      const size = Math.max(...first.map(Math.abs));
      expect(Math.max(...first.map((v, i) => Math.abs(v - second[i]!))) / size, 'difference').to.be.above(1e-5);
    }).timeout(60_000);
});

describe('createModel', () => {
  it('names what there is', () => {
    expect(() => createModel('resnet19')).to.throw(RangeError, "there is no model 'resnet19'; there are: alexnet,");
    expect(() => createModel('resnet18', { numClasses: 0 })).to.throw(RangeError, 'numClasses must be a whole number');
    expect(() => createModel('mlp', { activation: 'swoosh' as never })).to.throw(
      RangeError,
      "there is no activation 'swoosh'; there are: relu,",
    );
    expect(() => createModel('lenet5', { imageSize: 30 })).to.throw(RangeError, 'imageSize must be a multiple of 4');
  });

  it('finds names by a part or a pattern', () => {
    expect(listModels('deit_tiny')).to.deep.equal(['deit_tiny_distilled_patch16_224', 'deit_tiny_patch16_224']);
    expect(listModels(/^swin/)).to.deep.equal(['swin_s', 'swin_t']);
  });

  it('makes what the options say', () => {
    const shape = (name: string, options: object, key: string) =>
      make(name, { numClasses: 2, ...options })
        .stateDict()
        .get(key)?.shape;
    expect(shape('mlp', { hidden: [32, 16], imageSize: 8, channels: 3 }, 'features.3.weight')).to.deep.equal([16, 32]);
    expect(shape('mlp', { hidden: [], imageSize: 8 }, 'classifier.weight')).to.deep.equal([2, 64]);
    expect(shape('vit_tiny_patch16_224', { imageSize: 384 }, 'pos_embed')).to.deep.equal([1, 577, 192]);
    expect(shape('vit_tiny_patch16_224', { pool: 'mean' }, 'fc_norm.weight')).to.deep.equal([192]);
    expect(shape('vit_tiny_patch16_224', { channels: 1 }, 'patch_embed.proj.weight')).to.deep.equal([192, 1, 16, 16]);
    expect(shape('mobilenet_v3_large', { widthMult: 0.5 }, 'features.0.0.weight')).to.deep.equal([8, 3, 3, 3]);
  });
});

describe('ViT at another size of image', () => {
  it('interpolates its positions', () => {
    const model = make('vit_tiny_patch32_224', { numClasses: 2 });
    expect(model.forwardFeatures(input('x', [1, 3, 320, 256])).shape).to.deep.equal([1, 1 + 80, 192]);
  });

  it('refuses images that patches do not fill', () => {
    const model = make('vit_tiny_patch32_224');
    expect(() => model.forward(input('x', [1, 3, 230, 224]))).to.throw(
      RangeError,
      'an image of 230x224 is not divisible by patchSize 32',
    );
  });
});
