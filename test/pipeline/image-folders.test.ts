import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createModel, type ImageConfig, type ModelOptions } from '@rivulet/vision';
import { expect } from 'chai';
import { loadImage, manualSeed, readImageModel, saveModelFolder, storageOf } from 'rivulet';
import { type StartingModel, startingModel } from '../../packages/rivulet/src/training/starting-model.ts';
import { root, temporaryFolder } from '../support/repository.ts';

const digits = join(root, 'models/vit-mnist');
const preprocessing = { mean: [0.5, 0.4, 0.3], std: [0.2, 0.3, 0.4] };
const processor = {
  image_processor_type: 'BitImageProcessor',
  ...{ size: { shortest_edge: 40 }, crop_size: { height: 32, width: 32 }, resample: 3 },
  ...{ image_mean: [0.5, 0.4, 0.3], image_std: [0.2, 0.3, 0.4] },
};

describe('folders of image models', () => {
  const folder = temporaryFolder();
  const at = (name: string): string => join(folder(), name);
  const put = (name: string, file: string, json: object): void =>
    writeFileSync(join(at(name), file), JSON.stringify(json));
  /** A folder with untrained weights. */
  const save = async (name: string, config: object, architecture: string, options: ModelOptions): Promise<string> => {
    manualSeed(3);
    const state = createModel(architecture, options).stateDict();
    const weights = new Map([...state].map(([key, t]) => [key, storageOf(t)]));
    await saveModelFolder(at(name), { config: { architecture, ...config }, weights });
    return at(name);
  };
  const problem = (work: Promise<unknown>): Promise<string> =>
    work.then(
      () => 'no error',
      (error: Error) => error.message,
    );
  const bare = { num_classes: 3, image_size: 32, classes: ['a', 'b', 'c'] };
  const cifar = (name: string, config: object): Promise<string> =>
    save(name, { ...bare, ...config }, 'cifar_resnet20', { numClasses: 3 });

  describe('preprocessor_config.json', () => {
    const image = async (name: string): Promise<ImageConfig> => (await readImageModel(at(name))).image;

    it('says how images are prepared where config.json does not', async () => {
      const directory = await cifar('processed', {});
      put('processed', 'preprocessor_config.json', processor);
      expect(await image('processed')).to.deep.include({
        ...{ size: [32, 32], layout: 'shorter-side', resize: 40, interpolation: 'bicubic' },
      });
      const { model } = await loadImage(directory);
      expect(await model.classify(join(root, 'examples/images/drawn-2-dark-on-light.png'))).to.have.length(3);
      await model.dispose();
      const { config } = await startingModel({ weights: directory, dropout: 0, seed: 1 }, ['x', 'y']);
      expect(config.image).to.deep.equal(await image('processed')); // what training writes stands alone
    });

    it('gives way to config.json', async () => {
      await cifar('both', { preprocessing });
      put('both', 'preprocessor_config.json', { ...processor, image_mean: [0, 0, 0] });
      expect((await image('both')).mean).to.deep.equal(preprocessing.mean);
    });

    it('is named where it is wrong, or its size is another than that of config.json', async () => {
      await cifar('odd', {});
      put('odd', 'preprocessor_config.json', { ...processor, crop_size: 24 });
      expect(await problem(loadImage(at('odd')))).to.match(
        /preprocessor_config\.json: says images of 24 × 24, config\.json 32 × 32/,
      );
      put('odd', 'preprocessor_config.json', { ...processor, size: 'large' });
      expect(await problem(loadImage(at('odd')))).to.match(
        /preprocessor_config\.json: size must be a number, .*"large"/,
      );
      writeFileSync(join(at('odd'), 'preprocessor_config.json'), '{');
      expect(await problem(loadImage(at('odd')))).to.match(/preprocessor_config\.json: /);
    });

    it('is missed where nothing else says it', async () => {
      await cifar('silent', {});
      expect(await problem(loadImage(at('silent')))).to.match(/silent\/config\.json: image\.mean must be one number/);
    });
  });

  it('name what does not fit', async () => {
    const wrong = async (changes: object): Promise<string> => problem(loadImage(await cifar('wrong', changes)));
    expect(await wrong({ preprocessing, classes: ['a', 'b'] })).to.match(
      /wrong\/config\.json: classes must be a list of 3 strings/,
    );
    expect(await wrong({ preprocessing, architecture: 'cifar_resnet32' })).to.match(/wrong\/model\.safetensors: /);
    expect(await wrong({ preprocessing, architecture: 'resnet19' })).to.match(
      /wrong\/config\.json: there is no model 'resnet19'/,
    );
    const vit = JSON.parse(readFileSync(join(digits, 'config.json'), 'utf8'));
    put('wrong', 'config.json', { ...vit, labels: ['0', '1'] });
    expect(await problem(loadImage(at('wrong')))).to.match(/wrong\/config\.json: labels must be a list of 10 strings/);
    put('wrong', 'config.json', vit);
    expect(await problem(loadImage(at('wrong')))).to.match(/wrong\/model\.safetensors: /);
  });

  describe('to start training from', () => {
    const start = (weights: string, changes: object = {}, labels = ['x', 'y']): Promise<StartingModel> =>
      startingModel({ weights, dropout: 0.2, seed: 1, ...changes }, labels);

    it('include those of `train vit`, with their digits or a new head', async () => {
      const ten = Array.from({ length: 10 }, (_, i) => String(i));
      const same = await start(digits, {}, ten);
      expect(same.newHead).to.deep.equal([]);
      expect(same.image.layout).to.equal('mnist');
      const { model, newHead, config, create } = await start(digits);
      expect(newHead).to.deep.equal(['head.weight', 'head.bias']);
      expect(config).to.deep.include({ modelType: 'vit', numClasses: 2, labels: ['x', 'y'], dropout: 0.2 });
      const [state, before] = [model.stateDict(), same.model.stateDict()];
      expect(state.get('head.weight')!.shape).to.deep.equal([2, 64]);
      const key = 'blocks.3.mlp.fc1.weight';
      expect(storageOf(state.get(key)!).data).to.deep.equal(storageOf(before.get(key)!).data);
      create().loadStateDict(new Map([...state].map(([name, t]) => [name, storageOf(t)])));
      // What training writes is read as any other.
      const weights = new Map([...state].map(([name, t]) => [name, storageOf(t)]));
      await saveModelFolder(at('two'), { config, weights });
      expect((await readImageModel(at('two'))).labels).to.deep.equal(['x', 'y']);
    });

    it('give a ViT positions for images of another size', async () => {
      const { model, image, config } = await start(digits, { imageSize: 42 });
      expect(image.size).to.deep.equal([42, 42]);
      expect(config.imageSize).to.equal(42);
      expect(model.stateDict().get('pos_embed')!.shape).to.deep.equal([1, 37, 64]);
      const positions = storageOf(model.stateDict().get('pos_embed')!).data as Float32Array;
      const old = storageOf((await start(digits)).model.stateDict().get('pos_embed')!).data;
      expect([...positions.subarray(0, 64)]).to.deep.equal([...old.subarray(0, 64)]); // the class token's
      expect(positions.some((v, i) => i >= 64 && v !== 0)).to.equal(true);
      expect(await problem(start(digits, { imageSize: 30 }))).to.match(/imageSize 30 is not divisible by patchSize 7/);
    });

    it('resize what the file says of the images along', async () => {
      const directory = await cifar('along', {});
      put('along', 'preprocessor_config.json', processor);
      expect((await start(directory, { imageSize: 64 })).image).to.deep.include({ size: [64, 64], resize: 80 });
      const timm = { input_size: [3, 32, 32], ...preprocessing, crop_pct: 0.8 };
      const published = await cifar('timm', { image_size: undefined, pretrained_cfg: timm });
      expect((await start(published, { imageSize: 64 })).image).to.deep.include({ size: [64, 64], resize: 80 });
      expect((await start(published)).image).to.deep.include({ size: [32, 32], resize: 40 });
    });

    it('draw random numbers for the new head alone', async () => {
      const directory = await cifar('drawn', { preprocessing });
      const head = async (): Promise<unknown> => {
        manualSeed(5);
        const { model } = await start(directory);
        return storageOf(model.stateDict().get('linear.weight')!).data;
      };
      manualSeed(5);
      const fresh = createModel('cifar_resnet20', { numClasses: 3 });
      manualSeed(5);
      fresh.resetClassifier(2);
      expect(await head()).to.deep.equal(storageOf(fresh.stateDict().get('linear.weight')!).data);
    });

    it('are image classifiers', async () => {
      expect(await problem(start(join(root, 'models/zh-en')))).to.match(
        /zh-en: holds no image model; expected an image/,
      );
      put('wrong', 'config.json', { architecture: 'unet', num_classes: 2 });
      expect(await problem(start(at('wrong')))).to.match(/wrong: holds a segmentation model; expected an image/);
      expect(await problem(start(digits, { backbone: 'resnet18' }))).to.match(
        /vit-mnist\/config\.json: holds a vit, --backbone says resnet18/,
      );
    });
  });
});
