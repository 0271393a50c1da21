import { readdirSync, readFileSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import { join } from 'node:path';
import { expect } from 'chai';
import { root } from './support/repository.ts';

/** What each package may import, beside Node's own modules. */
const allowed: Readonly<Record<string, readonly string[]>> = {
  tokenizer: ['@huggingface/jinja'],
  tensor: ['koffi', 'onnxruntime-node', 'onnxruntime-web'],
  nn: ['tensor'],
  training: ['tensor', 'nn', 'rxjs'],
  generation: [],
  stream: ['tokenizer', 'generation', 'rxjs', 'tinyglobby', '@opentelemetry/api'],
  recurrent: ['tensor', 'nn'],
  transformer: ['tensor', 'nn', 'generation'],
  seq2seq: ['tensor', 'nn', 'recurrent', 'transformer', 'generation'],
  vision: ['tensor', 'nn', 'transformer', 'sharp'],
  rivulet: ['*', 'commander', 'cli-progress', 'rxjs', 'hono', '@hono/node-server', 'prom-client', 'valibot'],
};

const packages = readdirSync(join(root, 'packages'));

interface Import {
  readonly file: string;
  readonly name: string;
}

/** The packages that a folder's sources import. */
function imports(folder: string): Import[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts'))
    .flatMap((file) => {
      const text = readFileSync(join(folder, file), 'utf8');
      const specifiers = [...text.matchAll(/(?:from|import)\s*\(?'([^'.][^']*)'/g)].map((match) => match[1]!);
      return specifiers
        .filter((name) => !isBuiltin(name))
        .map((name) => ({ file, name: name.match(/^(@[^/]+\/)?[^/]+/)![0] }));
    });
}

const permits = (name: string, imported: string): boolean => {
  const list = allowed[name]!;
  const ours = imported.match(/^@rivulet\/(.*)$/)?.[1];
  return ours ? list.includes('*') || list.includes(ours) : list.includes(imported);
};

describe('layering', () => {
  it('knows every package', () => {
    expect(packages).to.have.members(Object.keys(allowed));
  });

  for (const name of packages) {
    const manifest = JSON.parse(readFileSync(join(root, 'packages', name, 'package.json'), 'utf8'));
    const declared = Object.keys({ ...manifest.dependencies, ...manifest.peerDependencies });

    it(`${name} declares only what its layer permits`, () => {
      expect(declared.filter((dependency) => !permits(name, dependency))).to.deep.equal([]);
    });

    it(`${name} imports only what it declares`, () => {
      const strangers = imports(join(root, 'packages', name, 'src')).filter((each) => !declared.includes(each.name));
      expect(strangers).to.deep.equal([]);
    });
  }

  it('keeps the engine behind its interface', () => {
    const engine = imports(join(root, 'packages/tensor/src')).filter(
      ({ name }) => name === 'koffi' || name.startsWith('onnxruntime'),
    );
    expect(engine.length).to.be.greaterThan(0);
    expect(engine.filter(({ file }) => !file.startsWith('backend'))).to.deep.equal([]);
  });

  it('has no dependency with an install script that it needs', () => {
    expect(readFileSync(join(root, '.npmrc'), 'utf8')).to.include('ignore-scripts=true');
  });
});
