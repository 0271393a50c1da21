import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { storageOf } from '@rivulet/nn';
import { createModel, createSegmenter } from '@rivulet/vision';
import { expect } from 'chai';
import {
  calibrateModel,
  exportModel,
  ImageEmbedder,
  load,
  loadImage,
  loadSegmentation,
  ModelError,
  parseCalibration,
  readImageModel,
  saveModelFolder,
} from 'rivulet';
import sharp from 'sharp';
import { evaluateClassifier } from '../../packages/rivulet/src/training/evaluate-classifier.ts';
import { rivulet, root, temporaryFolder } from '../support/repository.ts';

const digits = join(root, 'models/vit-mnist');
const drawn = (name: string): string => join(root, 'examples/images', name);
const [two, three] = [drawn('drawn-2-dark-on-light.png'), drawn('drawn-3-light-on-dark.png')];

describe('commands over images', () => {
  const folder = temporaryFolder();
  const at = (...names: string[]): string => join(folder(), ...names);
  const unet = {
    architecture: 'unet',
    num_classes: 2,
    classes: ['wall', 'cell'],
    channels: 1,
    widths: [4, 8],
    image_size: 32,
  };

  before(async () => {
    writeFileSync(at('text.png'), 'no image');
    writeFileSync(at('empty.png'), '');
    const state = createSegmenter('unet', { numClasses: 2, channels: 1, widths: [4, 8] }).stateDict();
    const weights = new Map([...state].map(([key, t]) => [key, storageOf(t)]));
    await saveModelFolder(at('unet'), { config: unet, weights });
    for (const [label, files] of Object.entries({ 2: [two], 3: [three, two] })) {
      mkdirSync(at('data', label), { recursive: true });
      for (const [i, file] of files.entries()) writeFileSync(at('data', label, `${i}.png`), readFileSync(file));
    }
    writeFileSync(at('data', '2', 'broken.png'), 'no image');
  });

  it('calibrate: keeps in the folder what --weights int8 needs', async () => {
    const classes = Array.from({ length: 10 }, (_, i) => `${i}`);
    const image = { size: [32, 32], channels: 3, mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5], layout: 'squash' };
    const config = { architecture: 'cifar_resnet20', num_classes: 10, classes, image };
    const weights = new Map([...createModel('cifar_resnet20').stateDict()].map(([key, t]) => [key, storageOf(t)]));
    const file = at('cifar', 'calibration.json');
    await saveModelFolder(at('cifar'), { config, weights });
    const { stdout, stderr, code } = await rivulet(['calibrate', '--model', at('cifar'), two, at('text.png'), three]);
    expect(stderr).to.match(/^rivulet: .*text\.png: is no image that can be read[^\n]*\n$/);
    expect({ stdout, code }).to.deep.equal({ stdout: `${file}\n`, code: 1 });

    const plain = await loadImage(at('cifar'));
    const whole = await loadImage(at('cifar'), { weights: 'int8' });
    const [expected, found] = [await plain.model.classify(two), await whole.model.classify(two)];
    for (const { label, score } of expected)
      expect(found.find((each) => each.label === label)!.score).to.be.closeTo(score, 0.05);
    expect(found).not.to.deep.equal(expected);
    await Promise.all([plain.model.dispose(), whole.model.dispose()]);
    const exported = await exportModel(at('cifar'), at('exported'), { weights: 'int8' });
    expect(exported).to.match(/model_int8\.onnx$/);
    expect(readFileSync(exported).includes('QLinearConv')).to.equal(true);
    // a part of the network needs a part of what was seen
    const read = await readImageModel(at('cifar'));
    const calibration = parseCalibration(JSON.parse(readFileSync(file, 'utf8')));
    await (await ImageEmbedder.compile(read.model, read.image, { weights: 'int8', calibration })).dispose();

    for (const [text, reason] of [
      ['{', 'JSON'],
      ['{}', "a calibration's 'ranges' must be an object, got undefined"],
      ['{"ranges": {}, "means": {}, "peaks": {}}', "says nothing of 'input_0': it is of another network"],
    ] as const) {
      writeFileSync(file, text);
      const error = await loadImage(at('cifar'), { weights: 'int8' }).catch((e: unknown) => e);
      expect(error).to.be.instanceOf(ModelError);
      expect((error as Error).message)
        .to.include(file)
        .and.to.include(reason);
    }
    await saveModelFolder(at('cifar'), { config, weights }); // other weights need another one
    expect(existsSync(file)).to.equal(false);
    const refused = await calibrateModel(join(root, 'models/zh-en'), [two]).catch((e: Error) => e.message);
    expect(refused).to.match(/zh-en: holds a text model; only image models are calibrated$/);
  });

  it('segment: a picture with a legend and the classes of each image, broken ones named', async () => {
    const args = ['segment', '--model', at('unet'), '--output', at('parts'), '--masks', '--json'];
    const { stdout, stderr, code } = await rivulet([...args, two, at('text.png'), three, at('empty.png')]);
    expect(code).to.equal(1);
    const lines = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(lines.map(({ file }) => file)).to.deep.equal([two, three]);
    for (const { file, picture, shares } of lines) {
      const source = await sharp(file).metadata();
      const mask = await sharp(picture.replace('.png', '-classes.png')).metadata();
      expect([mask.width, mask.height]).to.deep.equal([source.width, source.height]);
      expect((await sharp(picture).metadata()).height).to.be.above(source.height!);
      expect(shares.map(({ label }: { label: string }) => label)).to.deep.equal(['wall', 'cell']);
      expect(shares[0].share + shares[1].share).to.be.closeTo(1, 1e-9);
    }
    const complaints = stderr.trim().split('\n');
    expect(complaints[0]).to.match(/^rivulet: .*text\.png: is no image that can be read/);
    expect(complaints[1]).to.match(/^rivulet: .*empty\.png: is empty$/);
    expect(complaints).to.have.length(2);
  });

  it('embed: a vector of length 1 for each', async () => {
    const { stdout, stderr, code } = await rivulet([
      'embed',
      '--model',
      digits,
      '--normalize',
      two,
      at('text.png'),
      three,
    ]);
    expect(code).to.equal(1);
    expect(stderr.trim().split('\n')).to.have.length(1);
    const lines = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(lines.map(({ file }) => file)).to.deep.equal([two, three]);
    for (const { embedding } of lines) {
      expect(embedding).to.have.length(64);
      expect(Math.hypot(...embedding)).to.be.closeTo(1, 1e-6);
    }
  });

  it('explain: a picture of each by either method, also where names are the same', async () => {
    mkdirSync(at('other'), { recursive: true });
    writeFileSync(at('other', 'drawn-2-dark-on-light.png'), readFileSync(two));
    const files = [two, at('text.png'), at('other', 'drawn-2-dark-on-light.png')];
    const pictures = ['drawn-2-dark-on-light.png', 'drawn-2-dark-on-light-2.png'];
    const looks: Buffer[] = [];
    for (const method of [[], ['--method', 'attention-rollout']]) {
      const output = at(`looks${method.length}`);
      const { stdout, stderr, code } = await rivulet([
        'explain',
        '--model',
        digits,
        '--output',
        output,
        ...method,
        ...files,
      ]);
      expect(code).to.equal(1);
      expect(stderr).to.match(/^rivulet: .*text\.png: is no image that can be read[^\n]*\n$/);
      expect(stdout.trim().split('\n')).to.have.length(2);
      for (const name of pictures) {
        const { data, info } = await sharp(join(output, name)).raw().toBuffer({ resolveWithObject: true });
        expect([info.width, info.height]).to.deep.equal([452, 239]);
        looks.push(data);
      }
    }
    expect(looks[0]!.equals(looks[1]!), 'the same image, the same picture').to.equal(true);
    expect(looks[0]!.equals(looks[2]!), 'Grad-CAM and attention roll-out').to.equal(false);
  });

  it('evaluate: figures, and pictures on request', async () => {
    const args = ['evaluate', '--model', digits, '--data', at('data'), '--pictures', at('pictures')];
    const { stdout, stderr, code } = await rivulet(args);
    expect(code).to.equal(1); // for the broken image
    expect(stderr).to.match(/^rivulet: .*broken\.png: is no image that can be read.*\n$/);
    expect(stdout).to.match(
      /^accuracy 66\.7 % of 3 images\n2 {2}precision 50\.0 %, recall 100\.0 %, F1 66\.7 %, 1 images\n3 /,
    );
    for (const name of ['confusion.png', 'misclassified.png']) expect(existsSync(at('pictures', name))).to.equal(true);
  });

  it('evaluate: names folders that are no classes, and a folder without images', async () => {
    const { model } = await loadImage(digits);
    const problem = async (directory: string): Promise<string> =>
      evaluateClassifier(model, directory, () => {}).then(String, (error: Error) => error.message);
    mkdirSync(at('strange', 'seven'), { recursive: true });
    writeFileSync(at('strange', 'seven', 'a.png'), '');
    expect(await problem(at('strange'))).to.match(
      /strange: has folders that are no classes of the model: seven; it has: 0, 1/,
    );
    mkdirSync(at('hollow', '7'), { recursive: true });
    expect(await problem(at('hollow'))).to.match(/hollow\/7: holds no images/);
    writeFileSync(at('hollow', '7', 'a.png'), 'no image');
    expect(await problem(at('hollow'))).to.match(/hollow: none of the images can be read/);
    await model.dispose();
  });

  it('load: each kind where it is wanted, and what does not fit', async () => {
    const { kind, model } = await load(at('unet'));
    expect(kind).to.equal('segmentation');
    await model.dispose();
    const problem = (work: Promise<unknown>): Promise<string> => work.then(String, (error: Error) => error.message);
    expect(await problem(loadImage(at('unet')))).to.match(/holds a segmentation model, expected one for images/);
    expect(await problem(readImageModel(at('unet')))).to.match(/holds a segmentation model, expected one for images/);
    expect(await problem(readImageModel(join(root, 'models/zh-en')))).to.match(
      /holds a text model, expected one for images/,
    );
    expect(await problem(loadSegmentation(digits))).to.match(
      /holds an image model, expected one that names the pixels/,
    );
    const changed = (changes: object): Promise<string> => {
      writeFileSync(at('unet', 'config.json'), JSON.stringify({ ...unet, ...changes }));
      return problem(loadSegmentation(at('unet')));
    };
    expect(await changed({ classes: ['wall'] })).to.match(
      /config\.json: classes must be a list of 2 strings, got \["wall"\]/,
    );
    expect(await changed({ num_classes: 0 })).to.match(
      /config\.json: num_classes must be a whole number from 1, got 0/,
    );
    expect(await changed({ widths: [8, 16] })).to.match(/model\.safetensors: /); // the weights are of another shape
    expect(await changed({ architecture: 'fcn32s_vgg16' })).to.match(/model\.safetensors: /);
  });
});
