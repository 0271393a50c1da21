import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { rivulet, root, temporaryFolder } from '../support/repository.ts';

const model = join(root, 'models/zh-en');

describe('rivulet translate', () => {
  const folder = temporaryFolder();

  /** A copy of the shipped model with one file changed. */
  const broken = (name: string, file: string, change: (bytes: Buffer) => Buffer | string): string => {
    const directory = join(folder(), name);
    mkdirSync(directory);
    for (const each of ['config.json', 'tokenizer.json', 'model.safetensors'])
      copyFileSync(join(model, each), join(directory, each));
    writeFileSync(join(directory, file), change(readFileSync(join(directory, file))));
    return directory;
  };
  const changedConfig = (change: object) => (bytes: Buffer) =>
    JSON.stringify({ ...JSON.parse(bytes.toString()), ...change });

  it('writes one line per line, an empty one for an empty one', async () => {
    const { stdout, stderr, code } = await rivulet(['translate', '--model', model], { input: '我喜欢猫。\n\n你好。' });
    expect(stderr).to.equal('');
    expect(code).to.equal(0);
    const lines = stdout.split('\n');
    expect(lines).to.have.length(4);
    expect(lines[0]).to.match(/cat/i);
    expect(lines[1]).to.equal('');
    expect(lines[2]).to.not.equal('');
  });

  it('prints JSON lines whose tokens are the translation, also with beams', async () => {
    const file = join(folder(), 'sentences.txt');
    writeFileSync(file, '\ufeff我喜欢猫。\r\n你好。\r\n');
    const { stdout, code } = await rivulet(['translate', '--model', model, '--num-beams', '4', '--json', file, file]);
    expect(code).to.equal(0);
    const records = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(records.map(({ source }) => source)).to.deep.equal(['我喜欢猫。', '你好。', '我喜欢猫。', '你好。']);
    expect(records[2]).to.deep.equal(records[0]);
    const { stdout: text } = await rivulet(['decode', '--tokenizer', join(model, 'tokenizer.json')], {
      input: JSON.stringify(records[0].tokens),
    });
    expect(text).to.equal(`${records[0].translation}\n`);
  });

  it('works with weights in whole numbers', async () => {
    const args = ['translate', '--model', model, '--weights', 'int8'];
    const { stdout, code } = await rivulet(args, { input: '我喜欢猫。\n' });
    expect(code).to.equal(0);
    expect(stdout).to.match(/cat/i);
  });

  it('goes on after a line of 100,000 characters and after bytes that are no UTF-8', async () => {
    const input = Buffer.concat([
      Buffer.from(`你好。\n${'长'.repeat(100_000)}\n`),
      Buffer.of(0xff, 0xfe, 0x0a),
      Buffer.from('你好。\n'),
    ]);
    const { stdout, stderr, code } = await rivulet(['translate', '--model', model], { input });
    expect(code).to.equal(1);
    expect(stderr).to.match(/^rivulet: standard input:2: the source has \d+ tokens; this model reads at most 512\n$/);
    const lines = stdout.split('\n');
    expect(lines).to.have.length(5);
    expect(lines[1]).to.equal('');
    expect(lines[3]).to.equal(lines[0]);
  });

  it('translates what it can read when a file is missing', async () => {
    const file = join(folder(), 'one.txt');
    writeFileSync(file, '你好。\n');
    const { stdout, stderr, code } = await rivulet(['translate', '--model', model, join(folder(), 'no.txt'), file]);
    expect(code).to.equal(1);
    expect(stderr).to.match(/^rivulet: .*no\.txt: ENOENT.*\n$/);
    expect(stdout.split('\n')).to.have.length(2);
  });

  const failures: Record<string, [() => string, RegExp]> = {
    'a wrong path': [() => '/no/such/folder', /^rivulet: \/no\/such\/folder: there is no such folder\n$/],
    'a file': [() => join(model, 'config.json'), /config\.json: is no folder/],
    'a folder without a model': [() => folder(), /: holds no model: there is no config\.json\n$/],
    'a config that is no JSON': [() => broken('json', 'config.json', () => '{'), /config\.json: .*JSON/],
    'an unknown kind of model': [
      () => broken('kind', 'config.json', changedConfig({ modelType: 'x' })),
      /config\.json: modelType "x" is unknown/,
    ],
    'a wrong field': [
      () => broken('field', 'config.json', changedConfig({ hiddenSize: 'wide' })),
      /config\.json: hiddenSize must be .*got "wide"/,
    ],
    'weights of another shape': [
      () => broken('shape', 'config.json', changedConfig({ hiddenSize: 128 })),
      /model\.safetensors: the checkpoint does not fit the model: .*has shape \[.*the model wants \[/,
    ],
    'a truncated checkpoint': [
      () => broken('cut', 'model.safetensors', (bytes) => bytes.subarray(0, bytes.length - 1000)),
      /model\.safetensors: tensor '.*' ends at byte .*: the file is truncated/,
    ],
    'a corrupt checkpoint': [
      () => broken('corrupt', 'model.safetensors', (bytes) => bytes.fill(0xab, 0, 4)),
      /model\.safetensors: says its header has/,
    ],
    'an empty checkpoint': [() => broken('empty', 'model.safetensors', () => ''), /model\.safetensors: has 0 bytes/],
    'another tokenizer': [
      () => broken('vocabulary', 'config.json', changedConfig({ vocabSize: 7000 })),
      /tokenizer\.json: has \d+ tokens, config\.json says 7000/,
    ],
    'an image model': [() => join(root, 'models/vit-mnist'), /holds an image model, expected one for text/],
  };
  for (const [what, [directory, message]] of Object.entries(failures))
    it(`says in one line what is wrong with ${what}`, async () => {
      const { stdout, stderr, code } = await rivulet(['translate', '--model', directory()], { input: '你好。\n' });
      expect({ stdout, code }).to.deep.equal({ stdout: '', code: 1 });
      expect(stderr).to.match(message);
      expect(stderr.trim().split('\n')).to.have.length(1);
    });

  it('explains a wrong call', async () => {
    const { stderr, code } = await rivulet(['translate', '--model', model, '--num-beams', 'many']);
    expect(code).to.equal(1);
    expect(stderr).to.include("option '--num-beams <n>' argument 'many' is invalid. expected a whole number.");
  });
});
