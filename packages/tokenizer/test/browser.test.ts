import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { createContext, runInContext } from 'node:vm';
import { expect } from 'chai';
import { compileTokenizer, tokenizerToJSON } from '../src/index.ts';
import { smallTokenizer } from './support/texts.ts';

describe('the package in a browser', () => {
  it('needs nothing of Node, and loads a file by its URL', async function () {
    const esbuild = await import('esbuild').catch(() => null);
    if (!esbuild) {
      this.test!.title += ' (skipped: esbuild is absent)';
      this.skip();
    }
    const { outputFiles, warnings, metafile } = await esbuild.build({
      entryPoints: [fileURLToPath(new URL('../src/index.ts', import.meta.url))],
      bundle: true,
      platform: 'browser',
      format: 'iife',
      globalName: 'rivulet',
      write: false,
      metafile: true,
      logLevel: 'silent',
    });
    expect(warnings).to.deep.equal([]);
    const imports = Object.values(metafile.inputs).flatMap((input) => input.imports.filter(({ external }) => external));
    expect(imports).to.deep.equal([]);

    const files: Record<string, string | Uint8Array> = {
      'https://host/models/tokenizer.json': tokenizerToJSON(smallTokenizer()),
      'https://host/models/small.rvtk': compileTokenizer(smallTokenizer()),
    };
    const fetch = async (url: string): Promise<Response> =>
      url in files ? new Response(files[url] as Uint8Array<ArrayBuffer>) : new Response('', { status: 404 });
    const page = { fetch, TextEncoder, TextDecoder, URL, Response, location: { href: 'https://host/page.html' } };
    const context = createContext({ ...page, text: 'Hello, the 中文' });
    runInContext(outputFiles[0]!.text, context);
    for (const source of ['models/', 'https://host/models/tokenizer.json', './models/small.rvtk']) {
      const program = `rivulet.loadTokenizer(${JSON.stringify(source)}).then((one) => JSON.stringify([...one.encode(text)]))`;
      const ids: unknown = JSON.parse((await runInContext(program, context)) as string);
      expect(ids).to.deep.equal([...smallTokenizer().encode('Hello, the 中文')]);
    }
  });

  it('depends on nothing but the template engine', () => {
    const manifest = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as object;
    expect(Object.keys((manifest as { dependencies: object }).dependencies)).to.deep.equal(['@huggingface/jinja']);
  });
});
