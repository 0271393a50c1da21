import { compile, type Tensor } from '@rivulet/tensor';
import {
  attentionRollout,
  createModel,
  createSegmenter,
  gradCam,
  type Image,
  ImageClassifier,
  type ImageConfig,
  ImageEmbedder,
  ImageSegmenter,
  normalizeImage,
  ResNet,
  ViT,
} from '@rivulet/vision';
import { expect } from 'chai';
import { encodePNG } from '../src/pictures/canvas.ts';
import { fill } from './support/formula.ts';

const image: ImageConfig = {
  ...{ size: [64, 64], channels: 3, mean: [0.5, 0.4, 0.3], std: [0.2, 0.3, 0.4] },
  layout: 'squash',
};
/** A picture whose content depends on the seed. */
const picture = (seed: number, width = 70, height = 50): Image => ({
  ...{ width, height, channels: 3 },
  data: Uint8Array.from({ length: width * height * 3 }, (_, i) => (i * (seed + 3)) % 251),
});
const files = (count: number): Promise<Uint8Array[]> =>
  Promise.all(Array.from({ length: count }, (_, i) => encodePNG(picture(i))));
const filled = <M extends ResNet | ViT>(model: M): M => {
  fill(model);
  return model;
};
const resnet = (): ResNet => filled(new ResNet({ block: 'basic', layers: [1, 1, 1, 1], numClasses: 3 }));
const VIT = { imageSize: 64, patchSize: 16, channels: 3, embedDim: 24, depth: 3, numHeads: 3, mlpRatio: 2, numClasses: 3, dropout: 0 }; // biome-ignore format: a table

describe('compiled image models', () => {
  it('classify alike alone and in a batch, and each bad image fails alone', async () => {
    const labels = ['a', 'b', 'c'];
    const classifier = await ImageClassifier.compile(resnet(), labels, image);
    const images = await files(5);
    const alone = [];
    for (const file of images) alone.push(await classifier.classify(file));
    const all = await Promise.allSettled([...images, Uint8Array.of(1, 2, 3)].map((file) => classifier.classify(file)));
    await classifier.dispose();
    expect(all.at(-1)).to.include({ status: 'rejected' });
    for (const [i, result] of all.slice(0, -1).entries()) {
      const { value } = result as PromiseFulfilledResult<(typeof alone)[0]>;
      expect(value.map(({ label }) => label)).to.deep.equal(alone[i]!.map(({ label }) => label));
      expect(value.map(({ score }) => score)).to.be.allclose(
        alone[i]!.map(({ score }) => score),
        { atol: 1e-5 },
      );
    }
  });

  it('refuse labels that are not as many as the classes', async () => {
    const problem = await ImageClassifier.compile(resnet(), ['a', 'b'], image).catch((error: Error) => error);
    expect(problem).to.be.instanceOf(RangeError).with.property('message', '2 labels for a model of 3 classes');
    const unet = createSegmenter('unet', { numClasses: 2, widths: [4, 8] });
    const second = await ImageSegmenter.compile(unet, ['a'], image).catch((error: Error) => error);
    expect((second as Error).message).to.equal('1 labels for a model of 2 classes');
  });

  it('embed: what the classifier sees', async () => {
    const models = [resnet(), filled(new ViT(VIT)), filled(new ViT({ ...VIT, pool: 'mean' })), createModel('lenet5')];
    const [file] = await files(1);
    for (const [i, model] of models.entries()) {
      const grey = { ...image, size: [28, 28], channels: 1, mean: [0], std: [1] } as const;
      const embedder = await ImageEmbedder.compile(model, i === 3 ? grey : image);
      const vector = await embedder.embed(file!);
      await embedder.dispose();
      expect(vector).to.have.length([512, 24, 24, 16][i]!);
      expect(vector.every(Number.isFinite)).to.equal(true);
    }
  });

  it('segment: a class for every pixel, in the size of the image', async () => {
    // Names pixels by their brightest channel.
    const segmenter = await ImageSegmenter.compile({ forward: (x) => x }, ['red', 'green', 'blue'], {
      ...image,
      ...{ mean: [0, 0, 0], std: [1, 1, 1], layout: 'center' },
    });
    const data = new Uint8Array(90 * 40 * 3);
    for (let y = 0; y < 40; y++) for (let x = 0; x < 90; x++) data[(y * 90 + x) * 3 + Math.floor(x / 30)] = 200;
    const {
      width,
      height,
      data: classes,
      image: decoded,
    } = await segmenter.segment(await encodePNG({ width: 90, height: 40, channels: 3, data }));
    await segmenter.dispose();
    expect([width, height]).to.deep.equal([90, 40]);
    expect(decoded.data).to.deep.equal(data);
    for (const [x, wanted] of [[0, 0], [27, 0], [33, 1], [57, 1], [63, 2], [89, 2]] as const) // biome-ignore format: a table
      for (const y of [0, 20, 39]) expect(classes[y * 90 + x], `${x}, ${y}`).to.equal(wanted);
  });
});

describe('gradCam', () => {
  /** A graph's output for the picture that the explainer saw. */
  const outputOf = async (seen: Image, f: (x: Tensor) => Tensor): Promise<Float32Array> => {
    const graph = await compile({ x: { shape: [1, 3, 64, 64] } }, ({ x }) => ({ y: f(x) }));
    const data = normalizeImage(seen.data, image);
    const { y } = await graph.run({ x: { dtype: 'float32', dims: [1, 3, 64, 64], data } });
    await graph.dispose();
    return y.data as Float32Array;
  };

  it('weighs the last map by the weights of a linear classifier behind a mean', async () => {
    const model = resnet();
    const [file] = await files(1);
    const explainer = await gradCam(model, image);
    for (const label of [0, 2, undefined]) {
      const { map, image: seen, label: found, scores } = await explainer.explain(file!, label);
      expect(found).to.equal(label ?? scores.indexOf(Math.max(...scores)));
      expect(scores.reduce((a, b) => a + b, 0)).to.be.closeTo(1, 1e-5);
      const features = await outputOf(seen, (x) => model.forwardFeatures(x)); // [1, 512, 2, 2]
      const weights = (await model.fc.weight.data()) as Float32Array;
      const raw = Array.from({ length: 4 }, (_, place) => {
        let sum = 0;
        for (let c = 0; c < 512; c++) sum += weights[found * 512 + c]! * features[c * 4 + place]!;
        return Math.max(0, sum);
      });
      const [least, most] = [Math.min(...raw), Math.max(...raw)];
      expect([map.width, map.height]).to.deep.equal([2, 2]);
      expect(map.data).to.be.allclose(
        raw.map((v) => (most > least ? (v - least) / (most - least) : 0)),
        { atol: 1e-3 },
      );
    }
    await explainer.dispose();
  });

  it('looks at any stage, and at the tokens of a ViT', async () => {
    const [file] = await files(1);
    for (const [model, level, side] of [[resnet(), 1, 16], [filled(new ViT(VIT)), undefined, 4]] as const) {
      const explainer = await gradCam(model, image, level === undefined ? {} : { level });
      const { map } = await explainer.explain(file!);
      await explainer.dispose();
      expect([map.width, map.height]).to.deep.equal([side, side]);
      expect(Math.max(...map.data)).to.equal(1);
      expect(Math.min(...map.data)).to.equal(0);
    }
  }); // biome-ignore format: a table

  it('says what it cannot explain', async () => {
    const mlp = createModel('mlp', { imageSize: 64, channels: 3 });
    const problem = await gradCam(mlp, image).catch((error: Error) => error);
    expect((problem as Error).message).to.match(/needs a feature map \[N, C, H, W\]; stage \d gives/);
    const explainer = await gradCam(resnet(), image);
    const second = await explainer.explain(Uint8Array.of(1), 3).catch((error: Error) => error);
    expect((second as Error).message).to.equal('there is no class 3; the model has 3');
    await explainer.dispose();
    const third = await attentionRollout(resnet(), image).catch((error: Error) => error);
    expect(third)
      .to.be.instanceOf(TypeError)
      .with.property('message')
      .that.matches(/needs a ViT/);
  });

  it('attention roll-out follows the attention of all blocks', async () => {
    const model = filled(new ViT(VIT));
    const [file] = await files(1);
    const explainer = await attentionRollout(model, image);
    const { map, image: seen } = await explainer.explain(file!);
    await explainer.dispose();
    const length = 17;
    let product = Float64Array.from({ length: length ** 2 }, (_, i) => (i % (length + 1) === 0 ? 1 : 0));
    for (const [i, block] of model.blocks.entries()) {
      const weights = await outputOf(seen, (x) =>
        block.attn.weights(block.norm1.forward(model.featureMaps(x, [i])[0]!)),
      );
      const next = new Float64Array(length ** 2);
      for (let a = 0; a < length; a++)
        for (let b = 0; b < length; b++)
          for (let k = 0; k < length; k++) {
            let mean = 0;
            for (let head = 0; head < 3; head++) mean += weights[(head * length + a) * length + k]! / 3;
            next[a * length + b]! += (0.5 * mean + (a === k ? 0.5 : 0)) * product[k * length + b]!;
          }
      product = next;
    }
    const row = [...product.slice(1, length)];
    const [least, most] = [Math.min(...row), Math.max(...row)];
    expect([map.width, map.height]).to.deep.equal([4, 4]);
    expect(map.data).to.be.allclose(
      row.map((value) => (value - least) / (most - least)),
      { atol: 1e-3 },
    );
  });
});
