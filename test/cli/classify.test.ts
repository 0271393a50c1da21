import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { deflateSync } from 'node:zlib';
import { expect } from 'chai';
import { png, pngFile } from '../../packages/vision/test/support/png.ts';
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
      'bomb.png': pngFile(60000, 60000, 8, 2, deflateSync(new Uint8Array(1000))), // 10 GB of pixels, were they there
    };
    const odd = ['renamed.jpg', 'dot.png', 'high.png', 'wide.png'].map((name) => join(folder(), name));
    writeFileSync(odd[0]!, bytes);
    for (const [i, [width, height]] of [[1, 1], [1, 10000], [10000, 1]].entries()) // biome-ignore format: a table
      writeFileSync(odd[i + 1]!, png(width!, height!, 8, 0, new Uint8Array(width! * height!).fill(9)));
    for (const [name, content] of Object.entries(files)) writeFileSync(join(folder(), name), content);
    mkdirSync(join(folder(), 'folder.png'));
    const paths = [...Object.keys(files), 'folder.png', 'missing.png'].map((name) => join(folder(), name));
    const { stdout, stderr, code } = await rivulet(['classify', '--model', model, good, ...paths, ...odd]);
    expect(code).to.equal(1);
    const lines = stdout.trim().split('\n');
    expect(lines.map((line) => line.slice(0, line.indexOf(': ')))).to.deep.equal([good, ...odd]);
    const said = (line: string): string => line.slice(line.indexOf(': '));
    expect(said(lines[1]!), 'a PNG by the name of a JPEG').to.equal(said(lines[0]!));
    const complaints = stderr.trim().split('\n');
    expect(complaints).to.have.length(paths.length);
    paths.forEach((path, i) => {
      expect(complaints[i]).to.match(/^rivulet: /);
      expect(complaints[i]).to.include(`${path}: `);
    });
    expect(complaints[0]).to.match(/empty\.png: is empty$/);
    expect(complaints[4]).to.match(/bomb\.png: .*it has more than 100000000 pixels$/);
  });

  it('refuses a text model', async () => {
    const { stderr, code } = await rivulet(['classify', '--model', join(root, 'models/zh-en'), 'x.png']);
    expect(code).to.equal(1);
    expect(stderr).to.include('holds a text model, expected one for images');
  });
});
