import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { rivulet, root, temporaryFolder } from '../support/repository.ts';

const model = join(root, 'models/vit-mnist');
const images = join(root, 'examples/images');

describe('rivulet classify', () => {
  const folder = temporaryFolder();

  it('names the digit on every sample, in PNG, JPEG, BMP and WebP', async () => {
    const files = readdirSync(images).filter((name) => /\.(png|jpe?g|bmp|webp)$/.test(name));
    expect(new Set(files.map((name) => name.split('.').pop()))).to.include.all.keys('png', 'jpg', 'bmp', 'webp');
    const { stdout, stderr, code } = await rivulet([
      'classify',
      '--model',
      model,
      '--top',
      '3',
      '--json',
      ...files.map((name) => join(images, name)),
    ]);
    expect({ stderr, code }).to.deep.equal({ stderr: '', code: 0 });
    const records = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(records.map(({ file }) => file)).to.deep.equal(files.map((name) => join(images, name)));
    for (const { file, labels } of records) {
      expect(labels).to.have.length(3);
      expect(labels[0].score).to.be.greaterThan(labels[1].score);
      expect(labels[0].label, file).to.equal(/(?:is|drawn)-(\d)/.exec(file)![1]);
    }
  });

  it('names every file that is no image and goes on', async () => {
    const good = join(images, readdirSync(images).find((name) => name.endsWith('.png'))!);
    const bytes = readFileSync(good);
    const files = {
      'empty.png': '',
      'text.png': 'this is no image',
      'cut.png': bytes.subarray(0, bytes.length >> 1),
      'cut.bmp': Buffer.from('BM'),
    };
    for (const [name, content] of Object.entries(files)) writeFileSync(join(folder(), name), content);
    mkdirSync(join(folder(), 'folder.png'));
    const paths = [...Object.keys(files), 'folder.png', 'missing.png'].map((name) => join(folder(), name));
    const { stdout, stderr, code } = await rivulet(['classify', '--model', model, good, ...paths, good]);
    expect(code).to.equal(1);
    expect(stdout.trim().split('\n')).to.have.length(2);
    const complaints = stderr.trim().split('\n');
    expect(complaints).to.have.length(paths.length);
    paths.forEach((path, i) => {
      expect(complaints[i]).to.match(/^rivulet: /);
      expect(complaints[i]).to.include(`${path}: `);
    });
    expect(complaints[0]).to.match(/empty\.png: is empty$/);
  });

  it('refuses a text model', async () => {
    const { stderr, code } = await rivulet(['classify', '--model', join(root, 'models/zh-en'), 'x.png']);
    expect(code).to.equal(1);
    expect(stderr).to.include('holds a text model, expected one for images');
  });
});
