import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { decodeImage } from 'rivulet';
import { execute, root, temporaryFolder } from '../support/repository.ts';

const folder = join(root, 'examples/outline');
const lessons = readdirSync(folder).filter((name) => name.endsWith('.ts'));
type Lesson = (context: { short: boolean; say(line: string): void; picture: string }) => Promise<void>;

describe('the lessons of examples/outline', () => {
  const output = temporaryFolder();

  it('are those of the outline', () => {
    const names =
      'mlp lenet alexnet vgg googlenet resnet mobilenet densenet transfer fcn recurrent seq2seq transformer vit';
    expect(lessons.map((name) => name.slice(3).split(/[-.]/)[0]).join(' ')).to.equal(names);
  });

  it('are under 80 lines each, and the README says what to change and to watch', () => {
    const readme = readFileSync(join(folder, 'README.md'), 'utf8').split('\n## ');
    for (const name of lessons) {
      expect(readFileSync(join(folder, name), 'utf8').trimEnd().split('\n').length, name).to.be.below(80);
      const paragraph = readme.find((part) => part.includes(`](${name})\n`));
      expect(paragraph, name).to.match(/watch|compare/i);
    }
  });

  it('run as programs', async () => {
    const { stdout, code } = await execute(process.execPath, [
      'tools/source.mjs',
      `examples/outline/${lessons[0]}`,
      '--short',
    ]);
    expect(code).to.equal(0);
    expect(stdout).to.match(/runs\/outline\/01-mlp\.png, \d+ s\n$/);
  });

  for (const name of lessons)
    it(`${name} runs in its short form, says what it learned and draws a picture`, async () => {
      const module: Record<string, Lesson> = await import(join(folder, name));
      const lines: string[] = [];
      const picture = join(output(), `${name}.png`);
      await Object.values(module)[0]!({ short: true, say: (line) => lines.push(line), picture });
      expect(lines.join('\n'))
        .to.match(/\d/)
        .and.not.match(/NaN|undefined|Infinity/);
      const { data, width } = await decodeImage(picture, { channels: 3 });
      expect(new Set(data).size, 'shades').to.be.above(1);
      expect(width).to.be.above(32);
    }).timeout(20_000);
});
