import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { execute, root, temporaryFolder } from './support/repository.ts';

/** The first TypeScript example of the README. */
function readmeExample(): string {
  const example = /```ts\n([\s\S]*?)```/.exec(readFileSync(join(root, 'README.md'), 'utf8'));
  return example![1]!;
}

describe('the packed packages', function () {
  this.timeout(240_000);
  const folder = temporaryFolder();
  const npm = async (args: string[], cwd: string): Promise<string> => {
    const { stdout, stderr, code } = await execute('npm', args, { cwd });
    expect(code, stderr).to.equal(0);
    return stdout;
  };

  it("run the README's example and the command in an empty project", async () => {
    const project = join(folder(), 'project');
    const tarballs = join(folder(), 'tarballs');
    for (const each of [project, tarballs]) mkdirSync(each);
    const built = await execute(join(root, 'node_modules/.bin/tsc'), ['-b', 'packages/rivulet'], { cwd: root }); // and all below it
    expect(built.code, built.stdout).to.equal(0);
    await npm(['pack', '--workspaces', '--pack-destination', tarballs], root);
    const names = readdirSync(tarballs);
    expect(names).to.have.length(readdirSync(join(root, 'packages')).length);

    // Other dependencies come from the clone's own installation: the same versions, and no network.
    const dependencies = Object.fromEntries(names.map((name) => [nameOf(name), `file:${join(tarballs, name)}`]));
    const others = { rxjs: `file:${join(root, 'node_modules/rxjs')}` };
    writeFileSync(
      join(project, 'package.json'),
      JSON.stringify({ type: 'module', dependencies: { ...dependencies, ...others } }),
    );
    writeFileSync(join(project, '.npmrc'), 'ignore-scripts=true\naudit=false\nfund=false\n');
    await npm(['install', '--prefer-offline', '--no-package-lock'], project);

    writeFileSync(join(project, 'example.mjs'), readmeExample().replaceAll('models/', `${join(root, 'models')}/`));
    const example = await execute(process.execPath, ['example.mjs'], { cwd: project, input: '我喜欢猫。\n' });
    expect(example.stderr).to.equal('');
    expect(example.stdout).to.match(/cat/i);

    const command = await execute(
      join(project, 'node_modules/.bin/rivulet'),
      ['translate', '--model', join(root, 'models/zh-en')],
      {
        cwd: project,
        input: '我喜欢猫。\n',
      },
    );
    expect(command).to.deep.include({ stderr: '', code: 0, stdout: example.stdout });
    const version = await execute(join(project, 'node_modules/.bin/rivulet'), ['--version'], { cwd: project });
    expect(version.stdout).to.match(/^\d+\.\d+\.\d+\n$/);
  });
});

function nameOf(tarball: string): string {
  const name = tarball.replace(/-\d+\.\d+\.\d+.*$/, '');
  return name === 'rivulet' ? name : name.replace(/^rivulet-/, '@rivulet/');
}
