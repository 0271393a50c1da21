import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { needs, rivulet, root, stories } from '../support/repository.ts';

describe('rivulet generate', () => {
  needs(stories);

  it('tells the known story', async () => {
    const { stdout, stderr, code } = await rivulet(['generate', '--model', stories, '--prompt', '', '--max-new-tokens', '256']); // biome-ignore format: one call
    expect(stderr).to.equal('');
    expect(code).to.equal(0);
    expect(stdout).to.equal(readFileSync(join(stories, 'expected_greedy.txt'), 'utf8'));
  });

  it('continues every line, several at once, in their order', async () => {
    const input = 'Tom had a dog\n\nThe sun\n';
    const run = async (concurrency: string): Promise<string> => {
      const args = ['generate', '--model', stories, '--max-new-tokens', '8', '--json', '--concurrency', concurrency];
      const { stdout, code } = await rivulet(args, { input });
      expect(code).to.equal(0);
      return stdout;
    };
    const one = await run('1');
    const records = one.trim().split('\n').map((line) => JSON.parse(line)); // biome-ignore format: one thought
    expect(records.map(({ prompt }) => prompt)).to.deep.equal(['Tom had a dog', '', 'The sun']);
    expect(records[0].text).to.match(/^ named/);
    expect(records[0]).to.include({ reason: 'length' });
    expect(await run('3')).to.equal(one);
  });

  it('writes the prompt before its sequel, and stops before a text', async () => {
    const args = ['generate', '--model', stories, '--prompt', 'Lily went', '--echo', '--stop', '.'];
    const { stdout } = await rivulet(args);
    expect(stdout).to.match(/^Lily went to the park[^.]*$/);
  });

  it('draws by its seed', async () => {
    const draw = async (seed: string): Promise<string> => {
      const args = ['generate', '--model', stories, '--prompt', 'A', '--max-new-tokens', '20', '--top-p', '0.9'];
      return (await rivulet([...args, '--seed', seed])).stdout;
    };
    expect(await draw('1')).to.not.equal(await draw('2'));
  });

  it('goes on behind a prompt that is too long', async () => {
    const input = `${'word '.repeat(2000)}\nThe sun\n`;
    const { stdout, stderr, code } = await rivulet(['generate', '--model', stories, '--max-new-tokens', '4'], {
      input,
    });
    expect(code).to.equal(1);
    expect(stderr).to.match(/^rivulet: standard input:1: the prompt has \d+ tokens; this model reads and writes at most 512 together\n$/); // biome-ignore format: a pattern
    expect(stdout).to.match(/^\n was/);
  });

  it('names what is wrong in one line', async () => {
    const wrong = async (args: readonly string[], message: RegExp): Promise<void> => {
      const { stdout, stderr, code } = await rivulet(['generate', '--prompt', 'x', ...args]);
      expect(code).to.equal(1);
      expect(stderr).to.match(message);
      expect(stderr.trimEnd().split('\n')).to.have.length(1);
      expect(stdout).to.equal('');
    };
    await wrong(['--model', stories, '--top-p', '2'], /topP must be above 0 and at most 1, got 2/);
    await wrong(['--model', stories, '--num-beams', '2', '--temperature', '1'], /doSample and numBeams/);
    await wrong(['--model', stories, 'file.txt'], /--prompt and files exclude each other/);
  });

  it('translate refuses a model that continues texts', async () => {
    const { stderr, code } = await rivulet(['translate', '--model', stories]);
    expect(code).to.equal(1);
    expect(stderr).to.contain("use 'rivulet generate'");
  });

  it('generate takes a translator, too', async () => {
    const { stdout } = await rivulet(['generate', '--model', join(root, 'models/zh-en'), '--prompt', '我喜欢猫。']);
    expect(stdout).to.match(/cat/i);
  });
});
