import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type HostTensor, readSafetensors, seeded } from '@rivulet/tensor';
import { fit as train } from '@rivulet/training';
import { expect } from 'chai';
import { loadImage } from 'rivulet';
import { lastValueFrom } from 'rxjs';
import sharp from 'sharp';
import { kept } from '../../packages/rivulet/src/training/vision-data.ts';
import { type VisionSettings, type VisionTask, visionTask } from '../../packages/rivulet/src/training/vision-task.ts';
import { compiled, needs, rivulet, shared, temporaryFolder } from '../support/repository.ts';

/** Noise in which a channel is stronger: the class. */
async function draw(folder: string, channels: Readonly<Record<string, number>>, count = 24): Promise<void> {
  const random = seeded(9);
  for (const [name, channel] of Object.entries(channels)) {
    mkdirSync(join(folder, name), { recursive: true });
    for (let i = 0; i < count; i++) {
      const [width, height] = [36 + (i % 3), 34];
      const data = Uint8Array.from({ length: width * height * 3 }, (_, at) =>
        Math.floor(random.nextFloat() * 120 + (at % 3 === channel ? 100 : 0)),
      );
      const file = sharp(data, { raw: { width, height, channels: 3 } });
      await file.toFile(join(folder, name, `${i}.${i % 2 === 0 ? 'png' : 'jpg'}`));
    }
  }
}

const copied = (state: ReadonlyMap<string, HostTensor>): Map<string, Float32Array> =>
  new Map([...state].map(([name, t]) => [name, Float32Array.from(t.data, Number)]));

describe('rivulet train vision', () => {
  const folder = temporaryFolder();
  const at = (name: string): string => join(folder(), name);
  const settings = (changes: Partial<VisionSettings>): VisionSettings => ({
    ...{ data: at('two'), mode: 'all', backboneRate: 0.1, batchSize: 12, flip: true, validation: 0.1 },
    ...{
      dropout: 0,
      labelSmoothing: 0,
      learningRate: 0.01,
      weightDecay: 0.01,
      warmup: 2,
      ema: 0.5,
      epochs: 2,
      seed: 1,
    },
    ...changes,
  });
  const open = (changes: Partial<VisionSettings>): Promise<VisionTask> =>
    visionTask(settings(changes), ({ message }) => expect.fail(message));
  const weights = (directory: string): Promise<Map<string, HostTensor>> =>
    readSafetensors(join(directory, 'model.safetensors'));
  const best = async (model: string, image: string): Promise<string> => {
    const { model: classifier } = await loadImage(model);
    const [first] = await classifier.classify(image);
    await classifier.dispose();
    return first!.label;
  };

  before(async () => {
    await draw(at('colours'), { blue: 2, green: 1, red: 0 });
    await draw(at('two'), { sea: 2, wood: 1 });
    writeFileSync(join(at('colours'), 'red', 'broken.png'), 'no image');
    writeFileSync(join(at('colours'), 'red', 'notes.txt'), 'left out');
  });

  it('learns the classes of a folder, tells of an image that cannot be read, and the result classifies', async () => {
    const model = ['--backbone', 'cifar_resnet20', '--image-size', '32'];
    const rates = ['--batch-size', '12', '--warmup', '2', '--learning-rate', '0.01', '--ema', '0.5', '--epochs', '5'];
    const args = ['train', 'vision', '--data', at('colours'), '--output', at('base'), ...model, ...rates];
    const { stderr, code } = await rivulet(args);
    expect(stderr).to.match(/rivulet: .*broken\.png: is no image that can be read/);
    expect(stderr).to.include('3 classes, 66 images to train on, 6 held out; ');
    expect(stderr).to.match(/accuracy on the held-out images (100|83)\.\d+ %/);
    expect(code).to.equal(1); // for the broken image
    for (const name of ['blue', 'green', 'red'])
      expect(await best(at('base'), join(at('colours'), name, '0.png'))).to.equal(name);
  });

  const parts = {
    head: { same: ['conv1.weight', 'layer3.2.bn2.running_mean', 'layer3.2.conv2.weight'], other: ['linear.weight'] },
    'last:1': {
      same: ['conv1.weight', 'layer2.2.bn2.running_mean'],
      other: ['linear.weight', 'layer3.0.conv1.weight', 'layer3.0.bn1.running_mean'],
    },
    all: { same: [], other: ['conv1.weight', 'linear.weight', 'bn1.running_mean'] },
  } as const;
  for (const [mode, { same, other }] of Object.entries(parts))
    it(`starts from a trained model and trains: ${mode}`, async () => {
      const task = await open({ weights: at('base'), mode: mode as VisionSettings['mode'] });
      expect(task.newHead).to.deep.equal(['linear.weight', 'linear.bias']);
      expect(task.counts).to.deep.equal({ train: 44, validation: 4 });
      // The head alone is given features, which are computed once.
      for await (const { feeds } of task.options.batches(0))
        expect(feeds.images.dims.slice(1)).to.deep.equal(mode === 'head' ? [64, 8, 8] : [3, 32, 32]);
      const initial = copied(task.trainer.modelState());
      await lastValueFrom(train(task.trainer, task.options));
      expect(await task.accuracy()).to.equal(1);
      if (mode === 'all') {
        // Adam's steps are as long as the learning rate: a tenth, for what was trained before.
        const moved = (name: string): number => {
          const now = task.trainer.modelState().get(name)!.data as Float32Array;
          return now.reduce((most, v, i) => Math.max(most, Math.abs(v - initial.get(name)![i]!)), 0);
        };
        expect(moved('conv1.weight') / moved('linear.weight')).to.be.within(0.03, 0.3);
      }
      const output = at(`two-${mode.replace(':', '-')}`);
      await task.save(output);
      await task.trainer.dispose();
      const [before, after] = [await weights(at('base')), await weights(output)];
      for (const name of same) expect(after.get(name)!.data, name).to.deep.equal(before.get(name)!.data);
      for (const name of other) expect(after.get(name)!.data, name).to.not.deep.equal(before.get(name)!.data);
      expect(await best(output, join(at('two'), 'sea', '3.jpg'))).to.equal('sea');
    });

  it('computes features once, and anew where they find no room', async () => {
    const asked: number[] = [];
    const load = kept(async (index) => {
      asked.push(index);
      return new Float32Array(2).fill(index);
    }, 16);
    for (let time = 0; time < 3; time++)
      for (const index of [0, 1, 2]) expect([...(await load(index))]).to.deep.equal([index, index]);
    expect(asked).to.deep.equal([0, 1, 2, 2, 2]); // 16 bytes hold two
  });

  it('keeps a head whose classes are the same', async () => {
    expect((await open({ weights: at('two-all') })).newHead).to.deep.equal([]);
  });

  describe('on ImageNet’s weights', () => {
    const mobilenet = join(shared, 'data/checkpoints/mobilenet_v2-imagenet');
    needs(mobilenet);

    it('trains a new head by the command, and reports the one that it replaced', async () => {
      const model = ['--backbone', 'mobilenet_v2', '--weights', mobilenet, '--mode', 'head', '--image-size', '32'];
      const rates = ['--epochs', '6', '--warmup', '2', '--learning-rate', '0.01', '--dropout', '0'];
      const args = ['train', 'vision', '--data', at('two'), '--output', at('mobile'), ...model, ...rates];
      const { stderr, code } = await rivulet(args);
      expect(stderr).to.include(
        "a new head takes the place of the checkpoint's: classifier.1.weight, classifier.1.bias",
      );
      expect(stderr).to.include('2,562 parameters');
      expect(stderr).to.match(/accuracy on the held-out images (100|75)\.00 %/);
      expect(code).to.equal(0);
      const [before, after] = [await weights(mobilenet), await weights(at('mobile'))];
      for (const name of ['features.0.0.weight', 'features.9.conv.1.1.running_mean', 'features.18.0.weight'])
        expect(after.get(name)!.data, name).to.be.allclose(before.get(name)!.data, { rtol: 5e-4, atol: 1e-7 }); // as float16
    });

    it('trains the last two stages, or everything', async () => {
      const trained = async (mode: VisionSettings['mode']): Promise<string[]> => {
        const task = await open({ weights: mobilenet, backbone: 'mobilenet_v2', imageSize: 32, mode });
        return [...task.trainer.model.parameters().keys()];
      };
      const [last, all] = [await trained('last:2'), await trained('all')];
      expect(all).to.have.length(158);
      expect(last).to.deep.equal(all.slice(-last.length));
      expect(last[0]).to.match(/^features\.1[0-9]\./);
    });
  });

  it('takes the split of a folder that has one', async () => {
    await draw(join(at('split'), 'train'), { sea: 2, wood: 1 }, 5);
    await draw(join(at('split'), 'val'), { sea: 2, wood: 1 }, 3);
    const options = { data: at('split'), backbone: 'cifar_resnet20', imageSize: 32 };
    expect((await open(options)).counts).to.deep.equal({ train: 10, validation: 6 });
    await draw(join(at('split'), 'val'), { sky: 2 }, 1);
    const error = await open(options).catch((e: unknown) => e);
    expect((error as Error).message).to.match(/split: train has the classes sea, wood, val has sea, sky, wood/);
  });

  it('gives an epoch the same batches again, mirrored alike, and another epoch others', async () => {
    const { options } = await open({ backbone: 'cifar_resnet20', imageSize: 32 });
    const all = async (epoch: number): Promise<unknown[]> => {
      const feeds: unknown[] = [];
      for await (const batch of options.batches(epoch)) feeds.push(batch.feeds);
      return feeds;
    };
    const first = await all(0);
    expect(first).to.have.length(options.batchCount(0));
    expect(await all(0)).to.deep.equal(first);
    expect(await all(1)).to.not.deep.equal(first);
  });

  it('changes images, and mixes them', async () => {
    const all = async (changes: Partial<VisionSettings>): Promise<Record<'images' | 'labels', HostTensor>[]> => {
      const { options } = await open({ backbone: 'cifar_resnet20', imageSize: 32, augment: 'strong', ...changes });
      const feeds = [];
      for await (const batch of options.batches(1)) feeds.push(batch.feeds);
      return feeds;
    };
    const main = await all({ workers: 0 });
    expect(main).to.have.length(4);
    const plain = await all({ augment: 'none' });
    expect(plain[0]!.labels).to.deep.equal(main[0]!.labels);
    expect(plain[0]!.images).to.not.deep.equal(main[0]!.images);
    for (const mix of [{ mixup: 0.4 }, { cutmix: 1 }, { mixup: 0.4, cutmix: 1 }])
      for (const { labels } of await all({ augment: 'none', ...mix })) {
        expect(labels.dtype).to.equal('float32');
        const [count, classes] = labels.dims as [number, number];
        expect(classes).to.equal(2);
        for (let i = 0; i < count; i++)
          expect(Number(labels.data[2 * i]) + Number(labels.data[2 * i + 1])).to.be.closeTo(1, 1e-6);
      }
  });

  it('changes images in threads of the compiled package, as many as are asked for, to the same pixels', async () => {
    await draw(at('few'), { sea: 2, wood: 1 }, 8);
    const given = settings({ backbone: 'cifar_resnet20', imageSize: 32, augment: 'strong' });
    const { stdout, stderr } = await compiled('compiled-augmentation.mjs', [at('few'), JSON.stringify(given)]);
    expect(stderr).to.equal('');
    const results: { workers: number; started: number; hashes: string[] }[] = JSON.parse(stdout);
    expect(results.map(({ workers, started }) => [workers, started])).to.deep.equal([
      [0, 0],
      [1, 1],
      [3, 3],
    ]);
    expect(results[0]!.hashes).to.have.length(2);
    for (const { hashes } of results) expect(hashes).to.deep.equal(results[0]!.hashes);
  });

  it('trains on mixed images', async () => {
    const changes = { backbone: 'cifar_resnet20', imageSize: 32, augment: 'crop', workers: 0, mixup: 0.2 } as const;
    const task = await open({ ...changes, epochs: 1 });
    const end = await lastValueFrom(train(task.trainer, task.options));
    expect(end).to.include({ type: 'run-end' });
    await task.trainer.dispose();
  });

  it('names what does not fit', async () => {
    mkdirSync(join(at('holes'), 'empty'), { recursive: true });
    mkdirSync(at('nothing'), { recursive: true });
    mkdirSync(join(at('broken'), 'one'), { recursive: true });
    writeFileSync(join(at('broken'), 'one', 'a.png'), 'no image');
    const wrong: [Partial<VisionSettings>, RegExp][] = [
      [{ data: at('holes') }, /holes\/empty: holds no images; expected files that end in \.png/],
      [{ data: at('nothing') }, /nothing: holds no folders; expected one of images for each class/],
      [{ data: at('missing') }, /missing: cannot be read: ENOENT/],
      [{}, /give --backbone, a name of listModels\(\), or --weights, a model folder/],
      [{ backbone: 'resnet19' }, /there is no model 'resnet19'; there are: /],
      [
        { backbone: 'resnet18', mode: 'head' },
        /--mode head trains a part of a trained model: give its folder with --weights/,
      ],
      [{ weights: at('base'), backbone: 'resnet18' }, /config\.json: holds a cifar_resnet20, --backbone says resnet18/],
      [{ weights: at('base'), mode: 'head', augment: 'rand' }, /--augment, --mixup and --cutmix need another mode/],
      [{ weights: at('base'), mode: 'head', mixup: 1 }, /--augment, --mixup and --cutmix need another mode/],
      [{ weights: at('base'), mode: 'last:9' }, /the mode 'last:9' is not 'all', 'head' or 'last:N' with N up to 4/],
      [{ weights: at('two') }, /two: holds no model: there is no config\.json/],
    ];
    for (const [changes, message] of wrong) {
      const error = await open(changes).catch((e: unknown) => e);
      expect(error).to.be.instanceOf(Error);
      expect((error as Error).message).to.match(message);
    }
    const told: string[] = [];
    const error = await visionTask(settings({ data: at('broken'), backbone: 'cifar_resnet20' }), ({ message }) =>
      told.push(message),
    ).catch((e: unknown) => e);
    expect(told).to.have.length(1);
    expect((error as Error).message).to.match(/broken\/one: none of the images of 'one' can be read/);
  });
});
